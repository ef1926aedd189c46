// Above a list of clips: buttons that play all of them, or the query and a clip in turn; the volume, and choices of playing.

import { EVEN_DB, hasSpectrogram, icon, make, MAX_LOOP_S, patch, player } from "./base.js"

const CHOICES = { // name of the choice: its button, and what it does
  loop: ["Loop", `Repeat sounds of up to ${MAX_LOOP_S} seconds: key L`],
  hover: ["Play on hover", "Play what the mouse rests on, after the first press on this page"],
  even: ["Even level", `Turn loud sounds down to ${EVEN_DB} dB, so that all are about equally loud`.replace("-", "−")],
  spectrogram: ["Spectrogram", "Show pitch over time in place of the waveform: key S"],
}
const NO_SPECTROGRAM = {
  youtube: "Videos have no spectrogram: their sound is at YouTube, not here.",
  url: "Sounds at other addresses have no spectrogram: this server does not fetch them.",
}

export function playbackBar(list) {
  const all = make("button", { class: "outlined play-all", onclick: () => list.playAll() })
  const both = make("button", { class: "outlined compare", title: "Your sound and the one played last, in turn: key X", onclick: () => list.compare() }, "A/B")
  const choices = Object.entries(CHOICES).map(([name, [text, title]]) =>
    make("button", { class: "outlined choice", "data-choice": name, title, onclick: () => player.choose(name, !player.playback[name]) }, text))
  const slider = make("input", { type: "range", min: "0", max: "1", step: "0.05", "aria-label": "Volume" })
  slider.addEventListener("input", () => player.choose("volume", Number(slider.value)))
  const keys = make("button", { class: "outlined", "aria-label": "All keys", title: "All keys: ?", onclick: () => document.dispatchEvent(new CustomEvent("earshot-keys")) }, "?")
  const more = make("button", { class: "outlined fold", "aria-expanded": "false", onclick: () => more.setAttribute("aria-expanded", String(more.getAttribute("aria-expanded") !== "true")) }, "Sound…")
  const options = make("div", { class: "options" }, ...choices, make("label", { class: "volume" }, icon("volume"), slider), keys)
  const note = make("p", { class: "small", role: "status" })
  const bar = make("div", { class: "playback", role: "group", "aria-label": "Playing" }, all, both, more, options, note)

  function draw() {
    const kinds = Object.values(list.data.cards).map(({ media }) => (media.kind === "youtube" ? "youtube" : hasSpectrogram(media) ? "sound" : "url"))
    const text = player.playback.spectrogram ? NO_SPECTROGRAM[kinds.find((kind) => kind !== "sound")] ?? "" : ""
    if (note.textContent !== text) note.textContent = text
    choices.forEach((choice) => choice.setAttribute("aria-pressed", String(player.playback[choice.dataset.choice])))
    if (Number(slider.value) !== player.playback.volume) slider.value = player.playback.volume
    bar.hidden = !list.cards.querySelector(".card")
    showQueue()
  }

  let shown = null
  function showQueue() {
    if (shown === player.state.queued) return
    shown = player.state.queued
    patch(all, icon(shown ? "stop" : "play"), document.createTextNode(shown ? " Stop" : " Play all"))
    all.title = shown ? "Stop: key A" : "Play all of these, one after another: key A"
  }

  const listen = () => ((list.root.host ?? list.root).isConnected ? showQueue() : document.removeEventListener("earshot", listen))
  document.addEventListener("earshot", listen)
  showQueue()
  list.bar = { draw }
  player.use(list)
  return bar
}
