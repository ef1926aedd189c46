// Drawn over the points: names, the query, found and missed neighbours; and the two legends.

import { make, patch } from "./base.js"
import { positionOf } from "./map.js"
import { store } from "./map_points.js"
import { toScreen } from "./map_view.js"

const N_COLOURS = 8 // seven groups, and none: --b0 to --b7 in map.css
const MARK_NAMES = { query: "your sound", found: "found", missed: "missed", exact: "exact", candidate: "candidate" }
const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true })

// Parses any CSS colour: [r, g, b], each 0 to 1.
function rgb(colour) {
  probe.fillStyle = colour
  probe.fillRect(0, 0, 1, 1)
  return [...probe.getImageData(0, 0, 1, 1).data].slice(0, 3).map((value) => value / 255)
}

export function themeOf(section) {
  const style = getComputedStyle(section)
  const own = (name) => style.getPropertyValue(name).trim()
  const background = own("--background") || "#fff"
  const dark = rgb(background).reduce((sum, value) => sum + value) < 1.5
  section.dataset.theme = dark ? "dark" : "light"
  section.toggleAttribute("data-ordered", Boolean(store.chart?.ordered))
  const groups = Array.from({ length: N_COLOURS }, (_, i) => rgb(own(`--b${i}`)))
  const colours = { query: own("--query"), found: own("--found"), missed: own("--missed"), candidate: own("--candidate") }
  return { background, text: style.color, grey: [0.5, 0.53, 0.56], groups, font: style.fontFamily, ...colours }
}

export function paintMarks(map, theme) {
  const { view, data } = map
  const pen = map.marks.getContext("2d")
  pen.setTransform(view.dots, 0, 0, view.dots, 0, 0)
  pen.clearRect(0, 0, view.width, view.height)
  for (const point of map.candidates) disc(pen, toScreen(view, ...positionOf(map, point)), 2.2, theme.candidate)
  paintNames(map, pen, theme)
  for (const mark of [...data.marks.slice(1), data.marks[0]]) paintMark(pen, theme, mark, toScreen(view, mark.x, mark.y))
  if (map.outline) drawOutline(pen, map.outline.map(([x, y]) => toScreen(view, x, y)), theme)
  if (map.cursor >= 0) {
    const at = toScreen(view, ...positionOf(map, map.cursor))
    ring(pen, at, 11, theme.background, 5)
    ring(pen, at, 11, theme.text, 2)
  }
}

function drawOutline(pen, corners, theme) {
  pen.beginPath()
  corners.forEach(([x, y]) => pen.lineTo(x, y))
  pen.closePath()
  for (const [width, colour] of [[4, theme.background], [1.5, theme.text]]) {
    pen.lineWidth = width
    pen.strokeStyle = colour
    pen.stroke()
  }
}

function paintMark(pen, theme, mark, [x, y]) {
  if (mark.kind === "query") return star(pen, [x, y], 12, theme)
  if (mark.exact) {
    pen.lineWidth = 1
    pen.strokeStyle = theme.text
    pen.strokeRect(x - 9, y - 9, 18, 18)
  }
  if (mark.kind === "found") {
    disc(pen, [x, y], 7, theme.background)
    return disc(pen, [x, y], 5.5, theme.found)
  }
  ring(pen, [x, y], 5, theme.background, 5.5)
  ring(pen, [x, y], 5, theme.missed, 2.5)
}

function disc(pen, [x, y], radius, colour) {
  pen.fillStyle = colour
  pen.beginPath()
  pen.arc(x, y, radius, 0, 2 * Math.PI)
  pen.fill()
}

function ring(pen, [x, y], radius, colour, width) {
  pen.strokeStyle = colour
  pen.lineWidth = width
  pen.beginPath()
  pen.arc(x, y, radius, 0, 2 * Math.PI)
  pen.stroke()
}

function star(pen, [x, y], radius, theme) {
  pen.beginPath()
  for (let i = 0; i < 10; i++) {
    const [length, angle] = [i % 2 ? radius * 0.42 : radius, (Math.PI * i) / 5]
    pen.lineTo(x + length * Math.sin(angle), y - length * Math.cos(angle))
  }
  pen.closePath()
  pen.lineJoin = "round"
  pen.strokeStyle = theme.background
  pen.lineWidth = 4
  pen.stroke()
  pen.fillStyle = theme.query
  pen.fill()
}

// Draws names that do not overlap, branches first; zooming in makes space for more.
function paintNames(map, pen, theme) {
  const { view, chart } = map
  let left = ((view.width * view.height) / 36000) * view.zoom ** 0.8
  const taken = map.data.marks.map((mark) => toScreen(view, mark.x, mark.y)).map(([x, y]) => [x - 8, y - 8, x + 8, y + 8])
  pen.textAlign = "center"
  pen.textBaseline = "middle"
  pen.lineJoin = "round"
  for (const word of chart.words) {
    if (map.group >= 0 && word.group !== map.group) continue
    const [x, y] = toScreen(view, word.x, word.y)
    pen.font = word.whole ? `600 15px ${theme.font}` : `13px ${theme.font}`
    const half = pen.measureText(word.text).width / 2 + 4
    const box = [x - half, y - 10, x + half, y + 10]
    if (box[0] < 0 || box[1] < 0 || box[2] > view.width || box[3] > view.height) continue
    if (taken.some((other) => box[0] < other[2] && box[2] > other[0] && box[1] < other[3] && box[3] > other[1])) continue
    taken.push(box)
    pen.strokeStyle = theme.background
    pen.lineWidth = 4
    pen.globalAlpha = 0.86
    pen.strokeText(word.text, x, y)
    pen.globalAlpha = 1
    pen.fillStyle = theme.text
    pen.fillText(word.text, x, y)
    if (!word.whole && --left <= 0) break
  }
}

// --- legends -----------------------------------------------------------------------------------------------------

export function drawLegend(map) {
  const buttons = map.chart.groups.map(({ name, count }, number) => {
    const swatch = make("span", { class: "swatch", "data-group": number, "aria-hidden": "true" })
    const button = make("button", { class: "group", "aria-pressed": "false", onclick: () => toggleGroup(map, number) },
      swatch, make("span", {}, name), make("span", { class: "count small" }, count.toLocaleString("en")))
    button.disabled = count === 0
    return button
  })
  patch(map.legend, ...buttons)
  map.section.toggleAttribute("data-no-legend", !buttons.length)
}

// Shows one group alone; a second press shows all of them.
function toggleGroup(map, number) {
  map.group = map.group === number ? -1 : number
  ;[...map.legend.children].forEach((button, i) => button.setAttribute("aria-pressed", String(i === map.group)))
  map.draw()
}

export function drawMarkLegend(map) {
  const { marks, label, lookedAt } = map.data
  const count = (kind) => marks.filter((mark) => mark.kind === kind).length
  const entry = (kind, n) => make("span", { class: "entry" }, make("span", { class: `mark ${kind}`, "aria-hidden": "true" }), n === null ? MARK_NAMES[kind] : `${MARK_NAMES[kind]} ${n.toLocaleString("en")}`)
  const exact = marks.filter((mark) => mark.exact).length
  const entries = [entry("query", null), entry("found", count("found")), entry("missed", count("missed")), entry("exact", exact)]
  if (map.candidates.length) {
    entries.push(entry("candidate", lookedAt))
    const drawn = map.candidates.length
    if (drawn < lookedAt) entries.push(make("span", { class: "entry" }, `${drawn.toLocaleString("en")} of them drawn`))
  }
  if (label) entries.push(make("span", { class: "entry label" }, `${label.name}: ${label.count.toLocaleString("en")} ${label.count === 1 ? "clip" : "clips"}`))
  patch(map.markLegend, ...entries)
}
