// The map of the clips: one point per clip, names of branches and labels, marks of the query and its neighbours, and the
// card of the point that was pressed last.

import { icon, make, patch, player, stateOf } from "./base.js"
import { drawCards, hoverAway, hoverOver, newList, togglePlay, updateList } from "./card.js"
import { drawLegend, drawMarkLegend, paintMarks, themeOf } from "./map_marks.js"
import { canvasPainter, webglPainter } from "./map_paint.js"
import { column, leaveOut, nameOf, nearest, nextTowards, pointsWithLabel, receiveParts, store } from "./map_points.js"
import { bringIntoView, fit, followKeys, followPointers, measureView, redrawWhenStill, setZoom, showAll, toMap, toScreen, wholeView, zoomBy } from "./map_view.js"

const HELP =
  "Drag to move. Plus and minus zoom, 0 shows everything; once you have pressed the map, the wheel zooms too. " +
  "Arrow keys move from clip to clip, N and P from neighbour to neighbour, Home to your sound; Enter plays. " +
  "Drag with Shift to draw around clips and list them; V lists those in view."
const TOUCH_HELP = "Press a point to hear it. Two fingers move and zoom the map; zoomed in, one finger moves it too."
const MAX_RETRY_MS = 10000
const MIN_POINTS_IN_MOTION = 20000 // points drawn even while the map moves
const SLOW_FRAME_MS = 24
const MAX_SLOW_FRAMES = 5

export default function soundMap({ data, parentElement: root, setTriggerValue }) {
  const map = stateOf(root, build)
  const missing = receiveParts(data)
  const newChart = store.chart?.id === data.map.id && map.chart !== store.chart
  map.data = data
  updateList(map.list, ["query", "select", "outline"], data, setTriggerValue)
  map.send = map.list.send
  if (newChart) showChart(map, store.chart)
  const moved = map.chart && map.view.query && map.view.query !== JSON.stringify(data.marks[0])
  map.view.query = JSON.stringify(data.marks[0]) // kept with the view: the query may change while another page is open
  map.loading.hidden = missing !== "points"
  map.candidates = data.candidates
  const held = (point) => (point >= 0 && positionOf(map, point) ? point : -1) // the mark of another query may be gone
  map.cursor = held(map.cursor)
  showTooltip(map, held(map.named))
  setShown(map, data)
  drawMarkLegend(map)
  drawPicked(map)
  if (map.status.textContent !== data.summary) map.status.textContent = data.summary
  if (moved) bringIntoView(map, data.marks[0].x, data.marks[0].y)
  else map.draw()
  player.arrive(data.query, map.marks, data.marks[0].title)
  if (missing !== map.missing) requestPart(map, (map.missing = missing))
}

// Requests a part of the map, and repeats the request after growing pauses: Streamlit answers one component at a time and
// may drop the request of another.
function requestPart(map, part, retryMs = 3000) {
  clearTimeout(map.retry)
  if (!part) return
  requestAnimationFrame(() => setTimeout(() => map.send("part", part)))
  map.retry = setTimeout(() => {
    const again = make("button", { class: "outlined", onclick: () => requestPart(map, part) }, "try again")
    if (retryMs > MAX_RETRY_MS) patch(map.loading, document.createTextNode("The map did not arrive. "), again)
    requestPart(map, part, 2 * retryMs)
  }, retryMs)
}

function build(root) {
  const points = make("canvas", { class: "points", "aria-hidden": "true" })
  const marks = make("canvas", {
    class: "marks", tabindex: "0", role: "application", "aria-roledescription": "map", "aria-label": "Map of the clips",
    "aria-describedby": "map-help",
  })
  const tooltip = make("div", { class: "tooltip small", hidden: true })
  const loading = make("p", { class: "loading small", role: "status" }, "Loading the map…")
  const tool = (name, sign, run) => make("button", { class: "tool", "aria-label": name, title: name, onclick: run }, sign)
  const tools = make("div", { class: "tools" },
    tool("Zoom in", "+", () => zoomBy(map, 1.6)), tool("Zoom out", "−", () => zoomBy(map, 1 / 1.6)), tool("Show everything: 0", "0", () => showAll(map)),
    tool("Go to your sound and its neighbours", icon("star", "star"), () => fit(map)),
    tool("List the clips in view: V", icon("list"), () => listView(map)),
    tool("Draw around clips to list them", icon("outline"), ({ currentTarget }) => currentTarget.setAttribute("aria-pressed", String((map.draws = !map.draws)))))
  const cards = make("ol", { class: "cards" })
  const close = make("button", { class: "tool close", "aria-label": "Close this card", title: "Close", onclick: () => closeCard(map) }, "×")
  const panel = make("div", { class: "panel", hidden: true }, cards, close)
  const frame = make("div", { class: "frame", "data-zoomed": "false" }, points, marks, tooltip, loading, tools, panel)
  const legend = make("div", { class: "legend", role: "group", "aria-label": "Colours: press one to show it alone" })
  const markLegend = make("div", { class: "mark-legend small" })
  const status = make("div", { class: "visually-hidden", role: "status" })
  const live = make("div", { class: "visually-hidden", role: "status" })
  const help = make("p", { class: "help small", id: "map-help" }, matchMedia("(pointer: coarse)").matches ? TOUCH_HELP : HELP)
  const section = make("section", { class: "earshot neighbours clip-list map", "aria-label": "Map" }, legend, frame, markLegend, help, status, live)
  root.append(section)

  const list = newList(root, cards, "found")
  const map = { root, section, frame, points, marks, tooltip, loading, legend, markLegend, panel, status, live, list }
  Object.assign(map, { view: wholeView(), group: -1, cursor: -1, named: -1, moving: false, held: false, budget: 200000, candidates: [], data: null })
  map.draw = () => (map.frameRequest ??= requestAnimationFrame((now) => ((map.frameRequest = null), paint(map, now))))
  followPointers(map)
  followKeys(map)
  marks.addEventListener("focus", () => map.draw())
  marks.addEventListener("blur", () => map.draw())
  section.addEventListener("transitionrun", (event) => event.propertyName === "color" && event.target === section && map.draw())
  new ResizeObserver(() => (measureView(map), map.draw())).observe(frame)
  return map
}

// Shows a chart: creates the painter of its points and the legend of its groups, and restores the last view.
function showChart(map, chart) {
  map.chart = chart
  const place = chart.id.split(" ")[0] // without the column that colours it
  map.view = store.views.get(place) ?? wholeView()
  store.views.set(place, map.view)
  usePainter(map, webglPainter(newCanvas(map), chart) ?? canvasPainter(newCanvas(map), chart))
  map.marks.setAttribute("aria-label", `Map of ${chart.n.toLocaleString("en")} clips`)
  map.cursor = -1
  map.group = -1
  showTooltip(map, -1)
  map.label = undefined
  drawLegend(map)
  setZoom(map, map.view.zoom)
}

function usePainter(map, painter) {
  map.painter = painter
  map.slow = 0
  map.section.dataset.painter = painter.name
}

const useCanvasPainter = (map) => usePainter(map, canvasPainter(newCanvas(map), map.chart))

// Replaces the canvas, since a canvas has one kind of context for life.
function newCanvas(map) {
  const canvas = make("canvas", { class: "points", "aria-hidden": "true" })
  canvas.addEventListener("webglcontextlost", (event) => (event.preventDefault(), useCanvasPainter(map), map.draw()))
  map.points.replaceWith(canvas)
  return (map.points = canvas)
}

// Decides which points are not faded: those with the label, of those that the filter allows.
function setShown(map, { label, only, allowed }) {
  const number = label ? label.number : null
  if (!map.chart || (map.label === number && map.only === only && map.labelled === Boolean(map.chart.names))) return
  map.label = number
  map.only = only
  map.labelled = Boolean(map.chart.names)
  map.withLabel = pointsWithLabel(map.chart, number)
  if (only) leaveOut(map.withLabel, column(allowed))
  map.section.dataset.shown = map.withLabel.reduce((sum, one) => sum + one, 0)
}

const isVisible = (map) => (point) => map.withLabel[point] === 1 && (map.group < 0 || map.chart.group[point] === map.group)

// --- drawing ----------------------------------------------------------------------------------------------------

function paint(map, now) {
  const { chart, view } = map
  if (!chart || !map.data || !map.frame.isConnected) return
  measureView(map)
  const ratio = view.dots
  for (const canvas of [map.points, map.marks]) {
    const [width, height] = [Math.round(view.width * ratio), Math.round(view.height * ratio)]
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height })
  }
  adjustBudget(map, now)
  const n = map.moving ? Math.min(chart.n, Math.round(map.budget)) : chart.n
  const theme = themeOf(map.section)
  map.painter.paint(view, pictureFor(map, theme, n), n)
  paintMarks(map, theme)
  placeTooltip(map)
  Object.assign(map.section.dataset, { drawn: n, zoom: view.zoom.toFixed(3), at: `${Math.round(view.x)},${Math.round(view.y)}` })
}

// Adjusts how many points are drawn while the map moves to the speed of this machine; the first n are a random sample.
function adjustBudget(map, now) {
  const took = now - (map.paintedAt ?? now)
  map.paintedAt = map.moving ? now : undefined
  if (!map.moving) return
  redrawWhenStill(map)
  if (took > SLOW_FRAME_MS) map.budget = Math.max(MIN_POINTS_IN_MOTION, map.budget * Math.max(0.3, SLOW_FRAME_MS / took))
  else if (took) map.budget = Math.min(map.chart.n, map.budget * 1.3)
  // WebGL that is slow with so few points is emulated by the processor; a 2D canvas is faster.
  map.slow = map.budget === MIN_POINTS_IN_MOTION && took > 2 * SLOW_FRAME_MS ? map.slow + 1 : 0
  if (map.slow > MAX_SLOW_FRAMES && map.painter.name === "webgl") useCanvasPainter(map)
}

function pictureFor(map, theme, n) {
  const { view } = map
  const area = Math.min(view.width, view.height) ** 2
  const size = Math.min(7, Math.max(1.1, 0.5 * Math.sqrt(area / n) * view.zoom ** 0.4))
  const opaque = n > 200000 ? 0.45 : n > 5000 ? 0.75 : 0.9 // few points hide none behind them
  const alpha = Math.min(0.9, opaque + 0.1 * Math.log2(view.zoom))
  const filtered = map.group >= 0 || map.label !== null || Boolean(map.only)
  const colours = theme.groups.map((rgb) => [...rgb, filtered ? 1 : alpha])
  return { size: filtered ? Math.max(size, 1.6) : size, filtered, group: map.group, withLabel: map.withLabel, colours, faded: [...theme.grey, 0.11] }
}

// --- pointer and cursor ------------------------------------------------------------------------------------

function markAt(map, px, py, reach) {
  const within = map.data.marks
    .map((mark) => ({ mark, distance: Math.hypot(...toScreen(map.view, mark.x, mark.y).map((at, i) => at - [px, py][i])) }))
    .filter(({ distance }) => distance <= reach)
  within.sort((a, b) => a.distance - b.distance)
  return within[0]?.mark
}

export function pointAt(map, px, py, reach) {
  if (!map.chart) return -1
  const mark = markAt(map, px, py, Math.min(reach, 12))
  if (mark) return mark.point
  const [x, y] = toMap(map.view, px, py)
  return nearest(map.chart, x, y, reach / map.view.scale, isVisible(map))
}

export function hover(map, px, py, kind) {
  const point = px < 0 || kind === "touch" ? -1 : pointAt(map, px, py, 12)
  if (point !== map.hovered?.point) hoverPoint(map, point, kind)
  map.marks.style.cursor = point >= 0 ? "pointer" : ""
  showTooltip(map, point)
}

// Plays the point that the mouse rests on, as a list of clips does its cards.
function hoverPoint(map, point, pointerType) {
  hoverAway(map.hovered?.item)
  map.hovered = { point, item: {} }
  if (point < 0 || !map.data.map.sounds) return
  hoverOver({ pointerType }, map.hovered.item, () => player.play(`point ${point}`, rowOf(map.data, point)))
}

// Shows a point's name beside it; hides the tooltip for -1.
function showTooltip(map, point) {
  map.named = point
  if (point >= 0) map.tooltip.textContent = describe(map, point)
  placeTooltip(map)
}

// Places the tooltip beside its point, wherever the view has moved it; out of view there is none.
function placeTooltip(map) {
  const [px, py] = map.named < 0 ? [-1, -1] : toScreen(map.view, ...positionOf(map, map.named))
  map.tooltip.hidden = px < 0 || py < 0 || px > map.view.width || py > map.view.height
  if (map.tooltip.hidden) return
  const left = Math.max(8, Math.min(px + 14, map.view.width - map.tooltip.offsetWidth - 8))
  const below = py + 16 + map.tooltip.offsetHeight < map.view.height
  map.tooltip.style.transform = `translate(${Math.round(left)}px, ${Math.round(below ? py + 14 : py - 14 - map.tooltip.offsetHeight)}px)`
}

function describe(map, point) {
  const { marks, picked, cards } = map.data
  const mark = marks.find((mark) => mark.point === point)
  if (mark) return `${mark.text} · ${mark.title}`
  return point < map.chart.n ? nameOf(map.chart, point) : cards[picked.id].title
}

// Returns the position of a point. Beyond the points drawn are the marks of other clips, and the clip that was pressed.
export function positionOf({ chart, data }, point) {
  if (point < chart.n) return [chart.xy[2 * point], chart.xy[2 * point + 1]]
  const mark = [...data.marks, data.picked].find((mark) => mark?.point === point)
  return mark && [mark.x, mark.y]
}

export function focusPosition(map) {
  return map.cursor >= 0 ? toScreen(map.view, ...positionOf(map, map.cursor)) : [map.view.width / 2, map.view.height / 2]
}

export function setCursor(map, point) {
  if (!map.chart || point === undefined || point < 0) return
  map.cursor = point
  bringIntoView(map, ...positionOf(map, point))
  showTooltip(map, point)
  map.live.textContent = describe(map, point)
}

export function moveCursor(map, direction) {
  if (!map.chart) return
  const [x, y] = map.cursor >= 0 ? positionOf(map, map.cursor) : [map.data.marks[0].x, map.data.marks[0].y]
  setCursor(map, nextTowards(map.chart, x, y, direction, 10 / map.view.scale, isVisible(map)))
}

// Moves through the query and then its neighbours, nearest first; marks are in drawing order, the nearest last.
export function moveCursorToMark(map, step) {
  const [query, ...others] = map.data.marks
  const order = [query, ...others.reverse()].map((mark) => mark.point).filter((point) => point >= 0)
  const current = order.indexOf(map.cursor)
  setCursor(map, order[(current < 0 ? (step > 0 ? 0 : order.length - 1) : current + step + order.length) % order.length])
}

// --- playing -----------------------------------------------------------------------------------------------------

// Starts to play within the user gesture, by the point's split and row; its card then comes from Python.
export function select(map, point) {
  if (point < 0) return
  map.cursor = point
  map.draw()
  map.closed = null
  if (map.data.picked?.point === point && !map.pending) {
    drawPicked(map)
    return togglePlay(map.list, map.list.items.get(map.data.picked.id))
  }
  if (map.data.map.sounds) player.play(`point ${point}`, rowOf(map.data, point))
  map.pending = { point, started: player.state.started }
  player.press(map.root, "select", point)
}

// Returns the address of a point's clip: its split and row.
function rowOf({ map: { starts }, marks }, point) {
  const mark = marks.find((mark) => mark.point === point)
  if (mark) return mark.at
  const split = starts.findLastIndex((start) => start <= point)
  return `${["train", "validation", "test"][split]}@${point - starts[split]}`
}

function drawPicked(map) {
  const { picked, cards } = map.data
  const shown = picked && picked.id !== map.closed
  drawCards(map.list, shown ? [picked.id] : [], "")
  map.panel.hidden = !shown
  if (shown) placePanel(map)
  if (!picked || map.pending?.point !== picked.point) return
  const isLast = map.pending.started === player.state.started // no other sound was started while the card was on its way
  map.pending = null
  const card = cards[picked.id]
  const item = map.list.items.get(picked.id)
  if (isLast && card.media.kind === "youtube") togglePlay(map.list, item)
  player.rename(`point ${picked.point}`, picked.id)
  map.live.textContent = `${card.title}. ${card.outcome}.`
}

// --- lists of clips ----------------------------------------------------------------------------------------------

const MAX_LISTED = 500 // as in ui/pages/map/page.py

// Lists the points shown that lie within an outline: [x, y] of its corners on the map.
export function listWithin(map, outline) {
  const { chart } = map
  const [xs, ys] = [outline.map(([x]) => x), outline.map(([, y]) => y)]
  const [left, right, low, high] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)]
  const isShown = isVisible(map)
  const points = []
  let total = 0
  for (let point = 0; point < chart.n; point++) {
    const [x, y] = [chart.xy[2 * point], chart.xy[2 * point + 1]]
    if (x < left || x > right || y < low || y > high || !isShown(point) || !isWithin(outline, x, y)) continue
    if (++total <= MAX_LISTED) points.push(point)
  }
  player.press(map.root, "outline", { points, total })
  map.live.textContent = `${total.toLocaleString("en")} ${total === 1 ? "clip is" : "clips are"} listed below the map.`
}

// Even-odd rule: how many sides a ray to the left crosses.
function isWithin(outline, x, y) {
  let within = false
  outline.forEach(([ax, ay], i) => {
    const [bx, by] = outline[(i || outline.length) - 1]
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) within = !within
  })
  return within
}

export function listView(map) {
  if (!map.chart) return
  const { width, height } = map.view
  listWithin(map, [[0, 0], [width, 0], [width, height], [0, height]].map(([px, py]) => toMap(map.view, px, py)))
}

// Places the card at the top or the bottom of the map: not over its point, and where it covers fewer marks.
function placePanel(map) {
  measureView(map)
  const { view, data, panel } = map
  const [, pointY] = toScreen(view, data.picked.x, data.picked.y)
  const covered = (side) => {
    panel.dataset.side = side
    const [top, bottom] = [panel.offsetTop - 16, panel.offsetTop + panel.offsetHeight + 16]
    const isCovered = (y) => y > top && y < bottom
    const marks = data.marks.map((mark) => toScreen(view, mark.x, mark.y)).filter(([x, y]) => x < panel.offsetWidth + 16 && isCovered(y))
    return marks.length + (isCovered(pointY) ? data.marks.length + 1 : 0)
  }
  panel.dataset.side = covered("bottom") < covered("top") ? "bottom" : "top"
}

export function closeCard(map) {
  map.closed = map.data.picked.id
  map.panel.hidden = true
  map.marks.focus({ preventScroll: true })
}
