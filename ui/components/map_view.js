// Where the map is looked at: panning, zooming and walking by mouse, touch and keyboard.

const FURTHEST = 400
const CLICK_PX = 4
const STILL_MS = 160
const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches

const wholeView = () => ({ x: SIDE / 2, y: SIDE / 2, zoom: 1 })

// Works out what a view means for the frame it is shown in: css pixels per unit, and dots per css pixel.
function measureView(map) {
  const { view, frame } = map
  view.width = Math.max(1, frame.clientWidth)
  view.height = Math.max(1, frame.clientHeight)
  view.dots = Math.min(2, window.devicePixelRatio || 1)
  view.scale = (view.zoom * Math.min(view.width, view.height)) / SIDE
}

const onScreen = (view, x, y) => [(x - view.x) * view.scale + view.width / 2, (view.y - y) * view.scale + view.height / 2]
const onMap = (view, px, py) => [view.x + (px - view.width / 2) / view.scale, view.y - (py - view.height / 2) / view.scale]

function moveTo(map, x, y) {
  const { view } = map
  const slack = SIDE * (0.5 - 0.5 / view.zoom) + SIDE / 8
  view.x = Math.max(SIDE / 2 - slack, Math.min(SIDE / 2 + slack, x))
  view.y = Math.max(SIDE / 2 - slack, Math.min(SIDE / 2 + slack, y))
  map.moving = true
  stillLater(map)
  map.draw()
}

// The map is still, and drawn whole, a moment after the last movement or picture; two frames must have passed as well,
// for a slow machine is still busy with the picture before.
function stillLater(map) {
  clearTimeout(map.still)
  const turn = (map.turn = (map.turn ?? 0) + 1)
  const after = (then) => requestAnimationFrame(() => map.turn === turn && then())
  map.still = setTimeout(() => after(() => after(() => ((map.moving = map.held) || map.draw()))), STILL_MS)
}

// Zooms so that the place under (px, py) stays there.
function zoomBy(map, factor, px = map.view.width / 2, py = map.view.height / 2) {
  const { view } = map
  const [x, y] = onMap(view, px, py)
  view.zoom = Math.max(1, Math.min(FURTHEST, view.zoom * factor))
  measureView(map)
  map.frame.dataset.zoomed = String(view.zoom > 1)
  moveTo(map, x - (px - view.width / 2) / view.scale, y + (py - view.height / 2) / view.scale)
}

function showAll(map) {
  map.view.zoom = 1
  measureView(map)
  map.frame.dataset.zoomed = "false"
  moveTo(map, SIDE / 2, SIDE / 2)
}

// Shows your sound in the middle, as near as leaves all of its neighbours in view.
function fit(map) {
  const [{ x, y }, ...others] = map.data.marks
  const reach = Math.max(SIDE / 200, ...others.map((mark) => Math.max(Math.abs(mark.x - x), Math.abs(mark.y - y))))
  if (2.4 * reach > SIDE) return showAll(map)
  map.view.zoom = Math.min(FURTHEST, SIDE / (2.4 * reach))
  measureView(map)
  map.frame.dataset.zoomed = "true"
  moveTo(map, x, y)
}

// Brings a place into view when it is not: a glide, so that it is seen where it went.
function bringIntoView(map, x, y) {
  const { view } = map
  const [px, py] = onScreen(view, x, y)
  if (px > 24 && py > 24 && px < view.width - 24 && py < view.height - 24) return map.draw()
  if (calm()) return moveTo(map, x, y)
  const [fromX, fromY, began] = [view.x, view.y, performance.now()]
  const glide = (now) => {
    const share = Math.min(1, Math.max(0, (now - began) / 300))
    const eased = 1 - (1 - share) ** 3
    moveTo(map, fromX + (x - fromX) * eased, fromY + (y - fromY) * eased)
    if (share < 1 && map.gliding === glide) requestAnimationFrame(glide)
  }
  map.gliding = glide
  requestAnimationFrame(glide)
}

// --- mouse and touch ---------------------------------------------------------------------------------------------

function followPointers(map) {
  const { marks } = map
  const down = new Map()
  let travelled = 0
  const at = (event) => {
    const box = marks.getBoundingClientRect()
    return [event.clientX - box.left, event.clientY - box.top]
  }
  const spread = () => {
    const [[ax, ay], [bx, by]] = down.values()
    return [Math.hypot(ax - bx, ay - by), (ax + bx) / 2, (ay + by) / 2]
  }
  marks.addEventListener("pointerdown", (event) => {
    map.gliding = null
    if (down.size === 0) travelled = 0
    down.set(event.pointerId, at(event))
    map.held = true
    if (event.pointerType === "mouse") marks.setPointerCapture(event.pointerId)
  })
  marks.addEventListener("pointermove", (event) => {
    const [px, py] = at(event)
    const before = down.get(event.pointerId)
    if (!before) return map.hover(px, py, event.pointerType)
    const pinched = down.size === 2 && spread()
    down.set(event.pointerId, [px, py])
    travelled += Math.hypot(px - before[0], py - before[1])
    if (pinched) {
      const [apart, x, y] = spread()
      zoomBy(map, apart / Math.max(1, pinched[0]), x, y)
      moveTo(map, map.view.x - (x - pinched[1]) / map.view.scale, map.view.y + (y - pinched[2]) / map.view.scale)
    } else if (travelled > CLICK_PX && (event.pointerType === "mouse" || map.view.zoom > 1)) {
      map.hover(-1, -1)
      moveTo(map, map.view.x - (px - before[0]) / map.view.scale, map.view.y + (py - before[1]) / map.view.scale)
    }
  })
  const up = (event) => {
    const pressed = event.type === "pointerup" && down.size === 1 && down.has(event.pointerId) && travelled <= CLICK_PX
    down.delete(event.pointerId)
    map.held = down.size > 0
    if (map.moving) stillLater(map)
    if (pressed && event.button === 0) map.press(...at(event), event.pointerType === "mouse" ? 12 : 24)
  }
  for (const name of ["pointerup", "pointercancel"]) marks.addEventListener(name, up)
  marks.addEventListener("pointerleave", () => map.hover(-1, -1))
  // Two fingers are the map's; one finger on the whole map scrolls the page, as `touch-action` in map.css says.
  marks.addEventListener("touchmove", (event) => event.touches.length > 1 && event.cancelable && event.preventDefault(), { passive: false })
  // A wheel scrolls the page until the map has been chosen; a pinch on a trackpad arrives with `ctrlKey`.
  marks.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !marks.matches(":focus")) return
    event.preventDefault()
    zoomBy(map, Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.002)), ...at(event))
  }, { passive: false })
}

// --- keyboard ----------------------------------------------------------------------------------------------------

const WALKS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }

function followKeys(map) {
  const keys = {
    "+": () => zoomBy(map, 1.5, ...map.focusPlace()),
    "=": () => zoomBy(map, 1.5, ...map.focusPlace()),
    "-": () => zoomBy(map, 1 / 1.5, ...map.focusPlace()),
    0: () => showAll(map),
    Enter: () => map.pressCursor(),
    " ": () => map.pressCursor(),
    Home: () => map.toQuery(),
    n: () => map.walkMarks(1),
    p: () => map.walkMarks(-1),
  }
  map.marks.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const run = event.key in WALKS ? () => map.walk(WALKS[event.key]) : keys[event.key]
    if (!run) return
    event.preventDefault()
    event.stopPropagation()
    run()
  })
}
