// The map: every clip a point, the branches named where they are densest, and over them your sound and its neighbours.

const HELP =
  "Drag to move. Plus and minus zoom, 0 shows everything; once you have pressed the map, the wheel zooms too. " +
  "Arrows walk from clip to clip, N and P from neighbour to neighbour, Home goes to your sound, Enter plays."
const HELP_FOR_FINGERS = "Press a point to hear it. Two fingers move and zoom the map; zoomed in, one finger moves it too."
const PATIENCE_FOR_POINTS_MS = 10000
const FEW_TO_DRAW = 20000 // points drawn even while the map moves
const SLOW_FRAME_MS = 24
const PATIENT_FRAMES = 5
const maps = new WeakMap()

function mapOf(root) {
  if (!maps.has(root)) maps.set(root, build(root))
  return maps.get(root)
}

export default function soundMap({ data, parentElement: root, setTriggerValue }) {
  const map = mapOf(root)
  const lacking = takeChart(data)
  const newChart = atlas.chart?.id === data.map.id && map.chart !== atlas.chart
  map.data = data
  map.tell = setTriggerValue
  takeList(map.list, data, setTriggerValue)
  if (newChart) adopt(map, atlas.chart)
  const moved = map.chart && map.view.query && map.view.query !== JSON.stringify(data.marks[0])
  map.view.query = JSON.stringify(data.marks[0]) // kept with the view: your sound may move while another page is open
  map.wait.hidden = lacking !== "points"
  map.candidates = data.candidates
  setLabel(map, data.label)
  drawKey(map)
  drawPicked(map)
  askForLooks(map.list)
  if (map.status.textContent !== data.summary) map.status.textContent = data.summary
  if (moved) bringIntoView(map, data.marks[0].x, data.marks[0].y)
  else map.draw()
  if (lacking !== map.lacking) askFor(map, (map.lacking = lacking))
}

// Asks for a part of the map, names after the first picture; and again, more and more patiently, for Streamlit answers
// one component at a time and may drop what two asked at once.
function askFor(map, part, patience = 3000) {
  clearTimeout(map.again)
  if (!part) return
  requestAnimationFrame(() => setTimeout(() => map.tell("lack", part)))
  map.again = setTimeout(() => {
    const again = make("button", { class: "word", onclick: () => askFor(map, part) }, "try again")
    if (patience > PATIENCE_FOR_POINTS_MS) map.wait.replaceChildren("The map did not arrive. ", again)
    askFor(map, part, 2 * patience)
  }, patience)
}

function build(root) {
  const points = make("canvas", { class: "points", "aria-hidden": "true" })
  const marks = make("canvas", {
    class: "marks", tabindex: "0", role: "application", "aria-roledescription": "map", "aria-label": "Map of the clips",
    "aria-describedby": "map-help",
  })
  const tip = make("div", { class: "tip small", hidden: true })
  const wait = make("p", { class: "wait small", role: "status" }, "Unfolding the map…")
  const tool = (words, sign, run) => make("button", { class: "tool", "aria-label": words, title: words, onclick: run }, sign)
  const tools = make("div", { class: "tools" },
    tool("Zoom in", "+", () => zoomBy(map, 1.6)), tool("Zoom out", "−", () => zoomBy(map, 1 / 1.6)), tool("Show everything", "0", () => showAll(map)),
    tool("Go to your sound and its neighbours", picture("star", "picture star"), () => fit(map)))
  const frame = make("div", { class: "frame", "data-zoomed": "false" }, points, marks, tip, wait, tools)
  const legend = make("div", { class: "legend", role: "group", "aria-label": "Branches: press one and only it stands out" })
  const key = make("div", { class: "key small" })
  const cards = make("ol", { class: "cards" })
  const status = make("div", { class: "unseen", role: "status" })
  const said = make("div", { class: "unseen", role: "status" })
  const help = make("p", { class: "help small", id: "map-help" }, matchMedia("(pointer: coarse)").matches ? HELP_FOR_FINGERS : HELP)
  const section = make("section", { class: "room neighbours clips map", "aria-label": "Map" }, legend, frame, key, help, cards, status, said)
  root.append(section)

  const list = { root, cards, rows: new Map(), view: "found", refresh: follow(root) }
  const map = { root, section, frame, points, marks, tip, wait, legend, key, status, said, list }
  Object.assign(map, { view: wholeView(), only: -1, showExact: true, cursor: -1, moving: false, held: false, budget: 200000, candidates: [], data: null })
  map.draw = () => (map.asked ??= requestAnimationFrame((now) => ((map.asked = null), paint(map, now))))
  map.hover = (px, py, kind) => hover(map, px, py, kind)
  map.press = (px, py, reach) => pick(map, pointAt(map, px, py, reach))
  map.pressCursor = () => pick(map, map.cursor)
  map.walk = (way) => walkTowards(map, way)
  map.walkMarks = (way) => walkMarks(map, way)
  map.toQuery = () => setCursor(map, map.data.marks[0].point)
  map.focusPlace = () => focusPlace(map)
  followPointers(map)
  followKeys(map)
  marks.addEventListener("focus", () => map.draw())
  marks.addEventListener("blur", () => map.draw())
  section.addEventListener("transitionrun", (event) => event.propertyName === "color" && event.target === section && map.draw())
  new ResizeObserver(() => (measureView(map), map.draw())).observe(frame)
  return map
}

// Begins with a chart: a painter for its points, the legend of its branches, and the view in which it was left.
function adopt(map, chart) {
  map.chart = chart
  map.view = atlas.views.get(chart.id) ?? wholeView()
  atlas.views.set(chart.id, map.view)
  takePainter(map, glPainter(freshCanvas(map), chart) ?? handPainter(freshCanvas(map), chart))
  map.marks.setAttribute("aria-label", `Map of ${chart.n.toLocaleString("en")} clips`)
  map.frame.dataset.zoomed = String(map.view.zoom > 1)
  map.cursor = -1
  map.only = -1
  map.label = undefined
  drawLegend(map)
  measureView(map)
}

function takePainter(map, painter) {
  map.painter = painter
  map.slow = 0
  map.section.dataset.painter = painter.name
}

const paintByHand = (map) => takePainter(map, handPainter(freshCanvas(map), map.chart))

// A canvas has one kind of pen for life.
function freshCanvas(map) {
  const fresh = make("canvas", { class: "points", "aria-hidden": "true" })
  fresh.addEventListener("webglcontextlost", (event) => (event.preventDefault(), paintByHand(map), map.draw()))
  map.points.replaceWith(fresh)
  return (map.points = fresh)
}

function setLabel(map, label) {
  const number = label ? label.number : null
  if (!map.chart || (map.label === number && map.litWith === Boolean(map.chart.names))) return
  map.label = number
  map.litWith = Boolean(map.chart.names)
  map.lit = litBy(map.chart, number)
}

const stands = (map) => (point) => map.lit[point] === 1 && (map.only < 0 || map.chart.branch[point] === map.only)

// --- pictures ----------------------------------------------------------------------------------------------------

function paint(map, now) {
  const { chart, view } = map
  if (!chart || !map.data || !map.frame.isConnected) return
  measureView(map)
  const ratio = view.dots
  for (const canvas of [map.points, map.marks]) {
    const [width, height] = [Math.round(view.width * ratio), Math.round(view.height * ratio)]
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height })
  }
  spend(map, now)
  const n = map.moving ? Math.min(chart.n, Math.round(map.budget)) : chart.n
  const theme = themeOf(map.section)
  map.painter.paint(view, pictureOf(map, theme, n), n)
  paintMarks(map, theme)
  Object.assign(map.section.dataset, { drawn: n, zoom: view.zoom.toFixed(3), at: `${Math.round(view.x)},${Math.round(view.y)}` })
}

// While the map moves, draws no more points than this machine keeps up with: any first n are a fair sample.
function spend(map, now) {
  const took = now - (map.paintedAt ?? now)
  map.paintedAt = map.moving ? now : undefined
  if (!map.moving) return
  stillLater(map)
  if (took > SLOW_FRAME_MS) map.budget = Math.max(FEW_TO_DRAW, map.budget * Math.max(0.3, SLOW_FRAME_MS / took))
  else if (took) map.budget = Math.min(map.chart.n, map.budget * 1.3)
  // A graphics card that is late with so few points is one that the processor imitates: by hand it is faster.
  map.slow = map.budget === FEW_TO_DRAW && took > 2 * SLOW_FRAME_MS ? map.slow + 1 : 0
  if (map.slow > PATIENT_FRAMES && map.painter.name === "webgl") paintByHand(map)
}

function pictureOf(map, theme, n) {
  const { view } = map
  const room = Math.min(view.width, view.height) ** 2
  const size = Math.min(7, Math.max(1.1, 0.5 * Math.sqrt(room / n) * view.zoom ** 0.4))
  const alpha = Math.min(0.9, (n > 200000 ? 0.45 : 0.75) + 0.1 * Math.log2(view.zoom))
  const faint = map.only >= 0 || map.label !== null
  const colours = theme.branches.map((rgb) => [...rgb, faint ? 1 : alpha])
  return { size: faint ? Math.max(size, 1.6) : size, faint, only: map.only, lit: map.lit, colours, ghost: [...theme.grey, 0.11] }
}

// --- what the pointer and the keyboard are on --------------------------------------------------------------------

function markAt(map, px, py, reach) {
  const near = map.data.marks
    .map((mark) => ({ mark, apart: Math.hypot(...onScreen(map.view, mark.x, mark.y).map((at, i) => at - [px, py][i])) }))
    .filter(({ apart }) => apart <= reach)
  near.sort((a, b) => a.apart - b.apart)
  return near[0]?.mark
}

function pointAt(map, px, py, reach) {
  if (!map.chart) return -1
  const mark = markAt(map, px, py, Math.min(reach, 12))
  if (mark) return mark.point
  const [x, y] = onMap(map.view, px, py)
  return nearest(map.chart, x, y, reach / map.view.scale, stands(map))
}

function hover(map, px, py, kind) {
  const point = px < 0 || kind === "touch" ? -1 : pointAt(map, px, py, 12)
  map.marks.style.cursor = point >= 0 ? "pointer" : ""
  tell(map, point)
}

// Shows a point's name beside it.
function tell(map, point) {
  map.tip.hidden = point < 0
  if (point < 0) return
  const words = wordsOf(map, point)
  map.tip.textContent = words
  const [px, py] = onScreen(map.view, map.chart.xy[2 * point], map.chart.xy[2 * point + 1])
  const left = Math.max(8, Math.min(px + 14, map.view.width - map.tip.offsetWidth - 8))
  const below = py + 16 + map.tip.offsetHeight < map.view.height
  map.tip.style.transform = `translate(${Math.round(left)}px, ${Math.round(below ? py + 14 : py - 14 - map.tip.offsetHeight)}px)`
}

function wordsOf(map, point) {
  const mark = map.data.marks.find((mark) => mark.point === point)
  return mark ? `${mark.words} · ${mark.title}` : nameOf(map.chart, point)
}

const placeOf = (map, point) => [map.chart.xy[2 * point], map.chart.xy[2 * point + 1]]

function focusPlace(map) {
  return map.cursor >= 0 ? onScreen(map.view, ...placeOf(map, map.cursor)) : [map.view.width / 2, map.view.height / 2]
}

function setCursor(map, point) {
  if (!map.chart || point === undefined || point < 0) return
  map.cursor = point
  bringIntoView(map, ...placeOf(map, point))
  tell(map, point)
  map.said.textContent = wordsOf(map, point)
}

function walkTowards(map, way) {
  if (!map.chart) return
  const [x, y] = map.cursor >= 0 ? placeOf(map, map.cursor) : [map.data.marks[0].x, map.data.marks[0].y]
  setCursor(map, nextTowards(map.chart, x, y, way, 10 / map.view.scale, stands(map)))
}

// Your sound, then its neighbours from the nearest: marks come in the order in which they are drawn, the nearest last.
function walkMarks(map, way) {
  const [query, ...others] = map.data.marks
  const order = [query, ...others.reverse()].map((mark) => mark.point).filter((point) => point >= 0)
  const here = order.indexOf(map.cursor)
  setCursor(map, order[(here < 0 ? (way > 0 ? 0 : order.length - 1) : here + way + order.length) % order.length])
}

// --- hearing -----------------------------------------------------------------------------------------------------

// The sound is begun within the gesture, by the point's number; the clip's id and its sound come from Python.
function pick(map, point) {
  if (point < 0) return
  map.cursor = point
  map.draw()
  if (map.data.picked?.point === point) return press(map.list, map.list.rows.get(map.data.picked.id))
  map.pending = point
  ear.play(`point ${point}`, () => map.tell("pick", point))
}

function drawPicked(map) {
  const { picked, cards } = map.data
  drawCards(map.list, picked ? [picked.id] : [], "Press a point to hear it. Its card stands here.")
  if (!picked || map.pending !== picked.point) return
  map.pending = null
  const card = cards[picked.id]
  const item = map.list.rows.get(picked.id)
  if (card.gone) ear.become("idle", null)
  else if (card.media.kind === "youtube") press(map.list, item)
  else ear.play(picked.id, () => map.tell("sound", picked.id))
  map.said.textContent = `${card.title}. ${card.how}.`
}
