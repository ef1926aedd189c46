// Demo of LSH on a plane: clips as points, with lines to draw, drag, turn and add; what they find is computed here, without
// Python. A table is a set of lines; the query's bucket is its cell.

import { followPlayer, ICONS, make, makeSvg, patch, player, stateOf } from "./base.js"
import { cellsOf, classify, ends, farSide, keyOf, lineAt, lineThrough, nearestTo } from "./plane_geometry.js"

const MAX_LINES = 8
const MAX_TABLES = 4
const TURN = Math.PI / 60
const START = [[[0.5, 0.35], [1.75, -0.3], [2.7, 0.3]]] // tables of lines: angle, offset as a multiple of the points' spread
const RADII = { found: 6.5, missed: 6.5, candidate: 3.5, other: 2.5 }

export default function plane({ data: [data], parentElement: root }) {
  const it = stateOf(root, build)
  player.connect(root, [], data, null)
  if (it.shown !== data.shown) receive(it, data)
  it.refresh()
}

function build(root) {
  const it = { root, tables: [], table: 0, points: [], refresh: followPlayer(root) }
  const button = (text, label, onclick) => make("button", { class: "outlined", "aria-label": label, onclick }, text)
  it.svg = makeSvg("svg", { class: "plane", role: "group", "aria-label": "Clips on a plane, cut by lines" })
  it.layers = Object.fromEntries(["cells", "dots", "lines"].map((name) => [name, makeSvg("g", { class: name })]))
  it.svg.append(...Object.values(it.layers))
  it.tabs = make("div", { class: "table-tabs", role: "group", "aria-label": "Table shown" })
  it.buttons = make("div", { class: "buttons" },
    button("+ line", "Add a line to this table", () => addLine(it, randomLine(it))),
    button("− line", "Remove the last line of this table", () => removeLine(it, it.tables[it.table].length - 1)),
    button("+ table", "Add a table with its own lines", () => addTable(it)),
    button("− table", "Remove the last table", () => removeTable(it)),
    button("new lines", "Replace all by new lines", () => randomise(it)),
  )
  it.summary = make("p", { class: "summary", role: "status" })
  it.clipName = make("p", { class: "small clip-name", "aria-hidden": "true" })
  it.numbers = make("dl", { class: "numbers" })
  const aside = make("div", { class: "aside" }, it.numbers, it.summary, it.buttons, it.tabs)
  root.append(make("section", { class: "earshot plane-demo", "aria-label": "LSH on a plane" }, make("div", { class: "figure" }, it.svg, it.clipName), aside))
  it.svg.addEventListener("pointerdown", (event) => drawLine(it, event))
  new ResizeObserver(() => it.points.length && (fit(it), draw(it))).observe(it.svg)
  return it
}

function receive(it, data) {
  it.shown = data.shown
  it.query = data.query
  it.points = data.points
  it.nearest = nearestTo(it.query, it.points)
  it.spread = Math.sqrt(it.points.reduce((sum, p) => sum + p.x ** 2 + p.y ** 2, 0) / Math.max(it.points.length, 1)) || 1
  if (!it.tables.length) it.tables = START.map((lines) => lines.map(([angle, offset]) => ({ angle, offset: offset * it.spread })))
  fit(it)
  makeDots(it)
  draw(it)
}

// Sets the transforms between pixels and points, with the same scale for both axes.
function fit(it) {
  const width = it.svg.clientWidth || 640
  const height = it.svg.clientHeight || 400
  const all = [it.query, ...it.points]
  const range = (axis) => [Math.min(...all.map((p) => p[axis])), Math.max(...all.map((p) => p[axis]))]
  const [left, right] = range("x")
  const [top, bottom] = range("y")
  const scale = Math.min((width - 40) / (right - left || 1), (height - 40) / (bottom - top || 1))
  const middle = { x: (left + right) / 2, y: (top + bottom) / 2 }
  it.toPixels = (p) => ({ x: width / 2 + scale * (p.x - middle.x), y: height / 2 + scale * (p.y - middle.y) })
  it.toPlane = (p) => ({ x: middle.x + (p.x - width / 2) / scale, y: middle.y + (p.y - height / 2) / scale })
  it.box = [[0, 0], [width, 0], [width, height], [0, height]].map(([x, y]) => it.toPlane({ x, y }))
  it.svg.setAttribute("viewBox", `0 0 ${width} ${height}`)
}

// --- drawing -----------------------------------------------------------------------------------------------------

function makeDots(it) {
  const order = it.points.map((_, i) => i).sort((a, b) => it.nearest.includes(a) - it.nearest.includes(b))
  it.dots = []
  const nodes = order.map((i) => {
    const dot = makeSvg("circle", { "data-clip": it.points[i].id, "data-phase": "idle" })
    const name = makeSvg("title")
    name.textContent = it.points[i].title
    dot.append(name)
    dot.addEventListener("click", () => togglePlay(it, i))
    dot.addEventListener("pointerenter", () => (it.clipName.textContent = it.points[i].title))
    dot.style.cursor = it.points[i].sounds ? "pointer" : "default"
    if (it.nearest.includes(i)) {
      dot.setAttribute("tabindex", "0")
      dot.setAttribute("role", "button")
      dot.addEventListener("keydown", (event) => [" ", "Enter"].includes(event.key) && (event.preventDefault(), togglePlay(it, i)))
      dot.addEventListener("focus", () => (it.clipName.textContent = it.points[i].title))
    }
    return (it.dots[i] = dot)
  })
  it.star = makeSvg("path", { class: "star", d: ICONS.star })
  it.layers.dots.replaceChildren(...nodes, it.star)
}

const togglePlay = (it, i) => it.points[i].sounds && player.toggle(it.points[i].id)

const path = (it, polygon) => polygon.map(it.toPixels).map((p) => `${p.x.toFixed(1)},${p.y.toFixed(1)}`).join(" ")

function draw(it) {
  const now = classify(it.tables, it.query, it.points, it.nearest)
  drawCells(it)
  it.points.forEach((p, i) => {
    const kind = it.nearest.includes(i) ? (now.candidate[i] ? "found" : "missed") : now.candidate[i] ? "candidate" : "other"
    const { x, y } = it.toPixels(p)
    it.dots[i].setAttribute("class", `dot ${kind}`)
    it.dots[i].setAttribute("cx", x.toFixed(1))
    it.dots[i].setAttribute("cy", y.toFixed(1))
    it.dots[i].setAttribute("r", RADII[kind])
    if (it.nearest.includes(i)) it.dots[i].setAttribute("aria-label", `${p.sounds ? "Play a" : "A"} ${kind} neighbour: ${p.title}`)
  })
  const star = it.toPixels(it.query)
  it.star.setAttribute("transform", `translate(${star.x - 13} ${star.y - 13}) scale(1.08)`)
  drawLines(it)
  drawTabs(it)
  describe(it, now)
}

function drawCells(it) {
  const queryCell = (lines) => cellsOf(lines, it.box).find((cell) => cell.key === keyOf(lines, it.query))
  const cells = cellsOf(it.tables[it.table], it.box).map((cell) => {
    const ones = [...cell.key].filter((bit) => bit === "1").length // adjacent cells differ in one bit, so their colours alternate
    const own = cell.key === keyOf(it.tables[it.table], it.query)
    return makeSvg("polygon", { class: `cell ${own ? "query-cell" : ones % 2 ? "odd" : "even"}`, points: path(it, cell.polygon) })
  })
  const others = it.tables.filter((_, t) => t !== it.table).map(queryCell).filter(Boolean)
  it.layers.cells.replaceChildren(...cells, ...others.map((cell) => makeSvg("polygon", { class: "cell other-table", points: path(it, cell.polygon) })))
}

function drawLines(it) {
  const lines = it.tables[it.table]
  while (it.layers.lines.children.length > lines.length) it.layers.lines.lastChild.remove()
  while (it.layers.lines.children.length < lines.length) it.layers.lines.append(lineNode(it, it.layers.lines.children.length))
  lines.forEach((line, i) => {
    const node = it.layers.lines.children[i]
    const [a, b] = (ends(line, it.box) ?? [it.box[0], it.box[0]]).map(it.toPixels)
    for (const stroke of node.querySelectorAll("line")) {
      Object.entries({ x1: a.x, y1: a.y, x2: b.x, y2: b.y }).forEach(([name, value]) => stroke.setAttribute(name, value.toFixed(1)))
    }
    const handle = node.querySelector(".handle")
    handle.setAttribute("cx", (a.x + 0.88 * (b.x - a.x)).toFixed(1))
    handle.setAttribute("cy", (a.y + 0.88 * (b.y - a.y)).toFixed(1))
    const degrees = Math.round((((line.angle * 180) / Math.PI) % 180 + 180) % 180)
    node.setAttribute("aria-label", `Line ${i + 1} of ${lines.length}, at ${degrees} degrees. Left and right turn it, up and down move it, Delete removes it.`)
  })
}

function drawTabs(it) {
  it.tabs.hidden = it.tables.length < 2
  patch(it.tabs, ...it.tables.map((_, t) =>
    make("button", { class: "outlined", "aria-pressed": String(t === it.table), onclick: () => ((it.table = t), draw(it)) }, `table ${t + 1}`)))
}

function describe(it, now) {
  const [n, wanted] = [it.points.length, it.nearest.length]
  const lines = it.tables.map((table) => table.length)
  const number = (name, kind, text) => make("div", {}, make("dt", { class: "small" }, make("span", { class: `mark ${kind}` }), name), make("dd", {}, text))
  patch(it.numbers,
    number("looked at", "candidate", `${now.lookedAt} of ${n}`),
    number("found", "found", `${now.found} of ${wanted}`),
    number("missed", "missed", String(now.missed.length)),
  )
  const cell = it.tables.length > 1 ? `The ${it.tables.length} cells of your sound, one per table, together hold` : "The cell of your sound holds"
  const separators = now.missed.map((i) => Math.min(...it.tables.map((table) => table.filter((line) => farSide(line, it.points[i]) !== farSide(line, it.query)).length)))
  const one = separators.filter((count) => count === 1).length
  const lost = now.missed.length
  const behind = it.tables.length > 1 ? "a line in every table" : "a line"
  const singly = lost > 1 && one ? `, ${one === lost ? "each" : `${one} of them`} behind just one` : ""
  const why = lost ? ` ${lost === 1 ? "One lies" : `${lost} lie`} behind ${behind}${singly}: LSH never looks there.` : " Nothing is missed."
  const text = `${lines.join(" + ")} ${lines.length === 1 && lines[0] === 1 ? "line" : "lines"}. ${cell} ${now.lookedAt} of ${n} clips and ${now.found} of your ${wanted} nearest.${why}`
  if (it.summary.textContent !== text) it.summary.textContent = text
}

// --- input -------------------------------------------------------------------------------------------------------

function lineNode(it, i) {
  const node = makeSvg("g", { class: "line", tabindex: "0", role: "group", "aria-roledescription": "line" })
  node.append(makeSvg("line", { class: "hit-area" }), makeSvg("line", { class: "stroke" }), makeSvg("circle", { class: "handle", r: 8 }))
  node.addEventListener("pointerdown", (event) => drag(it, i, event))
  node.addEventListener("keydown", (event) => handleKey(it, i, event))
  return node
}

function pointAt(it, event) {
  const frame = it.svg.getBoundingClientRect()
  return it.toPlane({ x: event.clientX - frame.left, y: event.clientY - frame.top })
}

function capturePointer(it, event, move) {
  event.preventDefault()
  event.stopPropagation()
  it.svg.setPointerCapture(event.pointerId)
  const on = (moved) => moved.pointerId === event.pointerId && move(moved)
  const off = (last) => {
    if (last.pointerId !== event.pointerId) return
    for (const [name, handle] of [["pointermove", on], ["pointerup", off], ["pointercancel", off]]) it.svg.removeEventListener(name, handle)
  }
  for (const [name, handle] of [["pointermove", on], ["pointerup", off], ["pointercancel", off]]) it.svg.addEventListener(name, handle)
}

function drag(it, i, event) {
  const line = it.tables[it.table][i]
  it.layers.lines.children[i].focus({ preventScroll: true })
  let from = pointAt(it, event)
  const [a, b] = ends(line, it.box) ?? [from, from]
  const middle = { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 }
  const turning = event.target.classList.contains("handle")
  capturePointer(it, event, (moved) => {
    const to = pointAt(it, moved)
    if (turning) Object.assign(line, lineThrough(middle, to))
    else line.offset += (to.x - from.x) * Math.cos(line.angle) + (to.y - from.y) * Math.sin(line.angle)
    from = to
    draw(it)
  })
}

// Draws a new line with the mouse on the empty plane; touch scrolls the page there.
function drawLine(it, event) {
  if (event.pointerType !== "mouse" || event.button !== 0 || event.target.closest?.("circle")) return
  const from = pointAt(it, event)
  let line = null
  capturePointer(it, event, (moved) => {
    if (!line && Math.hypot(moved.clientX - event.clientX, moved.clientY - event.clientY) < 12) return
    if (!line && it.tables[it.table].length >= MAX_LINES) return
    if (!line) it.tables[it.table].push((line = lineThrough(from, pointAt(it, moved))))
    else Object.assign(line, lineThrough(from, pointAt(it, moved)))
    draw(it)
  })
}

function handleKey(it, i, event) {
  const line = it.tables[it.table][i]
  const [a, b] = ends(line, it.box) ?? [it.query, it.query]
  const turn = (angle) => Object.assign(line, lineAt(angle, { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 }))
  const moves = {
    ArrowLeft: () => turn(line.angle - TURN),
    ArrowRight: () => turn(line.angle + TURN),
    ArrowUp: () => (line.offset -= Math.sign(Math.sin(line.angle) || 1) * 0.04 * it.spread),
    ArrowDown: () => (line.offset += Math.sign(Math.sin(line.angle) || 1) * 0.04 * it.spread),
    Delete: () => removeLine(it, i),
    Backspace: () => removeLine(it, i),
  }
  if (!moves[event.key]) return
  event.preventDefault()
  event.stopPropagation()
  moves[event.key]()
  draw(it)
}

const randomSigned = () => Math.random() * 2 - 1
const randomLine = (it) => ({ angle: Math.PI * Math.random(), offset: 0.7 * it.spread * randomSigned() })

function addLine(it, line) {
  if (it.tables[it.table].length < MAX_LINES) it.tables[it.table].push(line)
  draw(it)
  it.layers.lines.lastChild?.focus({ preventScroll: true })
}

function removeLine(it, i) {
  if (i >= 0) it.tables[it.table].splice(i, 1)
  draw(it)
  it.layers.lines.children[Math.max(0, i - 1)]?.focus({ preventScroll: true })
}

function addTable(it) {
  if (it.tables.length < MAX_TABLES) it.tables.push(it.tables[it.table].map(() => randomLine(it)))
  it.table = it.tables.length - 1
  draw(it)
}

function removeTable(it) {
  if (it.tables.length > 1) it.tables.pop()
  it.table = Math.min(it.table, it.tables.length - 1)
  draw(it)
}

function randomise(it) {
  it.tables = it.tables.map((lines) => lines.map(() => randomLine(it)))
  draw(it)
}
