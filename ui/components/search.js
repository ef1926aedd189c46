// Search box: a field with what its text finds, in groups, below it; and the labels of the collection as a tree. The keys of
// a combobox: arrows choose, Enter takes the chosen one or else the first, Escape closes.

import { make, player, stateOf } from "./base.js"
import { forgetLabels, toggleLabels } from "./search_labels.js"
import { activate, closeOffers, typed } from "./search_offers.js"

function build(root) {
  const it = { root, send: null, offers: [], active: -1, text: "", timer: null, request: null }
  it.input = make("input", {
    type: "search", role: "combobox", "aria-label": "Find a sound", "aria-expanded": "false", "aria-controls": "offers",
    "aria-autocomplete": "list", autocomplete: "off", spellcheck: "false", maxlength: "120",
  })
  it.list = make("div", { id: "offers", class: "offers", role: "listbox", "aria-label": "What the text finds", hidden: true })
  it.note = make("p", { class: "note small", hidden: true })
  it.status = make("p", { class: "visually-hidden", role: "status" })
  it.browse = make("button", { class: "outlined browse", "aria-expanded": "false", onclick: () => toggleLabels(it) }, "All labels")
  it.labels = make("section", { class: "labels", "aria-label": "All labels", hidden: true })
  it.input.addEventListener("input", () => typed(it))
  it.input.addEventListener("keydown", (event) => handleKey(it, event))
  it.input.addEventListener("focus", () => it.input.value.trim() && typed(it))
  it.input.addEventListener("blur", () => closeOffers(it))
  it.list.addEventListener("pointerdown", (event) => event.preventDefault()) // the focus stays in the field
  const field = make("div", { class: "field" }, it.input, it.list, it.note)
  root.append(make("div", { class: "earshot search", role: "search" }, make("div", { class: "line" }, field, it.browse), it.status, it.labels))
  return it
}

export default function search({ data: [data], parentElement: root, setTriggerValue }) {
  const it = stateOf(root, build)
  player.connect(root, ["find"], data, setTriggerValue)
  it.input.placeholder = data.hint
  it.dataset = data.dataset
  if (it.collection !== data.collection) {
    it.collection = data.collection
    forgetLabels(it)
  }
  if (it.shown !== data.text) {
    it.shown = data.text
    it.input.value = data.text
    closeOffers(it)
  }
  if (it.status.textContent !== data.said) it.status.textContent = data.said
}

// Tells Python what was chosen: an offer, or a text, of which Python takes the first.
export function choose(it, choice) {
  closeOffers(it)
  it.shown = null // so that the field shows what Python makes of it
  player.press(it.root, "find", choice)
}

function handleKey(it, event) {
  const steps = { ArrowDown: 1, ArrowUp: -1 }
  if (event.key in steps && it.offers.length) activate(it, it.active + steps[event.key])
  else if (event.key === "Enter") choose(it, it.offers[it.active]?.dataset.choice ?? `first~${it.input.value}`)
  else if (event.key === "Escape" && !it.list.hidden) closeOffers(it)
  else return
  event.preventDefault()
  event.stopPropagation()
}
