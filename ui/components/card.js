// A clip's card: play button, waveform or thumbnail, labels, outcome, distance, actions. Used by every list of clips.
// A list is {root, cards (its element), items (cards drawn, by clip id), view, data, send}. With `data.has_files`, cards
// also need file.js.

const FLAT = Array(48).fill(0)
const QUIET_MS = 2000

const newList = (root, cards, view) => ({ root, cards, view, items: new Map(), refresh: followPlayer(root) })

// Streamlit may drop an event if another one follows at once: after a new query, other events are not sent for a while.
function updateList(list, data, send) {
  list.data = data
  list.quietUntil = 0
  list.send = (event, value) => {
    if (performance.now() < list.quietUntil) return
    if (event === "query") list.quietUntil = performance.now() + QUIET_MS
    send(event, value)
  }
  player.receive(data)
}

// Waveforms are requested after the cards are drawn: each takes Python some milliseconds, and a slider must not wait.
function requestWaveforms(list) {
  const missing = Object.entries(list.data.cards).filter(([id, card]) => card.media.kind === "sound" && !player.waveforms.has(id))
  const ids = missing.map(([id]) => id)
  if (ids.length && list.requested !== ids.join()) list.send("waveforms", ids)
  list.requested = ids.join()
}

// Shows the cards of these clips in this order, or a text if there is none.
function drawCards(list, ids, text) {
  const wanted = ids.map((id) => cardOf(list, id))
  arrange(list, wanted)
  list.items.forEach((item, id) => ids.includes(id) || list.items.delete(id))
  const empty = list.cards.querySelector(".empty")
  if (ids.length) empty?.remove()
  else if (!empty) list.cards.append(make("li", { class: "empty" }, make("p", {}, text)))
  else empty.firstChild.textContent = text
  if (!list.cards.querySelector('[tabindex="0"]') && wanted.length) wanted[0].tabIndex = 0
  list.refresh()
}

// An iframe that moves within the page reloads, so the other cards are placed around the one whose video is open.
function arrange(list, wanted) {
  const focused = list.root.activeElement
  for (const child of [...list.cards.children]) {
    if (wanted.includes(child) || child.matches(".empty")) continue
    child.video?.close()
    child.remove()
  }
  if (wanted.some((item, i) => list.cards.children[i] !== item)) {
    const anchor = wanted.find((item) => item.querySelector("iframe") && item.isConnected)
    const position = wanted.indexOf(anchor)
    wanted.forEach((item, i) => {
      if (i < position) anchor.before(item)
      else if (item !== anchor) list.cards.append(item)
    })
  }
  if (focused?.isConnected && focused !== list.root.activeElement) focused.focus({ preventScroll: true })
}

function cardOf(list, id) {
  const card = list.data.cards[id]
  const drawn = JSON.stringify([card, list.view, player.waveforms.has(id)])
  let item = list.items.get(id)
  if (item?.drawn === drawn) return item
  if (!item) {
    item = make("li", { class: "card", "data-clip": id, "data-phase": "idle", tabindex: "-1" })
    item.append(make("div", { class: "row" }), make("p", { class: "explanation small", hidden: !card.open }), make("div", { class: "media" }))
    item.addEventListener("keydown", (event) => handleKey(list, item, event))
    item.addEventListener("focusin", () => moveTabStop(list, item))
    if (list.data.has_files) offerFile(list, item)
    list.items.set(id, item)
  }
  item.drawn = drawn
  item.dataset.kind = kindOf(card)
  item.setAttribute("aria-label", `${card.title}. ${card.distance.text}. ${card.outcome}.`)
  item.querySelector(".explanation").textContent = card.explanation
  item.querySelector(".row").replaceChildren(...rowParts(list, item, id, card))
  return item
}

// The kind of mark: a list may set it; otherwise it is whether LSH found the clip.
const kindOf = (card) => card.kind ?? (card.found ? "found" : "missed")

function rowParts(list, item, id, card) {
  const rank = make("span", { class: "rank small" }, String(list.view === "found" ? card.rank : card.exact_rank))
  const play = playButton(`Play ${card.title}`, () => togglePlay(list, item))
  if (card.unplayable) play.disabled = true
  const picture = card.media.kind === "youtube" ? thumbnail(card.media) : waveform(player.waveforms.get(id) ?? FLAT, id)
  return [rank, play, picture, description(list, card), distanceBar(card), actions(list, item, id, card)]
}

function description(list, card) {
  const labels = make("p", { class: "labels", title: card.title })
  card.labels.forEach((label, i) => {
    labels.append(i ? ", " : "", label.shared ? sharedLabel(label.name) : label.name)
  })
  const mark = make("span", { class: `mark ${kindOf(card)}`, "aria-hidden": "true" })
  const note = card.unplayable ?? (list.view === "found" ? card.note : "")
  const outcome = make("p", { class: "outcome small" }, mark, make("span", {}, note ? `${card.outcome} · ${note}` : card.outcome))
  return make("div", { class: "description" }, labels, outcome)
}

// A label that the query has too: bold, with a tick that is never separated from the first word.
function sharedLabel(name) {
  const [first, ...rest] = name.split(" ")
  const start = make("span", { class: "first-word" }, icon("tick", "tick"), first)
  const hint = make("span", { class: "visually-hidden" }, " (shared)")
  return make("b", { title: "your sound has this label too" }, start, rest.length ? ` ${rest.join(" ")}` : "", hint)
}

function distanceBar(card) {
  const bar = make("span", { class: "bar", "aria-hidden": "true" })
  bar.style.setProperty("--fraction", `${100 * card.distance.fraction}%`)
  return make("div", { class: "distance", title: card.distance.text }, make("span", {}, card.distance.value), bar)
}

function actions(list, item, id, card) {
  const explanation = item.querySelector(".explanation")
  const explain = make("button", {
    class: "outlined", "aria-expanded": String(!explanation.hidden), "aria-label": `Why do you see ${card.title}?`,
    onclick: () => explain.setAttribute("aria-expanded", String(!(explanation.hidden = !explanation.hidden))),
  }, "why?")
  const similar = make("button", {
    class: "outlined find-similar", "aria-label": `Find similar: ${card.title}`, title: "Search with this sound",
    onclick: () => list.send("query", id),
  }, "Find similar")
  return make("div", { class: "actions" }, card.explanation ? explain : null, similar, list.data.has_files ? saveButton(list, item, card) : null)
}

// --- playing and keyboard ----------------------------------------------------------------------------------------

function togglePlay(list, item) {
  const id = item.dataset.clip
  const card = list.data.cards[id]
  if (card.unplayable) return
  if (card.media.kind !== "youtube") return player.toggle(id, (wanted) => list.send("sound", wanted))
  if (item.video?.open) return toggleVideo(item.video, id)
  const media = item.querySelector(".media")
  const next = make("button", { class: "outlined", onclick: () => moveFocus(list, item, 1, true) }, "play the next one")
  const showError = (text) => {
    player.setPhase("idle", null)
    media.replaceChildren(make("p", { class: "small error", role: "status" }, `${text} `, youtubeLink(card.media), next))
  }
  item.video = openVideo(media, card.media, id, card.title, {
    refused: (code, text) => (showError(text), list.send("unplayable", { id, code })),
    timedOut: () => showError("YouTube does not answer: you may be offline."),
    cancelled: () => media.replaceChildren(),
  })
}

function moveTabStop(list, item) {
  for (const other of list.cards.querySelectorAll('.card[tabindex="0"]')) other.tabIndex = -1
  item.tabIndex = 0
}

function moveFocus(list, item, step, alsoPlay = false) {
  const items = [...list.cards.querySelectorAll(".card")]
  const next = items[items.indexOf(item) + step]
  next?.focus()
  if (next && alsoPlay) togglePlay(list, next)
}

function handleKey(list, item, event) {
  const steps = { ArrowDown: 1, ArrowUp: -1 }
  if (event.key in steps) moveFocus(list, item, steps[event.key])
  else if (event.target !== item) return
  else if (event.key === " ") togglePlay(list, item)
  else if (event.key === "Enter") list.send("query", item.dataset.clip)
  else return
  event.preventDefault()
  event.stopPropagation()
}
