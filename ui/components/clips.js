// A list of clips on any page, each with a sentence of its own: who else is in a bucket, what was missed, your sound.

const lists = new WeakMap()

function listOf(root) {
  if (!lists.has(root)) {
    const cards = make("ol", { class: "cards" })
    root.append(make("section", { class: "room neighbours clips" }, cards))
    lists.set(root, { root, cards, rows: new Map(), view: "found", refresh: follow(root) })
  }
  return lists.get(root)
}

export default function clips({ data, parentElement: root, setTriggerValue }) {
  const list = listOf(root)
  takeList(list, data, setTriggerValue)
  list.cards.parentElement.setAttribute("aria-label", data.name)
  list.cards.style.setProperty("--room-for", data.room)
  drawCards(list, data.order, data.empty)
  askForLooks(list)
}
