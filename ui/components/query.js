// The query: your sound, large, with its waveform or its video, its labels, and the trail that led here.

const OFFLINE = "YouTube does not answer. You may be offline; everything but playing works without it."

const stages = new WeakMap()

function stageOf(root) {
  if (!stages.has(root)) {
    const room = make("section", { class: "room query", "aria-label": "Your sound" })
    root.append(room)
    stages.set(root, { room, refresh: follow(root), shown: null, video: null })
  }
  return stages.get(root)
}

export default function query({ data, parentElement: root, setTriggerValue }) {
  const stage = stageOf(root)
  ear.enter(data.collection)
  takeSound(data.sound)
  const { clip } = data
  const looks = JSON.stringify([clip, data.trail])
  if (stage.shown !== looks) {
    stage.shown = looks
    stage.video?.close()
    stage.video = null
    stage.room.replaceChildren(heading(), screen(stage, clip, setTriggerValue), words(clip), trail(data.trail, setTriggerValue))
  }
  stage.refresh()
}

function heading() {
  return make("h2", { class: "small heading" }, picture("star", "picture star"), "your sound")
}

function screen(stage, clip, tell) {
  const host = make("div", { class: "screen", "data-clip": clip.id, "data-phase": "idle" })
  if (clip.gone) return sorry(host, clip, clip.gone)
  const press = () => (clip.media.kind === "youtube" ? pressVideo(stage, host, clip, tell) : ear.toggle(clip.id, (id) => tell("sound", id)))
  const play = make("button", { class: "play", "aria-label": `Play your sound: ${clip.title}`, "aria-pressed": "false", onclick: press })
  play.append(picture("play", "picture start"), picture("pause", "picture pause"))
  host.append(clip.media.kind === "youtube" ? thumbnail(clip.media) : waveform(clip.peaks, clip.id), play)
  return host
}

function pressVideo(stage, host, clip, tell) {
  if (stage.video?.open) return pressOpenVideo(stage.video, clip.id)
  stage.video = openVideo(host, clip.media, clip.id, clip.title, {
    gone: (code, why) => (sorry(host, clip, why), tell("gone", { id: clip.id, code })),
    silent: () => sorry(host, clip, OFFLINE, () => pressVideo(stage, renew(stage, host, clip, tell), clip, tell)),
    dropped: () => renew(stage, host, clip, tell),
  })
}

// Puts a fresh screen, with its play button, in the place of one that a video or an apology took.
function renew(stage, host, clip, tell) {
  const fresh = screen(stage, clip, tell)
  host.replaceWith(fresh)
  return fresh
}

function sorry(host, clip, why, again) {
  ear.become("idle", null)
  const retry = again && make("button", { class: "word", onclick: again }, "try again")
  const ways = make("div", { class: "ways small" }, retry, youtubeLink(clip.media))
  host.replaceChildren(make("div", { class: "sorry", role: "status" }, make("p", {}, why), ways))
  return host
}

function words(clip) {
  const source = clip.media.kind === "youtube" ? make("span", {}, " · ", youtubeLink(clip.media, clip.when)) : ` · ${clip.when}`
  return make("div", { class: "words" }, make("p", { class: "title" }, clip.title), make("p", { class: "small" }, clip.id, source))
}

function trail(steps, tell) {
  const list = make("ol", {})
  for (const step of steps) {
    list.append(make("li", {}, make("button", { class: "step", title: step.title, onclick: () => tell("back", step.id) }, step.name)))
  }
  if (steps.length) list.append(make("li", { class: "here", "aria-current": "true" }, picture("star", "picture star")))
  const empty = steps.length ? null : "Use a neighbour as your sound, and the way back stands here."
  return make("nav", { class: "trail small", "aria-label": "The sounds you came by" }, steps.length ? list : empty)
}
