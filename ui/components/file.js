// Files of one's own sounds: a card can be dragged out of the page as its file, or saved. The file's address is requested
// from Python when the mouse enters the card, since a drag needs it at once.

const HOVER_MS = 60

function offerFile(list, item) {
  const id = item.dataset.clip
  let timer = null
  item.addEventListener("pointerenter", (event) => {
    if (event.pointerType === "mouse") timer = setTimeout(() => requestFile(list, id), HOVER_MS)
  })
  item.addEventListener("pointerleave", () => clearTimeout(timer))
  item.addEventListener("dragstart", (event) => event.target === item && startDrag(list, event))
}

function requestFile(list, id) {
  if (list.data.file?.id !== id) list.send("file", id)
}

// `DownloadURL` is understood by Chromium only; in other browsers nothing is dropped.
function startDrag(list, event) {
  const { mime, name, url } = list.data.file
  event.dataTransfer.effectAllowed = "copy"
  event.dataTransfer.setData("DownloadURL", `${mime}:${name}:${new URL(url, location.origin)}`)
}

function saveButton(list, item, card) {
  const save = () => {
    list.saving = item.dataset.clip
    requestFile(list, list.saving)
    receiveFile(list)
  }
  return make("button", { class: "outlined save", "aria-label": `Save ${card.title} as a file`, title: "save the file", onclick: save }, icon("save"))
}

// Makes the card draggable whose file has arrived, and saves the file if its button was pressed.
function receiveFile(list) {
  const { file } = list.data
  list.items.forEach((item, id) => (item.draggable = id === file?.id && !file.error))
  if (!file || file.id !== list.saving) return
  list.saving = null
  if (!file.error) return make("a", { href: file.url, download: file.name }).click()
  const media = list.items.get(file.id)?.querySelector(".media")
  media?.replaceChildren(make("p", { class: "small error", role: "status" }, file.error))
}
