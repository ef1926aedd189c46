// Lists of neighbours: found, exact and missed, as tabs over the same cards; or the exact one alone, without tabs. Space
// plays the focused card, the arrow keys move between cards, Enter searches with the card's sound.

import { make, player, stateOf } from "./base.js"
import { drawCards, newList, updateList } from "./card.js"
import { playbackBar } from "./playback.js"

const VIEWS = { found: "Found", exact: "Exact", missed: "Missed" }

function build(root) {
  const tabs = make("div", { class: "tabs", role: "tablist", "aria-label": "Which neighbours" })
  const cards = make("ol", { class: "cards" })
  const panel = make("div", { role: "tabpanel", id: "cards", "aria-label": "Neighbours" }, cards)
  const status = make("div", { class: "visually-hidden", role: "status" })
  const list = Object.assign(newList(root, cards, null), { tabs, panel, status, pressed: null }) // pressed: a tab that Python has not confirmed
  root.append(make("section", { class: "earshot neighbours", "aria-label": "Neighbours" }, status, tabs, playbackBar(list), panel))
  // Back cancels a press.
  const cancel = () => ((root.host ?? root).isConnected ? (list.pressed = null) : removeEventListener("popstate", cancel))
  addEventListener("popstate", cancel)
  tabs.append(...Object.keys(VIEWS).map((name) => tab(list, name)))
  return list
}

export default function neighbours({ data: [data], parentElement: root, setTriggerValue }) {
  const list = stateOf(root, build)
  updateList(list, ["query", "view"], data, setTriggerValue)
  if (list.pressed === data.view) list.pressed = null
  list.view = list.pressed ?? data.view
  if (list.status.textContent !== data.summary) list.status.textContent = data.summary
  draw(list)
}

function draw(list) {
  const alone = Object.keys(list.data.lists).length < 2
  list.tabs.hidden = alone
  list.panel.setAttribute("role", alone ? "group" : "tabpanel")
  for (const tab of list.tabs.children) {
    const selected = tab.dataset.view === list.view
    tab.setAttribute("aria-selected", String(selected))
    tab.tabIndex = selected ? 0 : -1
    tab.querySelector("b").textContent = list.data.lists[tab.dataset.view]?.length ?? ""
  }
  drawCards(list, list.data.lists[list.view], list.data.empty[list.view])
}

function tab(list, name) {
  const button = make("button", { role: "tab", class: "tab", "data-view": name, "aria-controls": "cards", onclick: () => openView(list, name) })
  button.append(make("span", { class: `mark ${name}`, "aria-hidden": "true" }), `${VIEWS[name]} `, make("b", {}))
  button.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
    if (!step) return
    const names = Object.keys(VIEWS)
    openView(list, names[(names.indexOf(list.view) + step + names.length) % names.length])
    list.tabs.querySelector('[aria-selected="true"]').focus()
  })
  return button
}

function openView(list, view) {
  if (view === list.view) return
  list.view = list.pressed = view
  draw(list)
  player.press(list.root, "view", view)
}
