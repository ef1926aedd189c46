// A clip's card: play button, waveform or thumbnail, labels, outcome, distance, actions. Used by every list of clips.
// A list is {root, cards (its element), items (cards drawn, by clip id), view, data, send (an event, at once)}; `buttons`, where
// it has that, returns further buttons of a card.

import { followPlayback, followPlayer, icon, levelText, make, patch, playButton, player, showsSpectrogram, spectrogram, waveform } from "./base.js"
import { drawShelfPanel, followShelf, reportHidden, shelf, shelfButtons } from "./shelf.js"
import { introduceUnplayable, openVideo, refusalOf, reportUnplayable, SILENT, thumbnail, toggleVideo, youtubeLink } from "./video.js"

const FLAT = Array(48).fill(0)

export function newList(root, cards, view) {
  const list = { root, cards, view, items: new Map(), refresh: followPlayer(root), followed: false, bar: null }
  Object.assign(list, { playAll: () => playAll(list), compare: () => compare(list) })
  return list
}

export function updateList(list, events, data, setTriggerValue) {
  list.data = data
  if (!list.followed) {
    const redraw = () => list.ids && drawCards(list, list.ids, list.text)
    followShelf(list.root, () => (redraw(), reportHidden(list.root, list.data)))
    followPlayback(list.root, redraw)
  }
  list.followed = true
  list.send = player.connect(list.root, [...events, "unplayable", "hidden"], data, setTriggerValue)
  introduceUnplayable(list.root, data, Object.values(data.cards))
  reportHidden(list.root, data)
}

// Shows the cards of these clips in this order, or a text if there is none. The number of clips that the visitor hides, and
// of those that cannot be played where these are hidden, stands below.
export function drawCards(list, ids, text) {
  const shown = visibleOf(list, ids)
  const wanted = shown.map((id) => cardOf(list, id))
  arrange(list, wanted)
  list.items.forEach((item, id) => shown.includes(id) || list.items.delete(id))
  drawHidden(list, ids, shown)
  const empty = list.cards.querySelector(".empty")
  if (ids.length) empty?.remove()
  else if (!empty) list.cards.append(make("li", { class: "empty" }, make("p", {}, text)))
  else empty.firstChild.textContent = text
  if (!list.cards.querySelector('.card[tabindex="0"]') && wanted.length) moveTabStop(list, wanted[0])
  list.bar?.draw()
  list.refresh()
  list.ids = ids
  list.text = text
  for (const [id, card] of Object.entries(list.data.cards)) player.fragments.set(id, card.media.fragment ?? "")
  const sounds = Object.keys(list.data.cards).filter((id) => list.data.cards[id].media.kind === "sound")
  player.loadWaveforms(sounds, () => drawCards(list, list.ids, text))
}

// What is hidden is decided once for a list, so that a card whose video is refused stays with what it says.
function visibleOf(list, ids) {
  const { hides_unplayable: hides, cards } = list.data
  const drawn = JSON.stringify([hides, list.view, ids])
  if (list.hiddenOf !== drawn) {
    list.hiddenOf = drawn
    list.hidden = new Set(ids.filter((id) => hides && refusalOf(cards[id].media)))
  }
  return ids.filter((id) => !list.hidden.has(id) && !isHidden(list, id))
}

// The query itself is shown.
const isHidden = (list, id) => list.data.cards[id].kind !== "query" && Boolean(shelf.entry(list.data.dataset, id).hidden)

function drawHidden(list, ids, shown) {
  list.cards.querySelector(".hidden-count")?.remove()
  const hidden = ids.filter((id) => isHidden(list, id)).length
  const other = ids.length - shown.length - hidden
  const own = hidden + (list.data.passed_over?.[list.view] ?? 0)
  if (!own && !other) return
  const lines = []
  if (other) lines.push(other === 1 ? "1 clip is hidden: YouTube cannot play it here." : `${other} clips are hidden: YouTube cannot play them here.`)
  if (own) lines.push(`${own === 1 ? "1 clip is hidden: you never want to see it." : `${own} clips are hidden: you never want to see them.`} The page Crate lists what you hide.`)
  list.cards.append(make("li", { class: "hidden-count small" }, lines.join(" ")))
}

// An iframe that moves within the page reloads, so the other cards are placed around the one whose video is open.
function arrange(list, wanted) {
  const focused = list.root.activeElement
  for (const child of [...list.cards.children]) {
    if (wanted.includes(child) || child.matches(".empty, .hidden-count")) continue
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
  const drawn = JSON.stringify([card, list.view, player.waveforms.has(id), showsSpectrogram(card.media), refusalOf(card.media), shelf.entry(list.data.dataset, id)])
  let item = list.items.get(id)
  if (item?.drawn === drawn) return item
  if (!item) {
    item = make("li", { class: "card", "data-clip": id, "data-phase": "idle", tabindex: "-1" })
    item.append(make("div", { class: "row" }), make("div", { class: "shelf-panel", hidden: true }), make("p", { class: "explanation small", hidden: !card.open }), make("div", { class: "media" }))
    item.addEventListener("keydown", (event) => handleKey(list, item, event))
    item.addEventListener("focusin", () => moveTabStop(list, item))
    item.addEventListener("pointerenter", (event) => hoverCard(list, item, event))
    item.addEventListener("pointerleave", () => hoverAway(item))
    item.addEventListener("dragstart", (event) => event.target === item && startDrag(list, item, event))
    list.items.set(id, item)
  }
  item.drawn = drawn
  item.dataset.kind = kindOf(card)
  item.draggable = Boolean(card.file?.found)
  item.setAttribute("aria-label", `${[nameOfCard(list, card), card.distance.text, card.outcome || card.length].filter(Boolean).join(". ")}.`)
  item.querySelector(".explanation").textContent = card.explanation
  drawShelfPanel(item.querySelector(".shelf-panel"), list.data.dataset, id, card.title)
  const row = item.querySelector(".row")
  const focused = row.contains(list.root.activeElement)
  patch(row, ...rowParts(list, item, id, card))
  if (focused && !row.querySelector(":focus:not(:disabled)")) item.focus({ preventScroll: true })
  setTabStop(item, item.tabIndex === 0)
  return item
}

const rankOf = (list, card) => (list.view === "found" ? card.rank : card.exact_rank)

// Returns the name of a card for screen readers: its title, after its rank where it has one.
function nameOfCard(list, card) {
  const rank = rankOf(list, card)
  return rank ? `Number ${rank}, ${card.title}` : card.title
}

// The kind of mark: a list may set it ("plain" has none); otherwise it is whether LSH found the clip.
const kindOf = (card) => card.kind ?? (card.found ? "found" : "missed")

function rowParts(list, item, id, card) {
  const rank = make("span", { class: "rank small" }, String(rankOf(list, card)))
  const play = playButton(`Play ${nameOfCard(list, card)}`, () => togglePlay(list, item))
  play.disabled = Boolean(refusalOf(card.media))
  return [rank, play, soundOf(id, card), description(list, item, card), distanceBar(card), actions(list, item, id, card)]
}

// The waveform, the spectrogram or the thumbnail, and below it the length and the level.
function soundOf(id, { media, length }) {
  const picture = showsSpectrogram(media) ? spectrogram(id) : waveform(player.waveforms.get(id) ?? FLAT, id)
  const level = player.levels.get(id)
  const measures = [length, level === undefined ? "" : levelText(level)].filter(Boolean).join(" · ")
  const line = make("p", { class: "measures small", title: "Length, and level of the loudest 0.4 s below full scale" }, measures)
  return make("div", { class: "sound" }, media.kind === "youtube" ? thumbnail(media) : picture, line)
}

function description(list, item, card) {
  const name = card.name ? make("p", { class: "name" }, card.name) : null
  const labels = make("p", { class: card.name ? "labels small" : "labels", title: card.title }, card.folder ? `${card.folder}/${card.labels.length ? " · " : ""}` : null)
  card.labels.forEach((label, i) => {
    labels.append(i ? ", " : "", label.shared ? sharedLabel(label.name) : label.name)
  })
  const mark = make("span", { class: `mark ${kindOf(card)}`, "aria-hidden": "true" })
  const refusal = item.querySelector(".media .error") ? null : refusalOf(card.media) // which stands there already
  const note = refusal ? youtubeLink(card.media, refusal) : list.view === "found" ? card.note : ""
  const words = note ? [`${card.outcome} · `, note] : [card.outcome]
  const outcome = make("p", { class: "outcome small" }, mark, make("span", {}, ...words))
  return make("div", { class: "description" }, name, labels, outcome)
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
  const unit = make("span", { class: "unit" }, card.distance.unit)
  return make("div", { class: "distance", title: card.distance.text }, make("span", {}, card.distance.value), unit, bar)
}

function actions(list, item, id, card) {
  const explanation = item.querySelector(".explanation")
  const explain = make("button", {
    class: "outlined", "aria-expanded": String(!explanation.hidden), "aria-label": `Why do you see ${nameOfCard(list, card)}?`,
    onclick: ({ currentTarget }) => currentTarget.setAttribute("aria-expanded", String(!(explanation.hidden = !explanation.hidden))),
  }, "why?")
  const similar = make("button", {
    class: "outlined find-similar", "aria-label": `Find similar: ${nameOfCard(list, card)}`, title: "Search with this sound",
    onclick: () => player.press(list.root, "query", id),
  }, "Find similar")
  return make("div", { class: "actions" }, ...(list.buttons?.(id, card) ?? []), card.explanation ? explain : null, similar, ...shelfButtons(item.querySelector(".shelf-panel"), list.data.dataset, id, card.title), card.file ? saveButton(item, card) : null)
}

// --- playing and keyboard ----------------------------------------------------------------------------------------

export function togglePlay(list, item, again = false) {
  const id = item.dataset.clip
  clearTimeout(item.hover)
  list.last = id
  player.use(list)
  const card = list.data.cards[id]
  if (refusalOf(card.media)) return
  if (card.media.kind !== "youtube") return player.toggle(id)
  if (item.video?.open) return toggleVideo(item.video, id)
  const media = item.querySelector(".media")
  const showError = (text, label, onclick) => {
    const button = onclick ? make("button", { class: "outlined", onclick }, label) : null
    const error = make("p", { class: "small error", role: "status" }, `${text} `, youtubeLink(card.media), button)
    media.replaceChildren(error)
    return error
  }
  item.video = openVideo(media, card.media, id, card.title, {
    refused: (text) => {
      showError(text, "play the next one", playableAfter(list, item) && (() => playNext(list, item)))
      reportUnplayable(list.root)
      player.advance()
    },
    silent: () => {
      if (player.isQueued()) player.endQueue()
      const error = showError(SILENT, "try again", () => togglePlay(list, item, true))
      return () => error.remove()
    },
    cancelled: () => media.replaceChildren(),
  }, again)
}

// Starts a clip from its beginning, also where it sounds already.
function playCard(list, item) {
  const id = item.dataset.clip
  if (list.data.cards[id].media.kind === "youtube") return item.video?.open ? item.video.restart() : togglePlay(list, item)
  list.last = id
  player.use(list)
  player.play(id)
}

// Plays the cards in order; stops where they are playing so already.
function playAll(list) {
  if (player.isQueued()) return player.endQueue()
  const items = [...list.cards.querySelectorAll(".card")].filter((item) => !refusalOf(list.data.cards[item.dataset.clip].media))
  let before = null // a video that has ended makes way for the next one
  const start = (item) => () => {
    before?.video?.close()
    before = item
    item.isConnected ? playCard(list, item) : player.advance()
  }
  player.playInTurn(items.map(start))
}

// Plays the query and a neighbour in turn: the one played last, at first that of the tab stop.
function compare(list) {
  const { query } = list.data
  const given = query === GIVEN && document.querySelector('audio[data-testid="stAudio"]')
  if (given ? player.state.other : player.state.id === query) return playHit(list)
  if (player.query?.id === query) return player.query.play()
  if (query !== GIVEN) return player.play(query)
  if (!given) return playHit(list) // a recording, which only its recorder can play
  player.use(list)
  given.currentTime = 0
  given.play()
}

const GIVEN = "your-sound" // id of the sound given on Ask

function playHit(list) {
  const item = list.items.get(list.last) ?? list.cards.querySelector('.card[tabindex="0"]')
  if (item) playCard(list, item)
}

// Plays what the mouse rests on, where this was chosen; browsers demand a first press. What was started so stops when the
// mouse leaves it. A video is not opened for that.
const HOVER_MS = 150

export function hoverOver({ pointerType }, item, start) {
  if (!player.playback.hover || pointerType !== "mouse" || navigator.userActivation?.hasBeenActive === false) return
  const { started } = player.state
  clearTimeout(item.hover)
  item.hover = setTimeout(() => {
    if (player.state.started !== started) return
    start()
    item.hovered = player.state.started
  }, HOVER_MS)
}

export function hoverAway(item) {
  clearTimeout(item?.hover)
  if (item?.hovered === player.state.started && ["waiting", "playing"].includes(player.state.phase)) player.endQueue()
}

function hoverCard(list, item, event) {
  const id = item.dataset.clip
  const sounds = player.state.id === id && player.state.phase === "playing"
  if (list.data.cards[id].media.kind === "sound" && !sounds) hoverOver(event, item, () => playCard(list, item))
}

// Returns the next card whose video may play.
function playableAfter(list, item) {
  const items = [...list.cards.querySelectorAll(".card")]
  return items.slice(items.indexOf(item) + 1).find((next) => !refusalOf(list.data.cards[next.dataset.clip].media))
}

function playNext(list, item) {
  const next = playableAfter(list, item)
  next?.focus()
  if (next) togglePlay(list, next)
}

// Of a list, Tab reaches one card and its buttons; the arrow keys lead to the others.
function moveTabStop(list, item) {
  for (const other of list.cards.querySelectorAll('.card[tabindex="0"]')) if (other !== item) setTabStop(other, false)
  setTabStop(item, true)
}

function setTabStop(item, isStop) {
  item.tabIndex = isStop ? 0 : -1
  for (const button of item.querySelectorAll(".row :is(button, a)")) button.tabIndex = item.tabIndex
}

// Moves the focus to the next or the previous card, and plays it.
function walk(list, item, step) {
  const items = [...list.cards.querySelectorAll(".card")]
  const next = items[items.indexOf(item) + step]
  if (!next) return
  next.focus()
  if (item.video?.open) item.video.close()
  if (!refusalOf(list.data.cards[next.dataset.clip].media)) playCard(list, next)
}

function handleKey(list, item, event) {
  const steps = { ArrowDown: 1, ArrowUp: -1 }
  if (event.shiftKey || event.ctrlKey || event.metaKey || event.altKey) return
  if (event.key in steps) walk(list, item, steps[event.key])
  else if (event.target !== item) return
  else if (event.key === " ") togglePlay(list, item)
  else if (event.key === "Enter") player.press(list.root, "query", item.dataset.clip)
  else return
  event.preventDefault()
  event.stopPropagation()
}

// --- files of one's own sounds -------------------------------------------------------------------------------------

// `DownloadURL` is understood by Chromium only; in other browsers nothing is dropped.
function startDrag(list, item, event) {
  const { file } = list.data.cards[item.dataset.clip]
  event.dataTransfer.effectAllowed = "copy"
  event.dataTransfer.setData("DownloadURL", `${file.mime}:${file.name}:${player.url(item.dataset.clip, "file")}`)
}

function saveButton(item, card) {
  const address = player.url(item.dataset.clip, "file")
  const showError = (text) => item.querySelector(".media").replaceChildren(make("p", { class: "small error", role: "status" }, text))
  const save = async () => {
    const answer = await fetch(address, { method: "HEAD" }).catch(() => null)
    if (answer?.ok) make("a", { href: address, download: card.file.name }).click()
    else showError(await player.reason(address))
  }
  return make("button", { class: "outlined save", "aria-label": `Save ${card.title} as a file`, title: "save the file", onclick: save }, icon("save"))
}
