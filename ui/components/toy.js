// LSH you can touch: real clips on a plane, lines to draw, drag, turn and add, and what they find, at once and without
// asking Python. A table is a set of lines; the query's bucket is its cell; tables add up.

const MOST_LINES = 8
const MOST_TABLES = 4
const TURN = Math.PI / 60
const START = [[[0.5, 0.35], [1.75, -0.3], [2.7, 0.3]]] // tables of lines: angle, offset in spreads of the points
const SIGNS = { near: 6.5, candidate: 3.5, other: 2.5 }
const toys = new WeakMap()

export default function toy({ data, parentElement: root, setTriggerValue }) {
  if (!toys.has(root)) toys.set(root, build(root))
  const it = toys.get(root)
  it.tell = setTriggerValue
  ear.enter(data.collection)
  takeSound(data.sound)
  if (it.shown !== data.shown) take(it, data)
  it.refresh()
}

function build(root) {
  const it = { root, tables: [], at: 0, points: [], refresh: follow(root) }
  const button = (words, label, onclick) => make("button", { class: "word", "aria-label": label, onclick }, words)
  it.svg = svgNode("svg", { class: "plane", role: "group", "aria-label": "Clips on a plane, cut by lines" })
  it.layers = Object.fromEntries(["cells", "dots", "lines"].map((name) => [name, svgNode("g", { class: name })]))
  it.svg.append(...Object.values(it.layers))
  it.tabs = make("div", { class: "choice", role: "group", "aria-label": "Table in hand" })
  it.hands = make("div", { class: "hands" },
    button("+ line", "Add a line to this table", () => addLine(it, randomLine(it))),
    button("− line", "Take the last line of this table away", () => dropLine(it, it.tables[it.at].length - 1)),
    button("+ table", "Add a table with lines of its own", () => addTable(it)),
    button("− table", "Take the last table away", () => dropTable(it)),
    button("new lines", "Draw all lines anew, at random", () => deal(it)),
  )
  it.said = make("p", { class: "said", role: "status" })
  it.names = make("p", { class: "small names", "aria-hidden": "true" })
  it.numbers = make("dl", { class: "numbers" })
  const aside = make("div", { class: "aside" }, it.numbers, it.said, it.hands, it.tabs)
  root.append(make("section", { class: "room toy", "aria-label": "LSH on a plane" }, make("div", { class: "sheet" }, it.svg, it.names), aside))
  it.svg.addEventListener("pointerdown", (event) => drawByHand(it, event))
  new ResizeObserver(() => it.points.length && (fit(it), draw(it))).observe(it.svg)
  return it
}

function take(it, data) {
  it.shown = data.shown
  it.query = data.query
  it.points = data.points
  it.nearest = nearestOf(it.query, it.points)
  it.spread = Math.sqrt(it.points.reduce((sum, p) => sum + p.x ** 2 + p.y ** 2, 0) / Math.max(it.points.length, 1)) || 1
  if (!it.tables.length) it.tables = START.map((lines) => lines.map(([angle, offset]) => ({ angle, offset: offset * it.spread })))
  fit(it)
  putDots(it)
  draw(it)
}

// Pixels and points: one scale for both axes, so that what is near looks near.
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

function svgNode(name, attributes = {}) {
  const node = document.createElementNS(SVG, name)
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value)
  return node
}

function putDots(it) {
  const order = it.points.map((_, i) => i).sort((a, b) => it.nearest.includes(a) - it.nearest.includes(b))
  it.dots = []
  const nodes = order.map((i) => {
    const dot = svgNode("circle", { "data-clip": it.points[i].id, "data-phase": "idle" })
    const name = svgNode("title")
    name.textContent = it.points[i].title
    dot.append(name)
    dot.addEventListener("click", () => playDot(it, i))
    dot.addEventListener("pointerenter", () => (it.names.textContent = it.points[i].title))
    dot.style.cursor = it.points[i].sounds ? "pointer" : "default"
    if (it.nearest.includes(i)) {
      dot.setAttribute("tabindex", "0")
      dot.setAttribute("role", "button")
      dot.addEventListener("keydown", (event) => [" ", "Enter"].includes(event.key) && (event.preventDefault(), playDot(it, i)))
      dot.addEventListener("focus", () => (it.names.textContent = it.points[i].title))
    }
    return (it.dots[i] = dot)
  })
  it.star = svgNode("path", { class: "star", d: PICTURES.star })
  it.layers.dots.replaceChildren(...nodes, it.star)
}

const playDot = (it, i) => it.points[i].sounds && ear.toggle(it.points[i].id, (wanted) => it.tell("sound", wanted))

const path = (it, polygon) => polygon.map(it.toPixels).map((p) => `${p.x.toFixed(1)},${p.y.toFixed(1)}`).join(" ")

function draw(it) {
  const now = verdict(it.tables, it.query, it.points, it.nearest)
  drawCells(it)
  it.points.forEach((p, i) => {
    const kind = it.nearest.includes(i) ? (now.met[i] ? "found" : "missed") : now.met[i] ? "candidate" : "other"
    const { x, y } = it.toPixels(p)
    it.dots[i].setAttribute("class", `dot ${kind}`)
    it.dots[i].setAttribute("cx", x.toFixed(1))
    it.dots[i].setAttribute("cy", y.toFixed(1))
    it.dots[i].setAttribute("r", SIGNS[kind] ?? SIGNS.near)
    if (it.nearest.includes(i)) it.dots[i].setAttribute("aria-label", `${p.sounds ? "Play a" : "A"} ${kind} neighbour: ${p.title}`)
  })
  const star = it.toPixels(it.query)
  it.star.setAttribute("transform", `translate(${star.x - 13} ${star.y - 13}) scale(1.08)`)
  drawLines(it)
  drawTabs(it)
  say(it, now)
}

function drawCells(it) {
  const own = (lines) => cellsOf(lines, it.box).find((cell) => cell.key === keyOf(lines, it.query))
  const cells = cellsOf(it.tables[it.at], it.box).map((cell) => {
    const ones = [...cell.key].filter((bit) => bit === "1").length // neighbours differ in one bit, so this checkers them
    const mine = cell.key === keyOf(it.tables[it.at], it.query)
    return svgNode("polygon", { class: `cell ${mine ? "own" : ones % 2 ? "odd" : "even"}`, points: path(it, cell.polygon) })
  })
  const others = it.tables.filter((_, t) => t !== it.at).map(own).filter(Boolean)
  it.layers.cells.replaceChildren(...cells, ...others.map((cell) => svgNode("polygon", { class: "cell elsewhere", points: path(it, cell.polygon) })))
}

function drawLines(it) {
  const lines = it.tables[it.at]
  while (it.layers.lines.children.length > lines.length) it.layers.lines.lastChild.remove()
  while (it.layers.lines.children.length < lines.length) it.layers.lines.append(lineNode(it, it.layers.lines.children.length))
  lines.forEach((line, i) => {
    const node = it.layers.lines.children[i]
    const [a, b] = (ends(line, it.box) ?? [it.box[0], it.box[0]]).map(it.toPixels)
    for (const stroke of node.querySelectorAll("line")) {
      Object.entries({ x1: a.x, y1: a.y, x2: b.x, y2: b.y }).forEach(([name, value]) => stroke.setAttribute(name, value.toFixed(1)))
    }
    const knob = node.querySelector(".knob")
    knob.setAttribute("cx", (a.x + 0.88 * (b.x - a.x)).toFixed(1))
    knob.setAttribute("cy", (a.y + 0.88 * (b.y - a.y)).toFixed(1))
    const degrees = Math.round((((line.angle * 180) / Math.PI) % 180 + 180) % 180)
    node.setAttribute("aria-label", `Line ${i + 1} of ${lines.length}, at ${degrees} degrees. Left and right turn it, up and down move it, Delete takes it away.`)
  })
}

function drawTabs(it) {
  it.tabs.hidden = it.tables.length < 2
  it.tabs.replaceChildren(...it.tables.map((_, t) =>
    make("button", { class: "word", "aria-pressed": String(t === it.at), onclick: () => ((it.at = t), draw(it)) }, `table ${t + 1}`)))
}

function say(it, now) {
  const [n, wanted] = [it.points.length, it.nearest.length]
  const lines = it.tables.map((table) => table.length)
  const number = (name, kind, words) => make("div", {}, make("dt", { class: "small" }, make("span", { class: `mark ${kind}` }), name), make("dd", {}, words))
  it.numbers.replaceChildren(
    number("looked at", "candidate", `${now.lookedAt} of ${n}`),
    number("found", "found", `${now.found} of ${wanted}`),
    number("missed", "missed", String(now.missed.length)),
  )
  const cell = it.tables.length > 1 ? `The ${it.tables.length} cells of your sound, one a table, together hold` : "The cell of your sound holds"
  const apart = now.missed.map((i) => Math.min(...it.tables.map((table) => table.filter((line) => farSide(line, it.points[i]) !== farSide(line, it.query)).length)))
  const one = apart.filter((count) => count === 1).length
  const lost = now.missed.length
  const behind = it.tables.length > 1 ? "a line in every table" : "a line"
  const singly = lost > 1 && one ? `, ${one === lost ? "each" : `${one} of them`} behind just one` : ""
  const why = lost ? ` ${lost === 1 ? "One lies" : `${lost} lie`} behind ${behind}${singly}: LSH never looks there.` : " Nothing is missed."
  const words = `${lines.join(" + ")} ${lines.length === 1 && lines[0] === 1 ? "line" : "lines"}. ${cell} ${now.lookedAt} of ${n} clips and ${now.found} of your ${wanted} nearest.${why}`
  if (it.said.textContent !== words) it.said.textContent = words
}

// --- hands -------------------------------------------------------------------------------------------------------

function lineNode(it, i) {
  const node = svgNode("g", { class: "line", tabindex: "0", role: "group", "aria-roledescription": "line" })
  node.append(svgNode("line", { class: "reach" }), svgNode("line", { class: "ink" }), svgNode("circle", { class: "knob", r: 8 }))
  node.addEventListener("pointerdown", (event) => drag(it, i, event))
  node.addEventListener("keydown", (event) => keys(it, i, event))
  return node
}

function at(it, event) {
  const frame = it.svg.getBoundingClientRect()
  return it.toPlane({ x: event.clientX - frame.left, y: event.clientY - frame.top })
}

function held(it, event, move, done = () => {}) {
  event.preventDefault()
  event.stopPropagation()
  it.svg.setPointerCapture(event.pointerId)
  const on = (moved) => moved.pointerId === event.pointerId && move(moved)
  const off = (last) => {
    if (last.pointerId !== event.pointerId) return
    for (const [name, handle] of [["pointermove", on], ["pointerup", off], ["pointercancel", off]]) it.svg.removeEventListener(name, handle)
    done(last)
  }
  for (const [name, handle] of [["pointermove", on], ["pointerup", off], ["pointercancel", off]]) it.svg.addEventListener(name, handle)
}

function drag(it, i, event) {
  const line = it.tables[it.at][i]
  it.layers.lines.children[i].focus({ preventScroll: true })
  let from = at(it, event)
  const [a, b] = ends(line, it.box) ?? [from, from]
  const middle = { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 }
  const knob = event.target.classList.contains("knob")
  held(it, event, (moved) => {
    const to = at(it, moved)
    if (knob) Object.assign(line, lineThrough(middle, to))
    else line.offset += (to.x - from.x) * Math.cos(line.angle) + (to.y - from.y) * Math.sin(line.angle)
    from = to
    draw(it)
  })
}

// A line drawn on the empty plane. A finger there scrolls the page instead: it has the button.
function drawByHand(it, event) {
  if (event.pointerType !== "mouse" || event.button !== 0 || event.target.closest?.("circle")) return
  const from = at(it, event)
  let line = null
  held(it, event, (moved) => {
    if (!line && Math.hypot(moved.clientX - event.clientX, moved.clientY - event.clientY) < 12) return
    if (!line && it.tables[it.at].length >= MOST_LINES) return
    if (!line) it.tables[it.at].push((line = lineThrough(from, at(it, moved))))
    else Object.assign(line, lineThrough(from, at(it, moved)))
    draw(it)
  })
}

function keys(it, i, event) {
  const line = it.tables[it.at][i]
  const [a, b] = ends(line, it.box) ?? [it.query, it.query]
  const turn = (angle) => Object.assign(line, lineAt(angle, { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 }))
  const moves = {
    ArrowLeft: () => turn(line.angle - TURN),
    ArrowRight: () => turn(line.angle + TURN),
    ArrowUp: () => (line.offset -= Math.sign(Math.sin(line.angle) || 1) * 0.04 * it.spread),
    ArrowDown: () => (line.offset += Math.sign(Math.sin(line.angle) || 1) * 0.04 * it.spread),
    Delete: () => dropLine(it, i),
    Backspace: () => dropLine(it, i),
  }
  if (!moves[event.key]) return
  event.preventDefault()
  event.stopPropagation()
  moves[event.key]()
  draw(it)
}

const random = () => Math.random() * 2 - 1
const randomLine = (it) => ({ angle: Math.PI * Math.random(), offset: 0.7 * it.spread * random() })

function addLine(it, line) {
  if (it.tables[it.at].length < MOST_LINES) it.tables[it.at].push(line)
  draw(it)
  it.layers.lines.lastChild?.focus({ preventScroll: true })
}

function dropLine(it, i) {
  if (i >= 0) it.tables[it.at].splice(i, 1)
  draw(it)
  it.layers.lines.children[Math.max(0, i - 1)]?.focus({ preventScroll: true })
}

function addTable(it) {
  if (it.tables.length < MOST_TABLES) it.tables.push(it.tables[it.at].map(() => randomLine(it)))
  it.at = it.tables.length - 1
  draw(it)
}

function dropTable(it) {
  if (it.tables.length > 1) it.tables.pop()
  it.at = Math.min(it.at, it.tables.length - 1)
  draw(it)
}

function deal(it) {
  it.tables = it.tables.map((lines) => lines.map(() => randomLine(it)))
  draw(it)
}
