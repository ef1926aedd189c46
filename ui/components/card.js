// One clip's card: play, look, labels, what came of it, how near. For any list with `data.cards`, `cards` (its element),
// `rows` (cards drawn, by clip id), `view` and `tell`; it stands before the script of each component that has such a list.
// Where `data.own` says that clips are files of one's own, file.js is needed, too.

const QUIET = Array(48).fill(0)

// Waveforms come after the words: they take Python some milliseconds each, and a moving slider must not wait for them.
function askForLooks(list) {
  const wanted = Object.entries(list.data.cards).filter(([id, card]) => card.media.kind === "sound" && !ear.looks.has(id))
  const ids = wanted.map(([id]) => id)
  if (ids.length && list.asked !== ids.join()) list.tell("look", ids)
  list.asked = ids.join()
}

// Shows the cards of these clips in this order, or the words when there is none.
function drawCards(list, ids, words) {
  const wanted = ids.map((id) => row(list, id))
  place(list, wanted)
  list.rows.forEach((row, id) => ids.includes(id) || list.rows.delete(id))
  const empty = list.cards.querySelector(".empty")
  if (ids.length) empty?.remove()
  else if (!empty) list.cards.append(make("li", { class: "empty" }, make("p", {}, words)))
  else empty.firstChild.textContent = words
  if (!list.cards.querySelector('[tabindex="0"]') && wanted.length) wanted[0].tabIndex = 0
  list.refresh()
}

// An iframe that moves in the page starts again, so the others are put around the card whose video is open.
function place(list, wanted) {
  const focused = list.root.activeElement
  for (const child of [...list.cards.children]) if (!wanted.includes(child) && !child.matches(".empty")) closeRow(child)
  if (wanted.some((item, i) => list.cards.children[i] !== item)) {
    const anchor = wanted.find((item) => item.querySelector("iframe") && item.isConnected)
    const turn = wanted.indexOf(anchor)
    wanted.forEach((item, i) => {
      if (i < turn) anchor.before(item)
      else if (item !== anchor) list.cards.append(item)
    })
  }
  if (focused?.isConnected && focused !== list.root.activeElement) focused.focus({ preventScroll: true })
}

function closeRow(item) {
  item.video?.close()
  item.remove()
}

// Brings what every such list is given by Python up to date.
function takeList(list, data, tell) {
  list.data = data
  list.tell = tell
  ear.enter(data.collection)
  takeSound(data.sound)
  Object.entries(data.looks).forEach(([id, peaks]) => ear.looks.set(id, peaks))
}

function row(list, id) {
  const card = list.data.cards[id]
  const looks = JSON.stringify([card, list.view, ear.looks.has(id)])
  let item = list.rows.get(id)
  if (item?.looks === looks) return item
  if (!item) {
    item = make("li", { class: "card", "data-clip": id, "data-phase": "idle", tabindex: "-1" })
    item.append(make("div", { class: "line" }), make("p", { class: "why small", hidden: !card.open }), make("div", { class: "stage" }))
    item.addEventListener("keydown", (event) => key(list, item, event))
    item.addEventListener("focusin", () => focusOn(list, item))
    if (list.data.own) followMouse(list, item)
    list.rows.set(id, item)
  }
  item.looks = looks
  item.dataset.kind = kindOf(card)
  item.setAttribute("aria-label", `${card.title}. ${card.near.words}. ${card.how}.`)
  item.querySelector(".why").textContent = card.why
  item.querySelector(".line").replaceChildren(...line(list, item, id, card))
  return item
}

// What the card's mark means: a list may say, otherwise it is whether LSH met the clip.
const kindOf = (card) => card.kind ?? (card.met ? "found" : "missed")

function line(list, item, id, card) {
  const rank = make("span", { class: "rank small" }, String(list.view === "found" ? card.rank : card.truth))
  const play = make("button", { class: "play", "aria-label": `Play ${card.title}`, "aria-pressed": "false", onclick: () => press(list, item) })
  play.append(picture("play", "picture start"), picture("pause", "picture pause"))
  if (card.gone) play.disabled = true
  const look = card.media.kind === "youtube" ? thumbnail(card.media) : waveform(ear.looks.get(id) ?? QUIET, id)
  return [rank, play, look, what(list, card), near(card), doing(list, item, id, card)]
}

function what(list, card) {
  const labels = make("p", { class: "labels", title: card.title })
  card.labels.forEach((label, i) => {
    labels.append(i ? ", " : "", label.shared ? shared(label.name) : label.name)
  })
  const mark = make("span", { class: `mark ${kindOf(card)}`, "aria-hidden": "true" })
  const aside = card.gone ?? (list.view === "found" ? card.aside : "")
  const met = make("p", { class: "met small" }, mark, make("span", {}, aside ? `${card.how} · ${aside}` : card.how))
  return make("div", { class: "what" }, labels, met)
}

// A label that your sound has too: heavier, and with a tick that never parts from the first word.
function shared(name) {
  const [first, ...rest] = name.split(" ")
  const start = make("span", { class: "start" }, picture("tick", "picture tick"), first)
  const told = make("span", { class: "unseen" }, " (shared)")
  return make("b", { title: "your sound has this label too" }, start, rest.length ? ` ${rest.join(" ")}` : "", told)
}

function near(card) {
  const bar = make("span", { class: "bar", "aria-hidden": "true" })
  bar.style.setProperty("--share", `${100 * card.near.share}%`)
  return make("div", { class: "near", title: card.near.words }, make("span", {}, card.near.value), bar)
}

function doing(list, item, id, card) {
  const why = item.querySelector(".why")
  const ask = make("button", {
    class: "word", "aria-expanded": String(!why.hidden), "aria-label": `Why do you see ${card.title}?`,
    onclick: () => ask.setAttribute("aria-expanded", String(!(why.hidden = !why.hidden))),
  }, "why?")
  const use = make("button", { class: "word", "data-use": true, "aria-label": `Use ${card.title} as your sound`, onclick: () => list.tell("use", id) }, "use")
  use.title = "use as query"
  return make("div", { class: "do" }, card.why ? ask : null, use, list.data.own ? saveButton(list, item, card) : null)
}

// --- playing and walking -----------------------------------------------------------------------------------------

function press(list, item) {
  const id = item.dataset.clip
  const card = list.data.cards[id]
  if (card.gone) return
  if (card.media.kind !== "youtube") return ear.toggle(id, (wanted) => list.tell("sound", wanted))
  if (item.video?.open) return pressOpenVideo(item.video, id)
  const stage = item.querySelector(".stage")
  const next = make("button", { class: "word", onclick: () => walk(list, item, 1, true) }, "play the next one")
  const sorry = (words) => {
    ear.become("idle", null)
    stage.replaceChildren(make("p", { class: "small sorry", role: "status" }, `${words} `, youtubeLink(card.media), next))
  }
  item.video = openVideo(stage, card.media, id, card.title, {
    gone: (code, words) => (sorry(words), list.tell("gone", { id, code })),
    silent: () => sorry("YouTube does not answer: you may be offline."),
    dropped: () => stage.replaceChildren(),
  })
}

function focusOn(list, item) {
  for (const other of list.cards.querySelectorAll('.card[tabindex="0"]')) other.tabIndex = -1
  item.tabIndex = 0
}

function walk(list, item, way, alsoPlay = false) {
  const rows = [...list.cards.querySelectorAll(".card")]
  const next = rows[rows.indexOf(item) + way]
  next?.focus()
  if (next && alsoPlay) press(list, next)
}

function key(list, item, event) {
  const walks = { ArrowDown: 1, ArrowUp: -1 }
  if (event.key in walks) walk(list, item, walks[event.key])
  else if (event.target !== item) return
  else if (event.key === " ") press(list, item)
  else if (event.key === "Enter") list.tell("use", item.dataset.clip)
  else return
  event.preventDefault()
  event.stopPropagation()
}
