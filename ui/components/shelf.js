// What the visitor keeps of all collections: the crate, favourites, hidden clips, notes, and marks of labels that are being
// taught. The browser stores it, so that it outlasts hops, pages, collections and visits; it can be saved as a file and opened again.

import { icon, make, player, update } from "./base.js"

const SHELF = "earshot.shelf" // in localStorage: {version, clips: [[dataset, clip id, entry], ...]}, the newest last
const SHELF_VERSION = 1
const MAX_SHELF = 2000
export const MAX_NOTE = 500
const MAX_NAME = 60 // of a label that is being taught
const MAX_MARKS = 20 // of a clip
const MAX_UNDO = 50
const UNDO_MS = 10_000 // for which a change can be undone by its button
const FLAGS = ["kept", "favourite", "hidden"]

// Shared by all components.
export const shelf = (player.shelf ??= makeShelf())

function makeShelf() {
  const keyOf = (dataset, id) => JSON.stringify([dataset, id])
  let clips = read()
  let undos = []
  let toast = null

  // What is drawn anew waits until a press or a move of the focus that has begun is over: it would lose its element.
  let pressed = false
  let isWaiting = false
  const notify = () => ((isWaiting = true), setTimeout(flush))
  function flush() {
    if (pressed || !isWaiting) return
    isWaiting = false
    document.dispatchEvent(new CustomEvent("earshot-shelf"))
  }
  addEventListener("pointerdown", () => (pressed = true), true)
  for (const name of ["pointerup", "pointercancel", "dragend"]) addEventListener(name, () => setTimeout(() => ((pressed = false), flush())), true)

  function read() {
    try {
      return parse(localStorage.getItem(SHELF)) ?? new Map()
    } catch {
      return new Map() // the browser stores nothing for this page, or something else is there
    }
  }

  // Returns the clips of a stored text or a file by key; null where it is none of ours.
  function parse(text) {
    const stored = JSON.parse(text)
    if (stored?.version !== SHELF_VERSION || !Array.isArray(stored.clips)) return null
    const good = stored.clips.filter((one) => Array.isArray(one) && typeof one[0] === "string" && typeof one[1] === "string" && one[2] && typeof one[2] === "object")
    return new Map(good.slice(-MAX_SHELF).map(([dataset, id, entry]) => [keyOf(dataset.slice(0, 200), id.slice(0, 200)), clean(entry)]))
  }

  function clean(entry) {
    const one = { title: String(entry.title ?? "").slice(0, 300), note: String(entry.note ?? "").slice(0, MAX_NOTE) }
    for (const flag of FLAGS) if (entry[flag] === true) one[flag] = true
    const marks = Object.entries(entry.marks ?? {}).filter(([name, mark]) => name.length <= MAX_NAME && ["yes", "no"].includes(mark))
    if (marks.length) one.marks = Object.fromEntries(marks.slice(0, MAX_MARKS))
    return one
  }

  const text = () => JSON.stringify({ version: SHELF_VERSION, clips: [...clips].map(([key, entry]) => [...JSON.parse(key), entry]) })

  function store() {
    try {
      localStorage.setItem(SHELF, text())
    } catch {
      // kept until the page is reloaded
    }
    notify()
  }

  const entry = (dataset, id) => clips.get(keyOf(dataset, id)) ?? { title: "", note: "" }

  // Changes what is kept of a clip, in a way that can be undone, and says so.
  function change(dataset, id, title, changes, said) {
    clips = read() // other tabs may have changed some
    const key = keyOf(dataset, id)
    const before = clips.get(key)
    if (!before && clips.size >= MAX_SHELF) return say(`Nothing more fits: ${MAX_SHELF.toLocaleString("en")} clips are kept. Remove some on the page Crate.`)
    put(key, { ...(before ?? {}), title: title || before?.title || id, ...changes })
    undos = [...undos, { key, before, said }].slice(-MAX_UNDO)
    store()
    say(said, undo)
  }

  function put(key, one) {
    clips.delete(key)
    const kept = one && clean(one)
    if (kept && (kept.note || kept.marks || FLAGS.some((flag) => kept[flag]))) clips.set(key, kept)
  }

  function undo() {
    const last = undos.pop()
    if (!last) return say("There is nothing to undo.")
    clips = read()
    put(last.key, last.before)
    store()
    say(`Undone: ${last.said}`, undos.length ? undo : null)
  }

  // Adds the clips of a file to those that are kept; returns how many it has, null where it is no file of ours.
  function open(content) {
    let added = null
    try {
      added = parse(content)
    } catch {
      // no JSON
    }
    if (!added) return null
    clips = new Map([...read(), ...added].slice(-MAX_SHELF))
    undos = []
    store()
    return added.size
  }

  // A sentence at the foot of the window, with a button that undoes what it says.
  function say(said, again = null) {
    toast?.remove()
    toast = make("div", { class: "earshot-toast", role: "status" }, make("span", {}, said))
    if (again) toast.append(make("button", { onclick: again }, "Undo"))
    document.body.append(toast)
    const shown = toast
    const leave = () => (shown.matches(":focus-within, :hover") ? setTimeout(leave, UNDO_MS) : shown.remove())
    setTimeout(leave, UNDO_MS)
  }

  addEventListener("storage", (event) => event.key === SHELF && ((clips = read()), notify()))
  document.addEventListener("keydown", (event) => {
    if (event.key !== "z" || !(event.ctrlKey || event.metaKey) || event.shiftKey || !undos.length) return
    if (event.composedPath()[0].closest?.("input, textarea, [contenteditable]")) return
    event.preventDefault()
    undo()
  })

  const all = () => [...clips].map(([key, one]) => ({ dataset: JSON.parse(key)[0], id: JSON.parse(key)[1], ...one }))
  return { entry, change, open, text, all, hiddenOf: (dataset) => all().filter((one) => one.hidden && one.dataset === dataset).map((one) => one.id) }
}

// Calls `draw` whenever what is kept changes, as long as the component at `root` is there.
export function followShelf(root, draw) {
  const listen = () => ((root.host ?? root).isConnected ? draw() : document.removeEventListener("earshot-shelf", listen))
  document.addEventListener("earshot-shelf", listen)
}

// Tells Python which clips of this collection are hidden, where it does not know them yet or they have changed.
export function reportHidden(root, data) {
  const ids = shelf.hiddenOf(data.dataset)
  const said = JSON.stringify([data.dataset, ids])
  if (said === player.saidHidden && (player.isUnanswered("hidden") || data.knows_hidden || !ids.length)) return
  if (!ids.length && !data.knows_hidden) return
  player.saidHidden = said
  player.press(root, "hidden", { dataset: data.dataset, ids })
}

// Buttons that keep a clip, and open a panel for a favourite, a note and "never show this".
export function shelfButtons(panel, dataset, id, title) {
  const entry = shelf.entry(dataset, id)
  const keep = make("button", {
    class: "outlined keep", "aria-pressed": String(Boolean(entry.kept)), "aria-label": `Keep in the crate: ${title}`, title: "Keep in the crate",
    onclick: () => toggleKept(dataset, id, title),
  }, icon(entry.kept ? "tick" : "add"))
  const more = make("button", {
    class: "outlined more", "aria-expanded": String(!panel.hidden), "aria-label": `Favourite, note, never show: ${title}`, title: "Favourite, note, never show",
    onclick: ({ currentTarget }) => {
      panel.hidden = !panel.hidden
      currentTarget.setAttribute("aria-expanded", String(!panel.hidden))
      drawShelfPanel(panel, dataset, id, title)
    },
  }, icon("more"))
  return [keep, more]
}

function toggleKept(dataset, id, title) {
  const kept = !shelf.entry(dataset, id).kept
  shelf.change(dataset, id, title, { kept }, kept ? `In the crate: ${title}` : `Out of the crate: ${title}`)
}

export function drawShelfPanel(panel, dataset, id, title) {
  if (panel.hidden) return panel.replaceChildren()
  const entry = shelf.entry(dataset, id)
  const favourite = make("button", {
    class: "outlined favourite", "aria-pressed": String(Boolean(entry.favourite)),
    onclick: () => shelf.change(dataset, id, title, { favourite: !entry.favourite }, entry.favourite ? `No favourite any more: ${title}` : `Favourite: ${title}`),
  }, icon("star"), entry.favourite ? " Favourite" : " Make it a favourite")
  const hide = make("button", { class: "outlined hide", onclick: () => shelf.change(dataset, id, title, { hidden: true }, `Never shown again: ${title}`) }, "Never show this")
  const note = make("input", { class: "note-text", maxlength: String(MAX_NOTE), placeholder: "A note", "aria-label": `Note on ${title}`, value: entry.note })
  note.addEventListener("change", () => shelf.change(dataset, id, title, { note: note.value.trim() }, `Note on ${title}`))
  note.addEventListener("keydown", (event) => event.stopPropagation()) // arrows and Space are for the text
  const here = panel.querySelector(".note-text") // keeps its listeners and what is being typed
  if (!here) return panel.replaceChildren(favourite, hide, note)
  if (here !== panel.getRootNode().activeElement) here.value = entry.note
  update(panel.querySelector(".favourite"), favourite)
}
