// The neighbours: three lists over the same cards. Space plays the card in focus, arrows walk, Enter makes it your sound.

const VIEWS = { found: "Found", exact: "Exact", missed: "Missed" }
const lists = new WeakMap()

function listOf(root) {
  if (!lists.has(root)) {
    const tabs = make("div", { class: "tabs", role: "tablist", "aria-label": "Which neighbours" })
    const cards = make("ol", { class: "cards", role: "tabpanel", id: "cards" })
    const live = make("div", { class: "unseen", role: "status" })
    root.append(make("section", { class: "room neighbours", "aria-label": "Neighbours" }, live, tabs, cards))
    lists.set(root, { root, tabs, cards, live, rows: new Map(), view: null, told: null, refresh: follow(root) })
  }
  return lists.get(root)
}

export default function neighbours({ data, parentElement: root, setTriggerValue }) {
  const list = listOf(root)
  takeList(list, data, setTriggerValue)
  if (list.told !== data.view) list.view = list.told = data.view
  if (list.live.textContent !== data.summary) list.live.textContent = data.summary
  draw(list)
  askForLooks(list)
  takeFile(list)
}

function draw(list) {
  drawTabs(list)
  drawCards(list, list.data.lists[list.view], list.data.empty[list.view])
}

function drawTabs(list) {
  const names = Object.keys(VIEWS)
  if (!list.tabs.children.length) {
    for (const name of names) {
      const tab = make("button", { role: "tab", class: "tab", "data-view": name, "aria-controls": "cards", onclick: () => turn(list, name) })
      tab.append(make("span", { class: `mark ${name}`, "aria-hidden": "true" }), `${VIEWS[name]} `, make("b", {}))
      tab.addEventListener("keydown", (event) => {
        const way = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
        if (!way) return
        turn(list, names[(names.indexOf(list.view) + way + names.length) % names.length])
        list.tabs.querySelector('[aria-selected="true"]').focus()
      })
      list.tabs.append(tab)
    }
  }
  for (const tab of list.tabs.children) {
    const here = tab.dataset.view === list.view
    tab.setAttribute("aria-selected", String(here))
    tab.tabIndex = here ? 0 : -1
    tab.querySelector("b").textContent = list.data.lists[tab.dataset.view].length
  }
}

function turn(list, view) {
  if (view === list.view) return
  list.view = view
  draw(list)
  list.tell("view", view)
}
