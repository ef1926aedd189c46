// The crate: what the visitor keeps, of all collections, as a list; files of it, and exports that the server makes.

import { followPlayer, make, playButton, player, ROOT, stateOf } from "./base.js"
import { followShelf, MAX_NOTE, reportHidden, shelf } from "./shelf.js"

const EXPORTS = { csv: ["CSV", "earshot-crate.csv"], json: ["JSON", "earshot-crate.json"], m3u: ["Playlist", "earshot-crate.m3u8"], zip: ["The files", "earshot-crate.zip"] }
const SECTIONS = [
  ["kept", "In the crate", "Press + on a sound to keep it here."],
  ["favourite", "Favourites", ""],
  ["note", "Notes", ""],
  ["hidden", "Never shown", ""],
]

function build(root) {
  const it = { root, data: null }
  it.status = make("p", { class: "small", role: "status" })
  it.lists = make("div", {})
  const file = make("input", { type: "file", accept: "application/json,.json", hidden: true })
  file.addEventListener("change", () => openFile(it, file))
  const exports = Object.entries(EXPORTS).map(([kind, [name, saved]]) => make("button", { class: "outlined", onclick: () => exportCrate(it, kind, saved) }, name))
  const save = make("button", { class: "outlined", onclick: () => saveAs(new Blob([shelf.text()], { type: "application/json" }), "earshot-shelf.json") }, "Save to a file")
  const open = make("button", { class: "outlined", onclick: () => file.click() }, "Open a file")
  const line = make("div", { class: "line" }, make("span", { class: "small" }, "Export the crate:"), ...exports)
  const files = make("div", { class: "line" }, make("span", { class: "small" }, "All of this page:"), save, open, file)
  root.append(make("section", { class: "earshot crate", "aria-label": "Crate" }, line, files, it.status, it.lists))
  followShelf(root, () => draw(it))
  it.refresh = followPlayer(root)
  return it
}

export default function crate({ data: [data], parentElement: root, setTriggerValue }) {
  const it = stateOf(root, build)
  it.data = data
  player.connect(root, ["hidden"], data, setTriggerValue)
  draw(it)
}

function draw(it) {
  const all = shelf.all().reverse()
  const focused = placeOf(it.root.activeElement)
  it.lists.replaceChildren(...SECTIONS.map(([flag, heading, empty]) => section(it, flag, heading, empty, all.filter((one) => one[flag]))).filter(Boolean))
  if (focused) elementAt(it.lists, focused)?.focus({ preventScroll: true })
  it.refresh()
  reportHidden(it.root, it.data)
}

// The place of an element in the lists: its section, the number of its item, and its number within that.
const controls = (row) => [...row.querySelectorAll("button, a, input")]

function placeOf(element) {
  const row = element?.closest?.(".kept")
  return row ? { section: row.closest("[data-section]").dataset.section, row: [...row.parentElement.children].indexOf(row), at: controls(row).indexOf(element) } : null
}

// Returns the element at a place; where the item has gone, that of the next one, or the last one.
function elementAt(lists, { section, row, at }) {
  const rows = lists.querySelectorAll(`[data-section="${section}"] .kept`)
  const near = rows[Math.min(row, rows.length - 1)]
  return near ? controls(near)[at] : null
}

function section(it, flag, heading, empty, clips) {
  if (!clips.length && !empty) return null
  const items = clips.map((one) => item(it, flag, one))
  const list = items.length ? make("ul", {}, ...items) : make("p", {}, empty)
  return make("section", { "data-section": flag }, make("h2", {}, `${heading} · ${items.length}`), list)
}

const REMOVE = { kept: ["Take out", "Out of the crate"], favourite: ["No favourite", "No favourite any more"], note: ["Delete the note", "Note deleted"], hidden: ["Show again", "Shown again"] }

function item(it, flag, { dataset, id, title, note }) {
  const here = dataset === it.data.dataset
  const sounds = here && it.data.plays
  const play = sounds ? playButton(`Play ${title}`, () => player.toggle(id)) : make("span", { class: "no-play" })
  const href = `${ROOT}?${new URLSearchParams({ dataset, clip: id })}`
  const link = make("a", { href, target: "_self" }, title)
  const facts = make("p", { class: "small" }, `${dataset} · ${id}`)
  const text = make("input", { class: "note-text", maxlength: String(MAX_NOTE), placeholder: "A note", "aria-label": `Note on ${title}`, value: note })
  text.addEventListener("change", () => shelf.change(dataset, id, title, { note: text.value.trim() }, `Note on ${title}`))
  const [name, said] = REMOVE[flag]
  const remove = make("button", { class: "outlined", "aria-label": `${name}: ${title}`, onclick: () => shelf.change(dataset, id, title, { [flag]: flag === "note" ? "" : false }, `${said}: ${title}`) }, name)
  const row = make("li", { class: "kept", "data-clip": id, "data-phase": "idle" }, play, make("div", { class: "about" }, link, facts), text, remove)
  if (here && it.data.files) letDrag(row, id, title)
  return row
}

// A file of one's own can be dragged out of the page in Chromium, as from a card.
function letDrag(row, id, title) {
  const name = title.split(" · ")[0].replace(/[:/\\*?"<>|%]/g, "_")
  if (!/\.\w{2,5}$/.test(name)) return
  row.draggable = true
  row.addEventListener("dragstart", (event) => {
    event.dataTransfer.effectAllowed = "copy"
    event.dataTransfer.setData("DownloadURL", `application/octet-stream:${name}:${player.url(id, "file")}`)
  })
}

function saveAs(blob, name) {
  const href = URL.createObjectURL(blob)
  make("a", { href, download: name }).click()
  setTimeout(() => URL.revokeObjectURL(href), 10_000)
}

async function exportCrate(it, kind, name) {
  const clips = shelf.all().filter((one) => one.kept)
  if (!clips.length) return (it.status.textContent = "The crate is empty: press + on a sound to keep it.")
  it.status.textContent = "Making the file…"
  try {
    const answer = await fetch(`${ROOT}clips/crate.${kind}`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(clips) })
    if (!answer.ok) return (it.status.textContent = await answer.text())
    saveAs(await answer.blob(), name)
    const missing = Number(answer.headers.get("X-Left-Out"))
    it.status.textContent = missing ? `Saved as ${name}. Left out, because they are not in a collection of this app any more: ${missing}.` : `Saved as ${name}.`
  } catch {
    it.status.textContent = "The server does not answer. Check the connection."
  }
}

async function openFile(it, input) {
  const [file] = input.files
  input.value = ""
  if (!file) return
  const count = file.size > 5_000_000 ? null : shelf.open(await file.text())
  it.status.textContent = count === null ? "This is no file that “Save to a file” has made. Nothing was changed." : `Opened: ${count} clips, added to what was here.`
}
