// YouTube, only when asked for: nothing is fetched from it until a play button is pressed. The player is spoken to by
// messages, so no foreign script ever runs in this page.

const YOUTUBE = "https://www.youtube-nocookie.com"
const PATIENCE_MS = 5000
const GONE = {
  2: "YouTube does not know this video.",
  5: "YouTube cannot play this video here.",
  100: "This video is gone from YouTube.",
  101: "Its owner lets it play on YouTube only.",
  150: "Its owner lets it play on YouTube only.",
  153: "YouTube refuses to play here because this browser hides where it comes from.",
}

// Opens the player in `host`. `on.gone(code, words)` when YouTube refuses, `on.silent()` when nothing answers in time,
// `on.dropped()` when another sound was asked for before YouTube had answered.
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
  const greeting = setInterval(() => answered || send({ event: "listening" }), 250)
  const patience = setTimeout(() => answered || (close(), on.silent()), PATIENCE_MS)

  function hear(event) {
    if (event.source !== frame.contentWindow || event.origin !== YOUTUBE) return
    let message
    try {
      message = JSON.parse(event.data)
    } catch {
      return
    }
    answered = true
    host.classList.remove("asking")
    if (message.event === "onError") {
      close()
      on.gone(message.info, GONE[message.info] ?? "YouTube could not play this video.")
    }
    const state = message.event === "onStateChange" ? message.info : message.info?.playerState
    if (ear.now.video !== video) return
    if (state === 1) ear.become("playing", id)
    if (state === 2) ear.become("paused", id)
    if (state === 0) ear.become("idle", id)
  }

  function close() {
    clearInterval(greeting)
    clearTimeout(patience)
    window.removeEventListener("message", hear)
    host.classList.remove("asking")
    frame.remove()
    video.open = false
  }

  const video = {
    open: true,
    close,
    play: () => command("playVideo"),
    pause: () => (answered ? command("pauseVideo") : (close(), on.dropped())),
    again: () => (ear.watch(id, video), command("seekTo", [first, true]), command("playVideo")),
  }
  window.addEventListener("message", hear)
  host.replaceChildren(make("p", { class: "small asked" }, "Asking YouTube…"), frame)
  host.classList.add("asking")
  ear.watch(id, video)
  return video
}

// A second press pauses and resumes; once another sound has been heard, it plays from the start again.
function pressOpenVideo(video, id) {
  if (ear.now.id === id && ["playing", "paused"].includes(ear.now.phase)) ear.toggle(id)
  else video.again()
}

function youtubeLink(media, words = "Open on YouTube") {
  const href = `https://www.youtube.com/watch?v=${media.video}&t=${Math.floor(media.start)}s`
  return make("a", { href, target: "_blank", rel: "noopener noreferrer" }, words)
}

// A thumbnail stands on a drawn placeholder; when it does not come, the placeholder is what you see. YouTube answers
// for a lost video with a grey 120 x 90 picture, which is taken away too.
function thumbnail(media) {
  const picture = make("img", {
    src: `https://i.ytimg.com/vi/${media.video}/mqdefault.jpg`,
    alt: "", loading: "lazy", decoding: "async", referrerpolicy: "strict-origin-when-cross-origin",
  })
  picture.addEventListener("error", () => picture.remove())
  picture.addEventListener("load", () => picture.naturalWidth <= 120 && picture.remove())
  return make("div", { class: "thumb" }, picture)
}
