// A card that is a file of one's own: it can be dragged out of the page as that file, or saved. Python is asked where the
// file can be had when the mouse comes to its card, for a drag must know that the moment it begins.

const HESITATION_MS = 60

function followMouse(list, item) {
  const id = item.dataset.clip
  let coming = null
  item.addEventListener("pointerenter", (event) => {
    if (event.pointerType === "mouse") coming = setTimeout(() => askForFile(list, id), HESITATION_MS)
  })
  item.addEventListener("pointerleave", () => clearTimeout(coming))
  item.addEventListener("dragstart", (event) => event.target === item && drag(list, event))
}

function askForFile(list, id) {
  if (list.data.file?.id !== id) list.tell("file", id)
}

// The form is Chromium's own: other browsers let the drag begin and drop nothing.
function drag(list, event) {
  const { mime, name, url } = list.data.file
  event.dataTransfer.effectAllowed = "copy"
  event.dataTransfer.setData("DownloadURL", `${mime}:${name}:${new URL(url, location.origin)}`)
}

function saveButton(list, item, card) {
  const press = () => {
    list.saving = item.dataset.clip
    askForFile(list, list.saving)
    takeFile(list)
  }
  const save = make("button", { class: "word save", "aria-label": `Save ${card.title} as a file`, title: "save the file", onclick: press })
  save.append(picture("save"))
  return save
}

// Lets the card whose file is at hand be dragged, and saves the file if its button was pressed.
function takeFile(list) {
  const { file } = list.data
  list.rows.forEach((item, id) => (item.draggable = id === file?.id && !file.sorry))
  if (!file || file.id !== list.saving) return
  list.saving = null
  if (!file.sorry) return make("a", { href: file.url, download: file.name }).click()
  const stage = list.rows.get(file.id)?.querySelector(".stage")
  stage?.replaceChildren(make("p", { class: "small sorry", role: "status" }, file.sorry))
}
