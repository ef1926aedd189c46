// Groups of clips that are equal or nearly so, one list each; of every group one clip is kept.

import { icon, make, player, stateOf } from "./base.js"
import { drawCards, newList, updateList } from "./card.js"

function build(root) {
  const groups = make("div", {})
  root.append(make("section", { class: "earshot neighbours clip-list tidy", "aria-label": "Groups of duplicates" }, groups))
  return { root, groups, lists: new Map() }
}

export default function tidy({ data: [data], parentElement: root, setTriggerValue }) {
  const it = stateOf(root, build)
  const sections = data.groups.map((group) => {
    const list = listOf(it, group.id, data.heading)
    list.heading.textContent = group.title
    list.cards.setAttribute("aria-label", group.title)
    updateList(list, ["query", "keep"], data, setTriggerValue)
    drawCards(list, group.order, "")
    return list.section
  })
  for (const id of [...it.lists.keys()]) if (!data.groups.some((group) => group.id === id)) it.lists.delete(id)
  if (sections.length !== it.groups.children.length || sections.some((section, i) => it.groups.children[i] !== section)) it.groups.replaceChildren(...sections)
}

function listOf(it, id, level) {
  if (it.lists.has(id)) return it.lists.get(id)
  const cards = make("ol", { class: "cards" })
  const heading = make(level, { class: "group" })
  const list = { ...newList(it.root, cards, "found"), heading, section: make("section", {}, heading, cards) }
  list.buttons = (clip, card) => card.choice && [keepButton(it, id, clip, card)]
  it.lists.set(id, list)
  return list
}

function keepButton(it, group, clip, card) {
  const isKept = card.choice === "kept"
  return make("button", {
    class: "outlined keep-one", "aria-pressed": String(isKept), "aria-label": `Keep this one: ${card.title}`,
    onclick: () => player.press(it.root, "keep", { group, clip }),
  }, isKept ? icon("tick") : null, isKept ? " kept" : "keep this")
}
