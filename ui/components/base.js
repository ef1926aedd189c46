// Shared by all components: the audio player, one for the whole page, and helpers that build elements.
// `window.earshot` is the player that all of them use.

const SLOW_MS = 1000 // after which a button shows that its sound is on the way
export const LATE_MS = 5000 // after which a sentence says so
const MAX_WAVEFORM_TRIES = 4
const REPEAT_MS = 2000 // after which an event that Python has not answered is sent again
const MAX_SENDS = 4
const BACK_MS = 500 // after Back, in which nothing is sent: Streamlit forgets a step back that another event follows at once
const WATCH_MS = 200 // between looks for a page that is awaited
const MAX_LEAVING_MS = 10000 // after which the page is no longer taken to be on its way out
const PLAYBACK = "earshot.playback" // in localStorage: what differs from these:
const PLAYBACK_DEFAULTS = { volume: 1, loop: false, hover: false, even: false, spectrogram: false }
export const MAX_LOOP_S = 10 // length up to which a sound is repeated
export const EVEN_DB = -24 // level to which louder sounds are turned down
const PAGE_LINKS = '[data-testid="stSidebarNavLink"], [data-testid="stPageLink-NavLink"]'

// Address of the app's server, two levels above this file: a host may serve the app below a path of its own.
export const ROOT = new URL("../..", import.meta.url).href

function makePlayer() {
  const audio = document.createElement("audio")
  audio.id = "earshot-audio"
  audio.hidden = true
  document.body.append(audio)
  const live = document.createElement("div")
  live.setAttribute("role", "status")
  live.style.cssText = "position: fixed; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%)"
  document.body.append(live)
  let requested = null // id of the clip that was requested as the query, until a component shows it
  let presses = 0
  const unanswered = new Map() // kind of event -> the last press of it, until Python has answered
  const sends = new WeakMap() // root of a component -> its function that sends an event
  const roots = new Map() // name of an event -> root of the component drawn last that has it
  const waveforms = new Map() // clip id -> heights of the bars
  const fragments = new Map() // clip id -> part of the sound at an address, such as #t=5,10
  const levels = new Map() // clip id -> level in dB below full scale
  const loading = new Set() // clip ids whose waveforms are on the way
  const lists = new Set() // lists of clips that were drawn, the one used last at the end: {root, playAll, compare}
  let queue = null // functions that start the sounds still to be played, null where none are
  let isAdvancing = false // while one of them runs
  let collection = null
  let timers = []
  // phase: idle | waiting (for the sound) | playing | paused | failed. message: what a card says about waiting or failure.
  // started: how many sounds were started so far. other: whether a player of another kind was started since. queued: whether
  // this sound is one of many that play one after another.
  const state = { id: null, phase: "idle", started: 0, progress: 0, video: null, slow: false, message: "", other: false, queued: false }

  const notify = () => document.dispatchEvent(new CustomEvent("earshot", { detail: { ...state } }))
  const setPhase = (phase, id = state.id, message = "") => {
    timers.forEach(clearTimeout)
    Object.assign(state, { id, phase, message, slow: false, queued: queue !== null })
    applyPlayback()
    if (phase === "idle" || phase === "waiting") state.progress = 0
    if (phase === "waiting") {
      state.started++
      state.other = false
      timers = [
        setTimeout(() => ((state.slow = true), notify()), SLOW_MS),
        setTimeout(() => ((state.message = "Still waiting for this sound: the server is busy, or the connection is slow."), notify()), LATE_MS),
      ]
    }
    notify()
    if (phase === "playing" && !state.video) requestAnimationFrame(showProgress)
  }

  function showProgress() {
    if (state.phase !== "playing" || state.video) return
    if (audio.duration) state.progress = audio.currentTime / audio.duration
    notify()
    requestAnimationFrame(showProgress)
  }

  // Pauses everything that sounds, also players that are not ours, such as that of an uploaded file.
  function pauseAll() {
    document.querySelectorAll("audio, video").forEach((element) => element.pause())
    stop()
  }

  // Pauses what this player plays, and no player of another kind.
  function stop() {
    audio.pause()
    state.video?.pause()
    state.video = null
  }

  const collectionUrl = (what) => `${ROOT}clips/${collection}/${what}`
  const url = (clip, what) => `${ROOT}clips/${collection}/${encodeURIComponent(clip)}/${what}`

  // Plays a clip within the user gesture. `address` names the clip where its id is not known yet.
  function play(id, address = id) {
    leaveQueue()
    pauseAll()
    setPhase("waiting", id)
    const source = url(address, "sound") + (fragments.get(id) ?? "")
    audio.src = source
    audio.play().then(
      () => audio.src === source && state.phase === "waiting" && setPhase("playing"),
      async (error) => {
        if (error.name === "AbortError" || audio.src !== source || state.phase !== "waiting") return
        if (error.name === "NotAllowedError") return setPhase("idle") // before the first press
        const message = await reason(source)
        if (audio.src !== source || state.phase !== "waiting") return
        setPhase("failed", state.id, message)
        const { started } = state
        if (queue) setTimeout(() => state.started === started && advance(), SLOW_MS)
      },
    )
  }

  // Returns a sentence that says why a URL cannot be played.
  async function reason(source) {
    try {
      const answer = await fetch(source, { redirect: "manual" })
      if (answer.type === "opaqueredirect") return "The address of this sound does not answer, or this browser cannot play it."
      return answer.ok ? "This browser cannot play this kind of sound." : answer.status === 404 ? await answer.text() : "The server could not send this sound."
    } catch {
      return "The server does not answer. Check the connection."
    }
  }

  function toggle(id) {
    if (state.id !== id || !["playing", "paused"].includes(state.phase)) return play(id)
    leaveQueue()
    const playing = state.phase === "playing"
    const source = state.video ?? audio
    playing ? source.pause() : source.play()
    setPhase(playing ? "paused" : "playing")
  }

  function seek(id, fraction) {
    if (state.id === id && !state.video && audio.duration) audio.currentTime = fraction * audio.duration
  }

  function startVideo(id, video) {
    leaveQueue()
    pauseAll()
    state.video = video
    setPhase("waiting", id)
    timers.forEach(clearTimeout) // the player of a video has words of its own
  }

  // --- many sounds one after another -------------------------------------------------------------------------------

  // Plays sounds until all have ended, or another is started, or one is paused; `starts` are functions that start them.
  function playInTurn(starts) {
    queue = [...starts]
    advance()
  }

  function advance() {
    const start = queue?.shift()
    if (!start) return leaveQueue()
    isAdvancing = true
    start()
    isAdvancing = false
  }

  function leaveQueue() {
    if (isAdvancing || !queue) return
    queue = null
    state.queued = false
    applyPlayback()
    notify()
  }

  function endQueue() {
    queue = null
    pauseAll()
    setPhase("idle")
  }

  // The sound has come to its end.
  function end() {
    setPhase("idle")
    advance()
  }

  // --- volume and other choices, remembered by the browser ---------------------------------------------------------

  let playback = readPlayback()

  function readPlayback() {
    let stored = {}
    try {
      stored = JSON.parse(localStorage.getItem(PLAYBACK)) ?? {}
    } catch {
      // the browser stores nothing for this page, or something else is there
    }
    const isGood = ([name, value]) => typeof value === typeof PLAYBACK_DEFAULTS[name] && (name !== "volume" || (value >= 0 && value <= 1))
    return { ...PLAYBACK_DEFAULTS, ...Object.fromEntries(Object.entries(stored).filter(isGood)) }
  }

  function choose(name, value) {
    playback = { ...readPlayback(), [name]: value }
    try {
      localStorage.setItem(PLAYBACK, JSON.stringify(playback))
    } catch {
      // remembered until the page is reloaded
    }
    applyChoices()
  }

  function applyChoices() {
    applyPlayback()
    document.dispatchEvent(new CustomEvent("earshot-playback"))
  }
  addEventListener("storage", (event) => event.key === PLAYBACK && ((playback = readPlayback()), applyChoices())) // in another tab

  // The square makes equal steps of the slider about equally loud.
  function applyPlayback() {
    const volume = playback.volume ** 2
    const level = levels.get(state.id)
    audio.volume = volume * (playback.even && level !== undefined ? Math.min(1, 10 ** ((EVEN_DB - level) / 20)) : 1)
    audio.loop = playback.loop && !queue && audio.duration <= MAX_LOOP_S && !fragments.get(state.id)
    state.video?.setVolume(100 * volume)
    document.querySelectorAll("audio, video").forEach((element) => element !== audio && (element.volume = volume))
  }
  audio.addEventListener("loadedmetadata", applyPlayback)

  // --- keys of the whole page: see keyboard.js ---------------------------------------------------------------------

  const KEYS = {
    a: () => listInUse()?.playAll(),
    x: () => listInUse()?.compare(),
    l: () => choose("loop", !playback.loop),
    s: () => choose("spectrogram", !playback.spectrogram),
    louder: () => choose("volume", Math.min(1, playback.volume + 0.1)),
    softer: () => choose("volume", Math.max(0, playback.volume - 0.1)),
  }
  document.addEventListener("earshot-key", ({ detail }) => KEYS[detail]?.())
  const listInUse = () => [...lists].filter(({ root }) => (root.host ?? root).isConnected).at(-1)
  function use(list) {
    lists.delete(list)
    lists.add(list)
  }

  // Clip ids are unique within a collection only, so the sound and waveforms of another one are dropped.
  function openCollection(name) {
    if (name === collection) return
    collection = name
    queue = null
    stop()
    setPhase("idle", null)
    waveforms.clear()
    levels.clear()
    fragments.clear()
    loading.clear()
  }

  // Loads the waveforms of clips that are not here yet, in one request, and calls `draw` when they are. Of what does not
  // arrive, another attempt is made after a pause.
  async function loadWaveforms(ids, draw, attempt = 1) {
    const missing = ids.filter((id) => !waveforms.has(id) && !loading.has(id))
    if (!missing.length) return
    const from = collection
    missing.forEach((id) => loading.add(id))
    try {
      const answer = await fetch(`${ROOT}clips/${from}/waveforms?ids=${missing.join()}`)
      if (!answer.ok) throw new Error(answer.statusText)
      const found = Object.entries(await answer.json())
      if (from !== collection) return
      found.forEach(([id, { heights, level }]) => (waveforms.set(id, heights), setLevel(id, level)))
      missing.forEach((id) => loading.delete(id))
      if (found.length) draw() // which asks for what is still missing
      return
    } catch {
      missing.forEach((id) => loading.delete(id))
    }
    if (attempt < MAX_WAVEFORM_TRIES && from === collection) setTimeout(() => loadWaveforms(ids, draw, attempt + 1), 1000 * attempt)
  }

  function setLevel(id, level) {
    if (level === null) return
    levels.set(id, level)
    if (id === state.id) applyPlayback()
  }

  // Path of the page that a link or the browser's history leads to, and until when it is awaited.
  const NO_PAGE = { path: null, until: 0 }
  let next = NO_PAGE
  let isRepeating = false
  const shownPath = () => document.querySelector('[data-testid="stSidebarNavLink"][aria-current="page"]')?.pathname
  const isRunning = () => document.querySelector('[data-testid="stApp"]')?.dataset.testScriptState !== "notRunning"
  function isLeaving() {
    const shown = shownPath()
    return next.path !== null && shown !== undefined && shown !== next.path && performance.now() < next.until
  }

  // Where a run of the page before starts again while a link's page is on its way, Streamlit returns to the page before.
  // So once nothing has run for a while, the link is pressed again if its page is not shown.
  function expectPage(path, link) {
    const awaited = (next = { path, until: performance.now() + MAX_LEAVING_MS })
    let idleMs = 0
    const watch = setInterval(() => {
      idleMs = isRunning() ? 0 : idleMs + WATCH_MS
      if (next === awaited && performance.now() < next.until && idleMs < REPEAT_MS) return
      if (next === awaited && isLeaving() && link?.isConnected) {
        idleMs = 0
        isRepeating = true
        link.click()
        isRepeating = false
        return
      }
      clearInterval(watch)
      if (next === awaited) next = NO_PAGE
    }, WATCH_MS)
  }
  const arriveAt = () => next.path === shownPath() && (next = NO_PAGE)
  addEventListener("pointerdown", arriveAt, true)
  addEventListener("keydown", arriveAt, true)
  addEventListener("popstate", () => ((acted = false), expectPage(location.pathname)))
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.(PAGE_LINKS)
    if (!link || isRepeating || event.ctrlKey || event.metaKey || event.shiftKey) return
    // The address of a link to the first page has parameters alone.
    expectPage(link.getAttribute("href").startsWith("?") ? new URL(ROOT).pathname : link.pathname, link)
  }, true)

  // A step of the browser's history is something that the visitor did. Streamlit adds one for every message with an address,
  // also where parameters only change their order or an empty one is left out, and a page that is opened may send several.
  let acted = false // on this page
  for (const name of ["click", "keydown", "pointerdown", "input"]) addEventListener(name, () => (acted = true), true)
  const parameters = (url) => [...url.searchParams].filter(([, value]) => value).map(String).sort().join("&")
  const pushState = history.pushState.bind(history)
  history.pushState = (state, title, address) => {
    const [from, to] = [new URL(location.href), new URL(address, location.href)]
    const isOtherPage = from.pathname !== to.pathname
    const isStep = isOtherPage || (acted && parameters(from) !== parameters(to))
    isStep ? pushState(state, title, address) : history.replaceState(state, title, address)
    if (isOtherPage) acted = false
  }

  // To be called whenever a component with these events is drawn; `data` comes from `ui.widgets.events.draw`. Returns the
  // component's function that sends an event to Python. While another page is on its way it sends nothing: Streamlit would
  // answer by returning to the page before, or by emptying the page.
  function connect(root, events, data, setTriggerValue) {
    openCollection(data.collection)
    const send = (name, value) => (root.host ?? root).isConnected && !isLeaving() && setTriggerValue(name, value)
    sends.set(root, send)
    events.forEach((event) => roots.set(event, root))
    for (const [kind, number] of Object.entries(data.answered)) if (unanswered.get(kind)?.event.press <= number) unanswered.delete(kind)
    return send
  }

  // Sends an event to Python, and again until Python has answered it or another press of its kind: Streamlit may drop an
  // event that another one follows, or whose page has been left. By its number, Python ignores a press that comes twice or
  // after a later one. Back and Forward cancel what moves on from the view that they leave.
  let wentBack = -BACK_MS
  addEventListener("popstate", () => {
    wentBack = performance.now()
    for (const kind of ["move", "view"]) unanswered.delete(kind)
  })
  function press(root, name, value) {
    const kind = ["query", "back", "find"].includes(name) ? "move" : name
    if (["move", "view"].includes(kind)) leaveQueue()
    if (kind === "move") requested = name === "find" ? value.replace(/^clip=/, "") : value
    const one = { root, name, event: { value, press: ++presses }, sent: 0 }
    unanswered.set(kind, one)
    const send = () => {
      if (unanswered.get(kind) !== one) return
      const wait = wentBack + BACK_MS - performance.now()
      if (wait > 0) return setTimeout(send, wait)
      const from = [root, roots.get(name)].find((at) => (at.host ?? at).isConnected)
      if (from) sends.get(from)(name, one.event)
      if (++one.sent < MAX_SENDS) setTimeout(send, REPEAT_MS)
    }
    send()
  }

  const isUnanswered = (kind) => unanswered.has(kind)

  // Moves the focus to `element`, which shows the query, scrolls to it and announces it, if the query was requested.
  function arrive(id, element, title) {
    if (id !== requested) return
    requested = null
    const host = element.getRootNode().host ?? element
    const block = host.closest('[data-testid="stHorizontalBlock"]') ?? host
    const { top } = block.getBoundingClientRect()
    if (top < 0 || top > innerHeight / 2) block.scrollIntoView()
    if (!element.hasAttribute("tabindex")) element.tabIndex = -1
    element.focus({ preventScroll: true })
    live.textContent = `Your sound is now ${title}.`
  }

  // Gives the clip being played its id, where it was played by another address.
  const rename = (from, to) => state.id === from && setPhase(state.phase, to, state.message)

  // Another player of the page has been started.
  function yieldTo(event) {
    if (event.target === audio) return
    state.other = true
    event.target.volume = playback.volume ** 2
    if (!["waiting", "playing"].includes(state.phase)) return
    queue = null
    stop()
    setPhase("idle")
  }
  document.addEventListener("play", yieldTo, true)
  audio.addEventListener("ended", () => state.phase === "playing" && !state.video && end())
  // By the browser's own keys, or at the end of a part of a sound.
  audio.addEventListener("pause", () => {
    if (state.phase !== "playing" || state.video || !audio.paused || audio.ended) return
    const last = Number(fragments.get(state.id)?.split(",")[1])
    if (last && audio.currentTime > last - 0.5) return end()
    queue = null
    setPhase("paused")
  })

  return {
    state, waveforms, levels, fragments, get playback() { return playback },
    connect, press, isUnanswered, loadWaveforms, setLevel, collectionUrl, url, reason, play, toggle, arrive, rename, seek, startVideo, setPhase,
    choose, use, lists, playInTurn, advance, end, endQueue, isQueued: () => queue !== null, query: null,
  }
}

export const player = (window.earshot ??= makePlayer())

// --- state of a component ------------------------------------------------------------------------------------------

const states = new WeakMap() // a component's root element -> its state

// Returns the state of the component at `root`, made by `build(root)` when it is drawn for the first time.
export function stateOf(root, build) {
  if (!states.has(root)) states.set(root, build(root))
  return states.get(root)
}

// --- elements; text from data is only ever inserted as text ----------------------------------------------------------

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "onclick") element.onclick = value
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value)
  }
  element.append(...children.filter((child) => child !== null && child !== undefined))
  return element
}

export function makeSvg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag)
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
  element.append(...children)
  return element
}

// Makes the content of `parent` equal to `fresh`. An element of the same tag and class stays, and takes over attributes,
// content and `onclick`: a press that has begun on a button is not lost, and neither is the focus.
export function patch(parent, ...fresh) {
  let old = parent.firstChild
  for (const node of fresh.filter((child) => child !== null && child !== undefined)) {
    let same = old
    while (same && kindOfNode(same) !== kindOfNode(node)) same = same.nextSibling
    if (!same) {
      parent.insertBefore(node, old)
      continue
    }
    for (; old !== same; old = removed(old));
    update(same, node)
    old = same.nextSibling
  }
  while (old) old = removed(old)
}

const kindOfNode = (node) => `${node.nodeName} ${node.getAttribute?.("class") ?? ""}`

function removed(node) {
  const next = node.nextSibling
  node.remove()
  return next
}

export function update(node, fresh) {
  if (node.nodeType === Node.TEXT_NODE) {
    if (node.data !== fresh.data) node.data = fresh.data
    return
  }
  for (const { name } of [...node.attributes]) if (!fresh.hasAttribute(name)) node.removeAttribute(name)
  for (const { name, value } of fresh.attributes) if (node.getAttribute(name) !== value) node.setAttribute(name, value)
  node.onclick = fresh.onclick
  patch(node, ...fresh.childNodes)
}

export const ICONS = {
  play: "M8 5v14l11-7z",
  pause: "M7 5h4v14H7zM13 5h4v14h-4z",
  star: "M12 2.1l2.6 6.9 7.4.4-5.7 4.7 1.9 7.2-6.2-4-6.2 4 1.9-7.2-5.7-4.7 7.4-.4z",
  link: "M4 12a3 3 0 0 1 3-3h4V7H7a5 5 0 0 0 0 10h4v-2H7a3 3 0 0 1-3-3zm4 1h8v-2H8zm9-6h-4v2h4a3 3 0 0 1 0 6h-4v2h4a5 5 0 0 0 0-10z",
  save: "M19 9h-4V3H9v6H5l7 7zM5 18v2h14v-2z",
  add: "M11 5h2v6h6v2h-6v6h-2v-6H5v-2h6z",
  more: "M5 10h4v4H5zm5 0h4v4h-4zm5 0h4v4h-4z",
  outline: "M12 4C6.5 4 3 6.7 3 10c0 2.2 1.6 4.1 4.2 5.1-.6 1.5-.2 3.2 1.3 4.9l1.5-1.3c-.9-1-1.1-1.9-.8-3 .9.2 1.8.3 2.8.3 5.500 0 9-2.700 9-6s-3.500-6-9-6zm0 2c4.300 0 7 1.900 7 4s-2.700 4-7 4-7-1.900-7-4 2.700-4 7-4z",
  list: "M4 6h2v2H4zm4 0h12v2H8zM4 11h2v2H4zm4 0h12v2H8zM4 16h2v2H4zm4 0h12v2H8z",
  stop: "M6 6h12v12H6z",
  volume: "M3 9v6h4l5 5V4L7 9zm13.5 3A4.5 4.5 0 0 0 14 7.97v8.05A4.5 4.5 0 0 0 16.5 12z",
  tick: "M9.5 17.5L4 12l1.8-1.8 3.7 3.7 8.7-8.7L20 7z",
  cross: "M6.4 5L5 6.4l5.6 5.6L5 17.6 6.4 19l5.6-5.6 5.6 5.6 1.4-1.4-5.6-5.6L19 6.4 17.6 5 12 10.6z",
}

export function icon(name, className = "") {
  return makeSvg("svg", { viewBox: "0 0 24 24", class: `icon ${className}`, "aria-hidden": "true" }, makeSvg("path", { d: ICONS[name] }))
}

export function playButton(label, onclick) {
  const button = make("button", { class: "play", "aria-label": label, "aria-pressed": "false", onclick })
  button.append(icon("play", "start"), icon("pause", "pause"))
  return button
}

// A waveform is drawn twice, in grey and in colour; `--played` uncovers the second as the sound plays.
export function waveform(heights, id) {
  const d = heights.map((height, i) => `M${i + 0.5} ${50 - Math.max(height, 2) / 2}v${Math.max(height, 2)}`).join("")
  const layer = (name) =>
    makeSvg("svg", { viewBox: `0 0 ${heights.length} 100`, preserveAspectRatio: "none", class: name }, makeSvg("path", { d }))
  const wave = make("div", { class: "waveform", "aria-hidden": "true" }, layer("unplayed"), layer("played"))
  return seekable(wave, id)
}

// A spectrogram is drawn as a waveform is: twice, each a mask over a colour.
export function spectrogram(id) {
  const layer = (name) => make("div", { class: name, style: `--picture: url("${player.url(id, "spectrogram")}")` })
  const picture = make("div", { class: "waveform spectrogram", "aria-hidden": "true" }, layer("unplayed"), layer("played"))
  return seekable(picture, id)
}

export const levelText = (level) => `${Math.round(level)} dB`.replace("-", "−") // of the loudest 0.4 s, below full scale

// Only where the sound is on the server; elsewhere it is not fetched.
export const hasSpectrogram = (media) => media.kind === "sound" && media.fragment === undefined
export const showsSpectrogram = (media) => player.playback.spectrogram && hasSpectrogram(media)

function seekable(picture, id) {
  picture.addEventListener("click", (event) => {
    const box = picture.getBoundingClientRect()
    player.seek(id, (event.clientX - box.left) / box.width)
  })
  return picture
}

// Calls `draw` whenever a choice of playing changes, as long as the component at `root` is there.
export function followPlayback(root, draw) {
  const listen = () => ((root.host ?? root).isConnected ? draw() : document.removeEventListener("earshot-playback", listen))
  document.addEventListener("earshot-playback", listen)
}

function showMessage(element, text) {
  let note = element.querySelector(":scope > .player-message")
  if (!text) return note?.remove()
  if (element.namespaceURI !== "http://www.w3.org/1999/xhtml") return
  if (!note) element.append((note = make("p", { class: "player-message small", role: "status" })))
  if (note.textContent !== text) note.textContent = text
}

// Keeps the play buttons below `root` up to date: each element with `data-clip` shows the phase of its clip, and what there
// is to say about it.
export function followPlayer(root) {
  const show = ({ detail }) => {
    for (const element of root.querySelectorAll("[data-clip]")) {
      const current = element.dataset.clip === detail.id
      const phase = current ? detail.phase : "idle"
      element.toggleAttribute("data-slow", current && detail.slow)
      showMessage(element, current ? detail.message : "")
      if (element.dataset.phase !== phase) element.dataset.phase = phase
      const pressed = String(phase === "playing")
      const button = element.querySelector(".play")
      if (button && button.getAttribute("aria-pressed") !== pressed) button.setAttribute("aria-pressed", pressed)
      if (phase !== "idle") element.style.setProperty("--played", `${100 * detail.progress}%`)
    }
  }
  const listen = (event) => {
    if (root.host?.isConnected ?? root.isConnected) show(event)
    else document.removeEventListener("earshot", listen)
  }
  document.addEventListener("earshot", listen)
  return () => show({ detail: player.state })
}
