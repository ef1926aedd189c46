// One ear for the whole page: at most one sound at a time, whichever component asked for it.
// It stands before each component's own script; `window.earshot` is shared by all of them.

const SILENCE = "data:audio/wav;base64,UklGRiQAAABXQVZFZm10IBAAAAABAAEAgD4AAAB9AAACABAAZGF0YQAAAAA="
const KEPT_SOUNDS = 32

function makeEar() {
  const audio = document.createElement("audio")
  audio.id = "earshot-audio"
  audio.hidden = true
  document.body.append(audio)
  const sounds = new Map() // clip id -> object URL, the oldest first
  const looks = new Map() // clip id -> the heights of its waveform's bars
  let collection = null
  // phase: idle | waiting (for the sound) | playing | paused | failed
  const now = { id: null, phase: "idle", progress: 0, video: null }

  const tell = () => document.dispatchEvent(new CustomEvent("earshot", { detail: { ...now } }))
  const become = (phase, id = now.id) => {
    now.id = id
    now.phase = phase
    if (phase === "idle" || phase === "waiting") now.progress = 0
    tell()
    if (phase === "playing" && !now.video) requestAnimationFrame(step)
  }

  function step() {
    if (now.phase !== "playing" || now.video) return
    if (audio.duration) now.progress = audio.currentTime / audio.duration
    tell()
    requestAnimationFrame(step)
  }

  function hush() {
    audio.pause()
    if (now.video) now.video.pause()
    now.video = null
  }

  function start(id) {
    audio.src = sounds.get(id)
    audio.play().then(
      () => now.id === id && become("playing"),
      (error) => error.name !== "AbortError" && now.id === id && become("failed"),
    )
  }

  // Browsers let a page make sound only from within a gesture: playing silence at once keeps that permission for the
  // moment when the sound has come from the server.
  function play(id, fetch) {
    hush()
    become("waiting", id)
    if (sounds.has(id)) return start(id)
    audio.src = SILENCE
    audio.play().catch(() => {})
    fetch(id)
  }

  function keep(id, url) {
    if (!sounds.has(id)) sounds.set(id, url)
    if (sounds.size > KEPT_SOUNDS) {
      const [oldest] = sounds.keys()
      URL.revokeObjectURL(sounds.get(oldest))
      sounds.delete(oldest)
    }
    if (now.id === id && now.phase === "waiting") start(id)
  }

  function toggle(id, fetch) {
    if (now.id !== id || !["playing", "paused"].includes(now.phase)) return play(id, fetch)
    if (now.phase === "playing") {
      ;(now.video ?? audio).pause()
      become("paused")
    } else {
      ;(now.video ?? audio).play()
      become("playing")
    }
  }

  function seek(id, share) {
    if (now.id === id && !now.video && audio.duration) audio.currentTime = share * audio.duration
  }

  function watch(id, video) {
    hush()
    now.video = video
    become("waiting", id)
  }

  // Clip ids are unique in a collection only.
  function enter(name) {
    if (name === collection) return
    collection = name
    hush()
    become("idle", null)
    sounds.forEach((url) => URL.revokeObjectURL(url))
    sounds.clear()
    looks.clear()
  }

  audio.addEventListener("ended", () => now.phase === "playing" && !now.video && become("idle"))

  return { now, looks, enter, play, toggle, keep, seek, watch, become, has: (id) => sounds.has(id), fail: (id) => now.id === id && become("failed") }
}

const ear = (window.earshot ??= makeEar())

function soundUrl({ mime, base64 }) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))
  return URL.createObjectURL(new Blob([bytes], { type: mime }))
}

// Python answers a request for a sound with `data.sound`; it comes again with each rerun of its fragment.
function takeSound(sound) {
  if (!sound) return
  if (sound.base64) ear.has(sound.id) || ear.keep(sound.id, soundUrl(sound))
  else ear.fail(sound.id)
}

// --- small helpers for building the page; text from data only ever goes in as text -------------------------------

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value)
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value)
  }
  element.append(...children.filter((child) => child !== null && child !== undefined))
  return element
}

const SVG = "http://www.w3.org/2000/svg"
const PICTURES = {
  play: "M8 5v14l11-7z",
  pause: "M7 5h4v14H7zM13 5h4v14h-4z",
  star: "M12 2.1l2.6 6.9 7.4.4-5.7 4.7 1.9 7.2-6.2-4-6.2 4 1.9-7.2-5.7-4.7 7.4-.4z",
  link: "M4 12a3 3 0 0 1 3-3h4V7H7a5 5 0 0 0 0 10h4v-2H7a3 3 0 0 1-3-3zm4 1h8v-2H8zm9-6h-4v2h4a3 3 0 0 1 0 6h-4v2h4a5 5 0 0 0 0-10z",
  save: "M19 9h-4V3H9v6H5l7 7zM5 18v2h14v-2z",
  tick: "M9.5 17.5L4 12l1.8-1.8 3.7 3.7 8.7-8.7L20 7z",
}

function picture(name, className = "picture") {
  const svg = document.createElementNS(SVG, "svg")
  svg.setAttribute("viewBox", "0 0 24 24")
  svg.setAttribute("class", className)
  svg.setAttribute("aria-hidden", "true")
  const path = document.createElementNS(SVG, "path")
  path.setAttribute("d", PICTURES[name])
  svg.append(path)
  return svg
}

// A waveform is drawn twice, grey and in the colour of its meaning; `--heard` uncovers the second as the sound plays.
function waveform(peaks, id) {
  const n = peaks.length
  const path = peaks.map((peak, i) => `M${i + 0.5} ${50 - Math.max(peak, 2) / 2}v${Math.max(peak, 2)}`).join("")
  const layer = (className) => {
    const svg = document.createElementNS(SVG, "svg")
    svg.setAttribute("viewBox", `0 0 ${n} 100`)
    svg.setAttribute("preserveAspectRatio", "none")
    svg.setAttribute("class", className)
    const line = document.createElementNS(SVG, "path")
    line.setAttribute("d", path)
    svg.append(line)
    return svg
  }
  const wave = make("div", { class: "wave", "aria-hidden": "true" }, layer("ahead"), layer("heard"))
  wave.addEventListener("click", (event) => {
    const box = wave.getBoundingClientRect()
    ear.seek(id, (event.clientX - box.left) / box.width)
  })
  return wave
}

// Follows the ear: each element with `data-clip` shows whether its clip is sounding.
function follow(root) {
  const show = ({ detail }) => {
    for (const element of root.querySelectorAll("[data-clip]")) {
      const phase = element.dataset.clip === detail.id ? detail.phase : "idle"
      if (element.dataset.phase !== phase) {
        element.dataset.phase = phase
        const button = element.querySelector(".play")
        if (button) button.setAttribute("aria-pressed", String(phase === "playing"))
      }
      if (phase !== "idle") element.style.setProperty("--heard", `${100 * detail.progress}%`)
    }
  }
  const listen = (event) => {
    if (root.host?.isConnected ?? root.isConnected) show(event)
    else document.removeEventListener("earshot", listen)
  }
  document.addEventListener("earshot", listen)
  return () => show({ detail: ear.now })
}
