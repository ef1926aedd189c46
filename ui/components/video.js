// YouTube videos. Nothing is fetched from YouTube until a play button is pressed, except thumbnails. The player is
// controlled by messages to its iframe, so no script of another site runs in this page.

import { make, player } from "./base.js"

const YOUTUBE = "https://www.youtube-nocookie.com"
const ANSWER_TIMEOUT_MS = 4500
export const SILENT = "YouTube does not answer: you may be offline, or behind a firewall. Everything but playing works without it."
const REFUSALS = { // by the player's error code: a sentence, and for how many days it is remembered of the video
  2: { text: "YouTube does not know this video.", days: 30 },
  5: { text: "YouTube cannot play this video here.", days: 1 },
  100: { text: "This video is gone from YouTube, or private.", days: 30 },
  101: { text: "Its owner lets it play on YouTube only.", days: 30 },
  150: { text: "Its owner lets it play on YouTube only.", days: 30 },
  153: { text: "YouTube refuses to play here because this browser hides where it comes from.", days: 0 }, // any video
}
const DAY_MS = 86_400_000
const STORED_AS = "earshot.unplayable" // in localStorage: [[video id, {code, at (ms)}], ...], the newest last
const MAX_UNPLAYABLE = 500
const VIDEO_ID = /^[\w-]{11}$/

// Shared by all components: the videos that cannot be played, by id, and whether YouTube gave no answer the last time.
const youtube = (player.youtube ??= shareYoutube())

function shareYoutube() {
  addEventListener("online", () => (youtube.silent = false))
  return { unplayable: readUnplayable(), silent: false, hideSilence: null }
}

// --- videos that cannot be played, remembered by the browser -----------------------------------------------------

function isRemembered({ code, at }) {
  const age = Date.now() - at
  return age >= 0 && age < (REFUSALS[code]?.days ?? 0) * DAY_MS
}

function readUnplayable() {
  try {
    const stored = JSON.parse(localStorage.getItem(STORED_AS)) ?? []
    return new Map(stored.filter(([video, refusal]) => VIDEO_ID.test(video) && isRemembered(refusal)).slice(-MAX_UNPLAYABLE))
  } catch {
    return new Map() // the browser stores nothing for this page, or something else is there
  }
}

// Remembers that a video was refused with this code; without a code, that it can be played.
function remember(video, code = null) {
  const known = new Map([...youtube.unplayable, ...readUnplayable()]) // other tabs may have stored some
  known.delete(video)
  if (code !== null) known.set(video, { code, at: Date.now() })
  const oldestFirst = [...known].filter(([, refusal]) => isRemembered(refusal)).sort(([, a], [, b]) => a.at - b.at)
  youtube.unplayable = new Map(oldestFirst.slice(-MAX_UNPLAYABLE))
  try {
    localStorage.setItem(STORED_AS, JSON.stringify([...youtube.unplayable]))
  } catch {
    // remembered until the page is reloaded
  }
}

// Returns why a clip's video cannot be played, null where nothing is known against it.
export function refusalOf(media) {
  const refusal = media.kind === "youtube" ? youtube.unplayable.get(media.video) : undefined
  return refusal && isRemembered(refusal) ? REFUSALS[refusal.code].text : null
}

// Tells Python the ids of the videos that cannot be played.
export const reportUnplayable = (root) => player.press(root, "unplayable", [...youtube.unplayable.keys()])

// The same where a component draws these clips in a session of Python that does not know them yet.
export function introduceUnplayable(root, data, clips) {
  if (data.answered.unplayable || player.isUnanswered("unplayable") || !youtube.unplayable.size) return
  if (clips.some((clip) => clip.media.kind === "youtube")) reportUnplayable(root)
}

// --- the player --------------------------------------------------------------------------------------------------

// Opens the player in `host`. Calls `on.refused(text)` when YouTube refuses, and `on.cancelled()` when another sound was
// started before YouTube answered. Without an answer in time it calls `on.silent()`, which shows a sentence and returns a
// function that hides it; from then on at once, unless the visitor tries `again`.
export function openVideo(host, media, id, title, on, again = false) {
  if (youtube.silent && !again) return showSilence(on)
  const first = Math.floor(media.start)
  const last = Math.ceil(media.end)
  const parameters = new URLSearchParams({
    start: first, end: last, autoplay: 1, enablejsapi: 1, playsinline: 1, rel: 0, origin: location.origin,
  })
  const frame = make("iframe", {
    src: `${YOUTUBE}/embed/${media.video}?${parameters}`,
    title: `YouTube player: ${title}`,
    allow: "autoplay; encrypted-media",
    referrerpolicy: "strict-origin-when-cross-origin",
  })
  let answered = false
  let rests = false // it was paused, or has reached its end

  const send = (message) => frame.contentWindow?.postMessage(JSON.stringify({ id, channel: "widget", ...message }), YOUTUBE)
  const command = (func, args = []) => send({ event: "command", func, args })
  const handshake = setInterval(() => answered || send({ event: "listening" }), 250)
  const timeout = setTimeout(() => answered || (stop(), showSilence(on)), ANSWER_TIMEOUT_MS)

  function receive(event) {
    if (event.source !== frame.contentWindow || event.origin !== YOUTUBE) return
    let message
    try {
      message = JSON.parse(event.data)
    } catch {
      return
    }
    if (!answered || message.event === "onReady") begin()
    if (message.event === "onError") return refuse(Number(message.info))
    const state = message.event === "onStateChange" ? message.info : message.info?.playerState
    if (state === 1 && youtube.unplayable.has(media.video)) remember(media.video)
    if (state === 1 && rests && player.state.video !== video) player.startVideo(id, video) // by YouTube's own button
    if (state === 1) rests = false
    if (state === 0 || state === 2) rests = true
    if (player.state.video !== video) return
    if (state === 1) player.setPhase("playing", id)
    if (state === 2) player.setPhase("paused", id)
    if (state === 0) player.end()
  }

  // The player sends only the events that were asked for, and it keeps from former visits whether it was muted.
  function begin() {
    answered = true
    youtube.silent = false
    host.classList.remove("connecting")
    command("addEventListener", ["onError"])
    command("addEventListener", ["onStateChange"])
    command("unMute")
    video.setVolume(100 * player.playback.volume ** 2)
  }

  function refuse(code) {
    stop()
    if (REFUSALS[code]?.days) remember(media.video, code)
    on.refused(REFUSALS[code]?.text ?? "YouTube could not play this video.")
  }

  function close() {
    clearInterval(handshake)
    clearTimeout(timeout)
    window.removeEventListener("message", receive)
    host.classList.remove("connecting")
    frame.remove()
    video.open = false
  }

  function stop() {
    close()
    if (player.state.video !== video) return
    player.state.video = null
    player.setPhase("idle", null)
  }

  const video = {
    open: true,
    close: stop,
    play: () => command("playVideo"),
    setVolume: (percent) => answered && command("setVolume", [Math.round(percent)]),
    pause: () => (answered ? command("pauseVideo") : (close(), on.cancelled())),
    // `seekTo` would make the player ignore the end.
    restart: () => (player.startVideo(id, video), command("loadVideoById", [{ videoId: media.video, startSeconds: first, endSeconds: last }])),
  }
  window.addEventListener("message", receive)
  host.replaceChildren(make("p", { class: "small connecting-text" }, "Connecting to YouTube…"), frame)
  host.classList.add("connecting")
  player.startVideo(id, video)
  return video
}

// Shows where a video was to be played that YouTube does not answer; the sentence stands in one place of the page.
function showSilence(on) {
  youtube.silent = true
  youtube.hideSilence?.()
  youtube.hideSilence = on.silent()
}

// Pauses or resumes the video; after another sound was played, it starts again from the beginning. A second press while
// it is on its way changes nothing; where the browser keeps it from starting by itself, it starts it.
export function toggleVideo(video, id) {
  if (player.state.video !== video || player.state.phase === "idle") video.restart()
  else if (player.state.phase === "waiting") video.play()
  else player.toggle(id)
}

export function youtubeLink(media, text = "Open on YouTube") {
  const href = `https://www.youtube.com/watch?v=${media.video}&t=${Math.floor(media.start)}s`
  return make("a", { href, target: "_blank", rel: "noopener noreferrer", title: "Open on YouTube" }, text)
}

// A thumbnail over a placeholder, which stays if the picture cannot be loaded. For a removed video YouTube returns a grey
// picture of 120 x 90 pixels, which is removed too.
export function thumbnail(media) {
  const picture = make("img", {
    src: `https://i.ytimg.com/vi/${media.video}/mqdefault.jpg`,
    alt: "", loading: "lazy", decoding: "async", referrerpolicy: "strict-origin-when-cross-origin",
  })
  picture.addEventListener("error", () => picture.remove())
  picture.addEventListener("load", () => picture.naturalWidth <= 120 && picture.remove())
  return make("div", { class: "thumbnail" }, picture)
}
