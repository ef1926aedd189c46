// The query: its waveform or video, its labels, and the trail of sounds before it.

const OFFLINE = "YouTube does not answer. You may be offline; everything but playing works without it."

function build(root) {
  const section = make("section", { class: "earshot query", "aria-label": "Your sound" })
  root.append(section)
  return { section, refresh: followPlayer(root), drawn: null, video: null }
}

export default function query({ data, parentElement: root, setTriggerValue }) {
  const view = stateOf(root, build)
  const send = player.connect(root, ["back"], data, setTriggerValue)
  const { clip } = data
  const drawn = JSON.stringify([clip, data.trail])
  if (view.drawn !== drawn) {
    view.drawn = drawn
    view.video?.close()
    view.video = null
    const heading = make("h2", { class: "small heading" }, icon("star", "star"), "your sound")
    view.section.replaceChildren(heading, screen(view, clip, send), details(clip), trail(data.trail, root))
  }
  view.refresh()
  player.arrive(clip.id, view.section, clip.title)
}

function screen(view, clip, send) {
  const host = make("div", { class: "screen", "data-clip": clip.id, "data-phase": "idle" })
  if (clip.unplayable) return showError(host, clip, clip.unplayable)
  const video = clip.media.kind === "youtube"
  const toggle = () => (video ? playVideo(view, host, clip, send) : player.toggle(clip.id))
  host.append(video ? thumbnail(clip.media) : waveform(clip.peaks, clip.id), playButton(`Play your sound: ${clip.title}`, toggle))
  return host
}

function playVideo(view, host, clip, send) {
  if (view.video?.open) return toggleVideo(view.video, clip.id)
  view.video = openVideo(host, clip.media, clip.id, clip.title, {
    refused: (code, text) => (showError(host, clip, text), send("unplayable", { id: clip.id, code })),
    timedOut: () => showError(host, clip, OFFLINE, () => playVideo(view, reset(view, host, clip, send), clip, send)),
    cancelled: () => reset(view, host, clip, send),
  })
}

// Replaces a video or an error by a new screen with its play button.
function reset(view, host, clip, send) {
  const fresh = screen(view, clip, send)
  host.replaceWith(fresh)
  return fresh
}

function showError(host, clip, text, again) {
  player.setPhase("idle", null)
  const retry = again && make("button", { class: "outlined", onclick: again }, "try again")
  const actions = make("div", { class: "actions small" }, retry, youtubeLink(clip.media))
  host.replaceChildren(make("div", { class: "error", role: "status" }, make("p", {}, text), actions))
  return host
}

function details(clip) {
  const origin = clip.media.kind === "youtube" ? make("span", {}, " · ", youtubeLink(clip.media, clip.origin)) : ` · ${clip.origin}`
  return make("div", { class: "details" }, make("p", { class: "title" }, clip.title), make("p", { class: "small" }, clip.id, origin))
}

function trail(steps, root) {
  const list = make("ol", {})
  const pictures = new Map()
  for (const step of steps) {
    const picture = make("span", { class: "picture" })
    const back = () => player.press(root, "back", step.id)
    const facts = make("span", { class: "facts" }, make("span", { class: "name" }, step.name), make("span", {}, `${step.length} · ${step.id}`))
    list.append(make("li", {}, make("button", { class: "step", title: `Back to ${step.title}`, onclick: back }, picture, facts)))
    if (step.sound) pictures.set(step.id, picture)
  }
  const draw = () => pictures.forEach((picture, id) => player.waveforms.has(id) && picture.replaceChildren(waveform(player.waveforms.get(id), id)))
  draw()
  player.loadWaveforms([...pictures.keys()], draw)
  const empty = "Press Find similar on a neighbour to search with it; the sounds before it are then listed here."
  const content = steps.length ? [make("p", {}, "Sounds before this one, the last one first"), list] : [empty]
  return make("nav", { class: "trail small", "aria-label": "Sounds before this one" }, ...content)
}
