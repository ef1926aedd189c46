// A list of clips, each with its own sentence: the content of a bucket, what was missed, the query.

import { make, player, stateOf } from "./base.js"
import { drawCards, newList, updateList } from "./card.js"

function build(root) {
  const cards = make("ol", { class: "cards" })
  root.append(make("section", { class: "earshot neighbours clip-list" }, cards))
  return newList(root, cards, "found")
}

export default function clipList({ data: [data], parentElement: root, setTriggerValue }) {
  const list = stateOf(root, build)
  updateList(list, ["query"], data, setTriggerValue)
  list.cards.parentElement.setAttribute("aria-label", data.name)
  list.cards.style.setProperty("--min-cards", data.min_cards)
  drawCards(list, data.order, data.empty)
  data.order.filter((id) => data.cards[id].kind === "query").forEach((id) => player.arrive(id, list.items.get(id), data.cards[id].title))
}
