// View of the map: pan and zoom by mouse, touch and keyboard.

import { closeCard, focusPosition, hover, listView, listWithin, moveCursor, moveCursorToMark, pointAt, select, setCursor } from "./map.js"
import { SIDE } from "./map_points.js"

const MAX_ZOOM = 400
const CLICK_PX = 4
const STILL_MS = 160
const reducedMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches

export const wholeView = () => ({ x: SIDE / 2, y: SIDE / 2, zoom: 1 })

// Computes the scale of a view in its frame: CSS pixels per map unit, and device pixels per CSS pixel.
export function measureView(map) {
  const { view, frame } = map
  view.width = Math.max(1, frame.clientWidth)
  view.height = Math.max(1, frame.clientHeight)
  view.dots = Math.min(2, window.devicePixelRatio || 1)
  view.scale = (view.zoom * Math.min(view.width, view.height)) / SIDE
}

export const toScreen = (view, x, y) => [(x - view.x) * view.scale + view.width / 2, (view.y - y) * view.scale + view.height / 2]
export const toMap = (view, px, py) => [view.x + (px - view.width / 2) / view.scale, view.y - (py - view.height / 2) / view.scale]

function moveTo(map, x, y) {
  const { view } = map
  const slack = SIDE * (0.5 - 0.5 / view.zoom) + SIDE / 8
  view.x = Math.max(SIDE / 2 - slack, Math.min(SIDE / 2 + slack, x))
  view.y = Math.max(SIDE / 2 - slack, Math.min(SIDE / 2 + slack, y))
  map.moving = true
  redrawWhenStill(map)
  map.draw()
}

// Draws all points a moment after the last movement or drawing. Two frames must pass as well, since a slow machine is still
// busy with the drawing before.
export function redrawWhenStill(map) {
  clearTimeout(map.still)
  const timer = (map.timer = (map.timer ?? 0) + 1)
  const nextFrame = (then) => requestAnimationFrame(() => map.timer === timer && then())
  map.still = setTimeout(() => nextFrame(() => nextFrame(() => ((map.moving = map.held) || map.draw()))), STILL_MS)
}

export function setZoom(map, zoom) {
  map.view.zoom = Math.max(1, Math.min(MAX_ZOOM, zoom))
  measureView(map)
  map.frame.dataset.zoomed = String(map.view.zoom > 1)
}

// Zooms around the pixel (px, py).
export function zoomBy(map, factor, px = map.view.width / 2, py = map.view.height / 2) {
  const { view } = map
  const [x, y] = toMap(view, px, py)
  setZoom(map, view.zoom * factor)
  moveTo(map, x - (px - view.width / 2) / view.scale, y + (py - view.height / 2) / view.scale)
}

export function showAll(map) {
  setZoom(map, 1)
  moveTo(map, SIDE / 2, SIDE / 2)
}

// Centres the query, at the largest zoom that shows all of its neighbours.
export function fit(map) {
  const [{ x, y }, ...others] = map.data.marks
  const reach = Math.max(SIDE / 200, ...others.map((mark) => Math.max(Math.abs(mark.x - x), Math.abs(mark.y - y))))
  if (2.4 * reach > SIDE) return showAll(map)
  setZoom(map, SIDE / (2.4 * reach))
  moveTo(map, x, y)
}

// Moves the view to a position that is not visible, animated unless the user prefers reduced motion.
export function bringIntoView(map, x, y) {
  const { view } = map
  const [px, py] = toScreen(view, x, y)
  if (px > 24 && py > 24 && px < view.width - 24 && py < view.height - 24) return map.draw()
  if (reducedMotion()) return moveTo(map, x, y)
  const [fromX, fromY, began] = [view.x, view.y, performance.now()]
  const animate = (now) => {
    const progress = Math.min(1, Math.max(0, (now - began) / 300))
    const eased = 1 - (1 - progress) ** 3
    moveTo(map, fromX + (x - fromX) * eased, fromY + (y - fromY) * eased)
    if (progress < 1 && map.animation === animate) requestAnimationFrame(animate)
  }
  map.animation = animate
  requestAnimationFrame(animate)
}

// --- mouse and touch ---------------------------------------------------------------------------------------------

export function followPointers(map) {
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
    map.animation = null
    if (down.size === 0) travelled = 0
    down.set(event.pointerId, at(event))
    map.held = true
    map.outline = (map.draws || event.shiftKey) && down.size === 1 && map.chart ? [toMap(map.view, ...at(event))] : null
    marks.style.touchAction = map.outline ? "none" : ""
    if (event.pointerType === "mouse") marks.setPointerCapture(event.pointerId)
  })
  marks.addEventListener("pointermove", (event) => {
    const [px, py] = at(event)
    const before = down.get(event.pointerId)
    if (!before) return hover(map, px, py, event.pointerType)
    const pinched = down.size === 2 && spread()
    down.set(event.pointerId, [px, py])
    travelled += Math.hypot(px - before[0], py - before[1])
    if (map.outline) {
      map.outline.push(toMap(map.view, px, py))
      map.draw()
    } else if (pinched) {
      const [distance, x, y] = spread()
      zoomBy(map, distance / Math.max(1, pinched[0]), x, y)
      moveTo(map, map.view.x - (x - pinched[1]) / map.view.scale, map.view.y + (y - pinched[2]) / map.view.scale)
    } else if (travelled > CLICK_PX && (event.pointerType === "mouse" || map.view.zoom > 1)) {
      hover(map, -1, -1)
      moveTo(map, map.view.x - (px - before[0]) / map.view.scale, map.view.y + (py - before[1]) / map.view.scale)
    }
  })
  const up = (event) => {
    const pressed = event.type === "pointerup" && down.size === 1 && down.has(event.pointerId) && travelled <= CLICK_PX
    down.delete(event.pointerId)
    map.held = down.size > 0
    if (map.moving) redrawWhenStill(map)
    const { outline } = map
    map.outline = null
    if (outline) map.draw()
    if (outline?.length > 2 && event.type === "pointerup" && travelled > CLICK_PX) return listWithin(map, outline)
    if (pressed && event.button === 0) select(map, pointAt(map, ...at(event), event.pointerType === "mouse" ? 12 : 24))
  }
  for (const name of ["pointerup", "pointercancel"]) marks.addEventListener(name, up)
  marks.addEventListener("pointerleave", () => hover(map, -1, -1))
  // Two fingers move the map; one finger scrolls the page while the whole map is shown (`touch-action` in map.css).
  marks.addEventListener("touchmove", (event) => event.touches.length > 1 && event.cancelable && event.preventDefault(), { passive: false })
  // The wheel scrolls the page until the map has the focus; a pinch on a trackpad arrives as a wheel with `ctrlKey`.
  marks.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !marks.matches(":focus")) return
    event.preventDefault()
    zoomBy(map, Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.002)), ...at(event))
  }, { passive: false })
}

// --- keyboard ----------------------------------------------------------------------------------------------------

const DIRECTIONS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }

export function followKeys(map) {
  const keys = {
    "+": () => zoomBy(map, 1.5, ...focusPosition(map)),
    "=": () => zoomBy(map, 1.5, ...focusPosition(map)),
    "-": () => zoomBy(map, 1 / 1.5, ...focusPosition(map)),
    0: () => showAll(map),
    Enter: () => select(map, map.cursor),
    " ": () => select(map, map.cursor),
    Escape: () => map.panel.hidden || closeCard(map),
    Home: () => setCursor(map, map.data.marks[0].point),
    n: () => moveCursorToMark(map, 1),
    p: () => moveCursorToMark(map, -1),
    v: () => listView(map),
  }
  map.marks.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const run = event.key in DIRECTIONS ? () => moveCursor(map, DIRECTIONS[event.key]) : keys[event.key]
    if (!run) return
    event.preventDefault()
    event.stopPropagation()
    run()
  })
}
