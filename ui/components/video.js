// YouTube videos. Nothing is fetched from YouTube until a play button is pressed, except thumbnails. The player is
// controlled by messages to its iframe, so no script of another site runs in this page.

const YOUTUBE = "https://www.youtube-nocookie.com"
const ANSWER_TIMEOUT_MS = 5000
const ERRORS = { // by the player's error code
  2: "YouTube does not know this video.",
  5: "YouTube cannot play this video here.",
  100: "This video is gone from YouTube.",
  101: "Its owner lets it play on YouTube only.",
  150: "Its owner lets it play on YouTube only.",
  153: "YouTube refuses to play here because this browser hides where it comes from.",
}

// Opens the player in `host`. Calls `on.refused(code, text)` when YouTube refuses, `on.timedOut()` without an answer in
// time, and `on.cancelled()` when another sound was started before YouTube answered.
function openVideo(host, media, id, title, on) {
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

  const send = (message) => frame.contentWindow?.postMessage(JSON.stringify({ id, channel: "widget", ...message }), YOUTUBE)
  const command = (func, args = []) => send({ event: "command", func, args })
  const handshake = setInterval(() => answered || send({ event: "listening" }), 250)
  const timeout = setTimeout(() => answered || (close(), on.timedOut()), ANSWER_TIMEOUT_MS)

  function receive(event) {
    if (event.source !== frame.contentWindow || event.origin !== YOUTUBE) return
    let message
    try {
      message = JSON.parse(event.data)
    } catch {
      return
    }
    answered = true
    host.classList.remove("connecting")
    if (message.event === "onError") {
      close()
      on.refused(message.info, ERRORS[message.info] ?? "YouTube could not play this video.")
    }
    const state = message.event === "onStateChange" ? message.info : message.info?.playerState
    if (player.state.video !== video) return
    if (state === 1) player.setPhase("playing", id)
    if (state === 2) player.setPhase("paused", id)
    if (state === 0) player.setPhase("idle", id)
  }

  function close() {
    clearInterval(handshake)
    clearTimeout(timeout)
    window.removeEventListener("message", receive)
    host.classList.remove("connecting")
    frame.remove()
    video.open = false
  }

  const video = {
    open: true,
    close,
    play: () => command("playVideo"),
    pause: () => (answered ? command("pauseVideo") : (close(), on.cancelled())),
    restart: () => (player.startVideo(id, video), command("seekTo", [first, true]), command("playVideo")),
  }
  window.addEventListener("message", receive)
  host.replaceChildren(make("p", { class: "small connecting-text" }, "Connecting to YouTube…"), frame)
  host.classList.add("connecting")
  player.startVideo(id, video)
  return video
}

// Pauses or resumes the video; after another sound was played, it starts again from the beginning.
function toggleVideo(video, id) {
  if (player.state.id === id && ["playing", "paused"].includes(player.state.phase)) player.toggle(id)
  else video.restart()
}

function youtubeLink(media, text = "Open on YouTube") {
  const href = `https://www.youtube.com/watch?v=${media.video}&t=${Math.floor(media.start)}s`
  return make("a", { href, target: "_blank", rel: "noopener noreferrer" }, text)
}

// A thumbnail over a placeholder, which stays if the picture cannot be loaded. For a removed video YouTube returns a grey
// picture of 120 x 90 pixels, which is removed too.
function thumbnail(media) {
  const picture = make("img", {
    src: `https://i.ytimg.com/vi/${media.video}/mqdefault.jpg`,
    alt: "", loading: "lazy", decoding: "async", referrerpolicy: "strict-origin-when-cross-origin",
  })
  picture.addEventListener("error", () => picture.remove())
  picture.addEventListener("load", () => picture.naturalWidth <= 120 && picture.remove())
  return make("div", { class: "thumbnail" }, picture)
}
