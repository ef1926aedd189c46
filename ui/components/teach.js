// Clips to be marked yes or no for a label; Y and N mark the focused card. The marks are kept on the shelf, and Python is told
// those of the open label.

import { icon, make, patch, player, stateOf } from "./base.js"
import { drawCards, newList, updateList } from "./card.js"
import { followShelf, shelf } from "./shelf.js"

const MARKS = { yes: ["tick", "More like this"], no: ["cross", "Less like this"] }

function build(root) {
  const labels = make("p", { class: "taught small" })
  const cards = make("ol", { class: "cards" })
  root.append(make("section", { class: "earshot neighbours clip-list teach" }, labels, cards))
  const list = { ...newList(root, cards, "found"), labels }
  list.buttons = (id, card) => Object.keys(MARKS).map((mark) => markButton(list, mark, id, card))
  cards.addEventListener("keydown", (event) => markByKey(list, event))
  followShelf(root, () => list.data && showMarks(list))
  return list
}

export default function teach({ data: [data], parentElement: root, setTriggerValue }) {
  const list = stateOf(root, build)
  updateList(list, ["query", "marks", "open"], data, setTriggerValue)
  list.cards.parentElement.setAttribute("aria-label", data.title)
  list.cards.style.setProperty("--min-cards", data.min_cards)
  drawCards(list, data.order, data.empty)
  showMarks(list)
}

const markOf = (list, id) => shelf.entry(list.data.dataset, id).marks?.[list.data.name]

function markButton(list, mark, id, card) {
  const [picture, words] = MARKS[mark]
  return make("button", {
    class: `outlined mark-${mark}`, "aria-pressed": String(markOf(list, id) === mark), "aria-label": `${words}: ${card.title}`, title: `${words} (${mark[0].toUpperCase()})`,
    onclick: () => setMark(list, mark, id, card),
  }, icon(picture), ` ${mark}`)
}

// A second press of the same button takes the mark away.
function setMark(list, mark, id, card) {
  const { dataset, name } = list.data
  const { [name]: before, ...others } = shelf.entry(dataset, id).marks ?? {}
  const same = before === mark
  const said = same ? `No mark any more: ${card.title}` : `Marked ${mark} for “${name}”: ${card.title}`
  shelf.change(dataset, id, card.title, { marks: same ? others : { ...others, [name]: mark } }, said)
}

function markByKey(list, event) {
  const mark = { y: "yes", n: "no" }[event.key]
  const item = event.target.closest(".card")
  if (!mark || !item || event.ctrlKey || event.metaKey || event.altKey) return
  event.preventDefault()
  const id = item.dataset.clip
  if (markOf(list, id) !== mark) setMark(list, mark, id, list.data.cards[id])
  const items = [...list.cards.querySelectorAll(".card")]
  items[items.indexOf(item) + 1]?.focus()
}

// Tells Python the marks of the open label where it does not know them, and lists the labels that have marks.
function showMarks(list) {
  const { dataset, name, marks } = list.data
  const found = { yes: [], no: [] }
  const counts = new Map()
  for (const one of shelf.all().filter((one) => one.dataset === dataset && one.marks)) {
    if (one.marks[name]) found[one.marks[name]].push(one.id)
    for (const label of Object.keys(one.marks)) counts.set(label, (counts.get(label) ?? 0) + 1)
  }
  const said = JSON.stringify([dataset, name, found])
  const isKnown = JSON.stringify(found) === JSON.stringify(marks)
  if (!isKnown && !(said === player.saidMarks && player.isUnanswered("marks"))) {
    player.saidMarks = said
    player.press(list.root, "marks", { dataset, name, ...found })
  }
  const others = [...counts].filter(([label]) => label !== name).map(([label, count]) => make("button", { class: "outlined", onclick: () => player.press(list.root, "open", label) }, `${label} (${count})`))
  patch(list.labels, ...(others.length ? [make("span", {}, "Other labels that you teach here:"), ...others] : []))
}
