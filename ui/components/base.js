// Shared by all components: the audio player, one for the whole page, and helpers that build elements.
// Each component's script is this file, then its own; `window.earshot` is the player that all of them use.

const SILENCE = "data:audio/wav;base64,UklGRiQAAABXQVZFZm10IBAAAAABAAEAgD4AAAB9AAACABAAZGF0YQAAAAA="
const MAX_SOUNDS = 32
const RETRY_MS = [3000, 6000, 12000] // pauses before a request for a sound is repeated

function makePlayer() {
  const audio = document.createElement("audio")
  audio.id = "earshot-audio"
  audio.hidden = true
  document.body.append(audio)
  const sounds = new Map() // clip id -> object URL, the oldest first
  const waveforms = new Map() // clip id -> heights of the bars
  let collection = null
  let retry = null
  // phase: idle | waiting (for the sound) | playing | paused | failed
  const state = { id: null, phase: "idle", progress: 0, video: null }

  const notify = () => document.dispatchEvent(new CustomEvent("earshot", { detail: { ...state } }))
  const setPhase = (phase, id = state.id) => {
    state.id = id
    state.phase = phase
    if (phase === "idle" || phase === "waiting") state.progress = 0
    notify()
    if (phase === "playing" && !state.video) requestAnimationFrame(showProgress)
  }

  function showProgress() {
    if (state.phase !== "playing" || state.video) return
    if (audio.duration) state.progress = audio.currentTime / audio.duration
    notify()
    requestAnimationFrame(showProgress)
  }

  function pauseAll() {
    audio.pause()
    if (state.video) state.video.pause()
    state.video = null
  }

  function start(id) {
    audio.src = sounds.get(id)
    audio.play().then(
      () => state.id === id && setPhase("playing"),
      (error) => error.name !== "AbortError" && state.id === id && setPhase("failed"),
    )
  }

  // Browsers allow sound only within a user gesture. Playing silence at once keeps that permission until the sound has
  // arrived from the server.
  function play(id, fetch) {
    pauseAll()
    setPhase("waiting", id)
    if (sounds.has(id)) return start(id)
    audio.src = SILENCE
    audio.play().catch(() => {})
    request(id, fetch, RETRY_MS)
  }

  // Streamlit may drop a request if another component sends one at the same time, so it is repeated.
  function request(id, fetch, [pause, ...others]) {
    fetch(id)
    clearTimeout(retry)
    if (pause) retry = setTimeout(() => state.id === id && state.phase === "waiting" && request(id, fetch, others), pause)
  }

  function addSound(id, url) {
    if (!sounds.has(id)) sounds.set(id, url)
    if (sounds.size > MAX_SOUNDS) {
      const [oldest] = sounds.keys()
      URL.revokeObjectURL(sounds.get(oldest))
      sounds.delete(oldest)
    }
    if (state.id === id && state.phase === "waiting") start(id)
  }

  function toggle(id, fetch) {
    if (state.id !== id || !["playing", "paused"].includes(state.phase)) return play(id, fetch)
    const playing = state.phase === "playing"
    const source = state.video ?? audio
    playing ? source.pause() : source.play()
    setPhase(playing ? "paused" : "playing")
  }

  function seek(id, fraction) {
    if (state.id === id && !state.video && audio.duration) audio.currentTime = fraction * audio.duration
  }

  function startVideo(id, video) {
    pauseAll()
    state.video = video
    setPhase("waiting", id)
  }

  // Clip ids are unique within a collection only, so sounds and waveforms of another one are dropped.
  function openCollection(name) {
    if (name === collection) return
    collection = name
    pauseAll()
    setPhase("idle", null)
    sounds.forEach((url) => URL.revokeObjectURL(url))
    sounds.clear()
    waveforms.clear()
  }

  // Takes the answers to requests for a sound and for waveforms; Python repeats them with each rerun of the fragment.
  function receive(data) {
    openCollection(data.collection)
    Object.entries(data.waveforms).forEach(([id, heights]) => waveforms.set(id, heights))
    const { sound } = data
    if (!sound) return
    if (!sound.base64) state.id === sound.id && setPhase("failed")
    else if (!sounds.has(sound.id)) addSound(sound.id, soundUrl(sound))
  }

  audio.addEventListener("ended", () => state.phase === "playing" && !state.video && setPhase("idle"))

  return { state, waveforms, receive, play, toggle, seek, startVideo, setPhase }
}

const player = (window.earshot ??= makePlayer())

function soundUrl({ mime, base64 }) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))
  return URL.createObjectURL(new Blob([bytes], { type: mime }))
}

// --- state of a component ------------------------------------------------------------------------------------------

const states = new WeakMap() // a component's root element -> its state

// Returns the state of the component at `root`, made by `build(root)` when it is drawn for the first time.
function stateOf(root, build) {
  if (!states.has(root)) states.set(root, build(root))
  return states.get(root)
}

// --- elements; text from data is only ever inserted as text ----------------------------------------------------------

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value)
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value)
  }
  element.append(...children.filter((child) => child !== null && child !== undefined))
  return element
}

function makeSvg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag)
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
  element.append(...children)
  return element
}

const ICONS = {
  play: "M8 5v14l11-7z",
  pause: "M7 5h4v14H7zM13 5h4v14h-4z",
  star: "M12 2.1l2.6 6.9 7.4.4-5.7 4.7 1.9 7.2-6.2-4-6.2 4 1.9-7.2-5.7-4.7 7.4-.4z",
  link: "M4 12a3 3 0 0 1 3-3h4V7H7a5 5 0 0 0 0 10h4v-2H7a3 3 0 0 1-3-3zm4 1h8v-2H8zm9-6h-4v2h4a3 3 0 0 1 0 6h-4v2h4a5 5 0 0 0 0-10z",
  save: "M19 9h-4V3H9v6H5l7 7zM5 18v2h14v-2z",
  tick: "M9.5 17.5L4 12l1.8-1.8 3.7 3.7 8.7-8.7L20 7z",
}

function icon(name, className = "") {
  return makeSvg("svg", { viewBox: "0 0 24 24", class: `icon ${className}`, "aria-hidden": "true" }, makeSvg("path", { d: ICONS[name] }))
}

function playButton(label, onclick) {
  const button = make("button", { class: "play", "aria-label": label, "aria-pressed": "false", onclick })
  button.append(icon("play", "start"), icon("pause", "pause"))
  return button
}

// A waveform is drawn twice, in grey and in colour; `--played` uncovers the second as the sound plays.
function waveform(heights, id) {
  const d = heights.map((height, i) => `M${i + 0.5} ${50 - Math.max(height, 2) / 2}v${Math.max(height, 2)}`).join("")
  const layer = (name) =>
    makeSvg("svg", { viewBox: `0 0 ${heights.length} 100`, preserveAspectRatio: "none", class: name }, makeSvg("path", { d }))
  const wave = make("div", { class: "waveform", "aria-hidden": "true" }, layer("unplayed"), layer("played"))
  wave.addEventListener("click", (event) => {
    const box = wave.getBoundingClientRect()
    player.seek(id, (event.clientX - box.left) / box.width)
  })
  return wave
}

// Keeps the play buttons below `root` up to date: each element with `data-clip` shows the phase of its clip.
function followPlayer(root) {
  const show = ({ detail }) => {
    for (const element of root.querySelectorAll("[data-clip]")) {
      const phase = element.dataset.clip === detail.id ? detail.phase : "idle"
      if (element.dataset.phase !== phase) {
        element.dataset.phase = phase
        const button = element.querySelector(".play")
        if (button) button.setAttribute("aria-pressed", String(phase === "playing"))
      }
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
