// The query: its waveform or video, its labels, and the trail of sounds before it.

import { followPlayback, followPlayer, icon, levelText, make, patch, playButton, player, showsSpectrogram, spectrogram, stateOf, waveform } from "./base.js"
import { drawShelfPanel, followShelf, reportHidden, shelfButtons } from "./shelf.js"
import { introduceUnplayable, openVideo, refusalOf, reportUnplayable, SILENT, thumbnail, toggleVideo, youtubeLink } from "./video.js"

function build(root) {
  const section = make("section", { class: "earshot query", "aria-label": "Your sound" })
  root.append(section)
  const view = { section, refresh: followPlayer(root), drawn: null, video: null, panel: make("div", { class: "shelf-panel", hidden: true }) }
  followShelf(root, () => view.clip && drawKeeping(view))
  followPlayback(root, () => view.show?.())
  return view
}

export default function query({ data: [data], parentElement: root, setTriggerValue }) {
  const view = stateOf(root, build)
  player.connect(root, ["back", "unplayable", "hidden"], data, setTriggerValue)
  const { clip } = data
  introduceUnplayable(root, data, [clip])
  reportHidden(root, data)
  if (view.clip?.id !== clip.id) view.panel.hidden = true
  Object.assign(view, { clip, dataset: data.dataset, show: () => draw(view, root, data) })
  draw(view, root, data)
  player.arrive(clip.id, view.section, clip.title)
}

function draw(view, root, data) {
  const { clip } = data
  player.setLevel(clip.id, clip.level)
  const drawn = JSON.stringify([clip, data.trail, showsSpectrogram(clip.media)])
  if (view.drawn !== drawn) {
    view.drawn = drawn
    view.video?.close()
    view.video = null
    const heading = make("h2", { class: "small heading" }, icon("star", "star"), "your sound")
    view.section.replaceChildren(heading, screen(view, clip, root), details(clip), keeping(view, clip), trail(data.trail, root))
  }
  view.refresh()
}

function screen(view, clip, root) {
  const host = make("div", { class: "screen", "data-clip": clip.id, "data-phase": "idle" })
  const refusal = refusalOf(clip.media)
  if (refusal) return showError(host, clip, refusal, () => playVideo(view, host, clip, root, true))
  const video = clip.media.kind === "youtube"
  player.fragments.set(clip.id, clip.media.fragment ?? "")
  const toggle = () => (video ? playVideo(view, host, clip, root) : player.toggle(clip.id))
  const start = () => (view.video?.open ? view.video.restart() : playVideo(view, host, clip, root))
  player.query = { id: clip.id, play: video ? start : () => player.play(clip.id) }
  host.append(video ? thumbnail(clip.media) : picture(clip), playButton(`Play your sound: ${clip.title}`, toggle))
  return host
}

function picture(clip) {
  if (!showsSpectrogram(clip.media)) return waveform(clip.peaks, clip.id)
  const drawn = spectrogram(clip.id)
  drawn.append(make("span", { class: "small highest" }, "7.5 kHz"), make("span", { class: "small lowest" }, "125 Hz"))
  return drawn
}

function playVideo(view, host, clip, root, again = false) {
  if (view.video?.open) return toggleVideo(view.video, clip.id)
  const reset = () => host.isConnected && host.replaceWith(screen(view, clip, root))
  const retry = () => playVideo(view, host, clip, root, true)
  view.video = openVideo(host, clip.media, clip.id, clip.title, {
    refused: (text) => (showError(host, clip, text, retry), reportUnplayable(root)),
    silent: () => {
      const error = showError(host, clip, SILENT, retry).firstChild
      return () => error.isConnected && reset()
    },
    cancelled: reset,
  }, again)
}

// Replaces the picture or the video by an error, with a button that tries again.
function showError(host, clip, text, retry) {
  const actions = make("div", { class: "actions small" }, make("button", { class: "outlined", onclick: retry }, "try again"), youtubeLink(clip.media))
  host.replaceChildren(make("div", { class: "error", role: "status" }, make("p", {}, text), actions))
  return host
}

function details(clip) {
  const origin = clip.media.kind === "youtube" ? make("span", {}, " · ", youtubeLink(clip.media, clip.origin)) : ` · ${clip.origin}`
  return make("div", { class: "details" }, make("p", { class: "title" }, clip.title), make("p", { class: "small" }, clip.id, origin, clip.level === null ? "" : ` · ${levelText(clip.level).replace(" ", "\u00a0")}`))
}

function keeping(view, clip) {
  view.actions = make("div", { class: "shelf-actions" })
  drawKeeping(view)
  return make("div", {}, view.actions, view.panel)
}

function drawKeeping(view) {
  const { clip, dataset, panel } = view
  drawShelfPanel(panel, dataset, clip.id, clip.title)
  patch(view.actions, ...shelfButtons(panel, dataset, clip.id, clip.title))
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
