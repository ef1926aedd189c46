// Points of the map and a grid to find them by position. They are stored while the browser tab is open, so Python sends
// them once. Positions are Arrow columns of Streamlit: x and y from 0 to 65535, y upwards.

export const SIDE = 65536
const CELLS = 256
const CELL = SIDE / CELLS

export const store = (window.earshotMap ??= { chart: null, views: new Map(), received: 0 })

export const column = (table, i = 0) => table.getChildAt(i).toArray()

// Stores the part of the map that came with this run; returns the name of the part still missing, or null.
export function receiveParts(data) {
  if (data.points && store.chart?.id !== data.map.id) {
    const [x, y] = [column(data.points, 0), column(data.points, 1)]
    const xy = new Uint16Array(2 * x.length)
    for (let i = 0; i < x.length; i++) {
      xy[2 * i] = x[i]
      xy[2 * i + 1] = y[i]
    }
    const group = column(data.points, 2).slice()
    store.chart = { id: data.map.id, n: x.length, xy, group, groups: data.groups, ordered: data.ordered, words: data.words }
    store.received += xy.byteLength + group.byteLength
  }
  const chart = store.chart
  if (chart?.id !== data.map.id) return "points"
  if (data.ends && !chart.names) {
    chart.ends = column(data.ends).slice()
    chart.labels = column(data.labels).slice()
    chart.names = data.names
    store.received += chart.ends.byteLength + chart.labels.byteLength
  }
  return chart.names ? null : "names"
}

// Returns the labels of a point as text, empty until they have arrived.
export function nameOf(chart, point, maxLabels = 3) {
  if (!chart.names) return ""
  const labels = chart.labels.subarray(point ? chart.ends[point - 1] : 0, chart.ends[point])
  const names = Array.from(labels.subarray(0, maxLabels), (label) => chart.names[label])
  return names.join(" · ") + (labels.length > maxLabels ? " …" : "") || "no label"
}

// Returns one byte per point: 1 if it carries the label, or for all points if label is null.
export function pointsWithLabel(chart, label) {
  const withLabel = new Uint8Array(chart.n).fill(label === null ? 1 : 0)
  if (label === null || !chart.names) return withLabel
  for (let point = 0, at = 0; point < chart.n; point++)
    for (; at < chart.ends[point]; at++) if (chart.labels[at] === label) withLabel[point] = 1
  return withLabel
}

// Sets the bytes of points to 0 whose bits are not set; the first point has the highest bit of the first byte.
export function leaveOut(withLabel, bits) {
  for (let point = 0; point < withLabel.length; point++) if (!((bits[point >> 3] >> (7 - (point & 7))) & 1)) withLabel[point] = 0
}

// Returns the points sorted by square cell, and where each cell starts.
function gridOf(chart) {
  if (chart.grid) return chart.grid
  const { n, xy } = chart
  const starts = new Uint32Array(CELLS * CELLS + 1)
  const cell = (i) => (xy[2 * i + 1] >> 8) * CELLS + (xy[2 * i] >> 8)
  for (let i = 0; i < n; i++) starts[cell(i) + 1]++
  for (let c = 0; c < CELLS * CELLS; c++) starts[c + 1] += starts[c]
  const order = new Uint32Array(n)
  const next = starts.slice()
  for (let i = 0; i < n; i++) order[next[cell(i)]++] = i
  return (chart.grid = { starts, order })
}

function eachWithin(chart, x, y, reach, visit) {
  const { starts, order } = gridOf(chart)
  const clip = (at) => Math.max(0, Math.min(CELLS - 1, Math.floor(at / CELL)))
  const [left, right, low, high] = [clip(x - reach), clip(x + reach), clip(y - reach), clip(y + reach)]
  for (let row = low; row <= high; row++)
    for (let at = starts[row * CELLS + left]; at < starts[row * CELLS + right + 1]; at++) visit(order[at])
}

// Returns the nearest point that `wanted` accepts within `reach`, -1 if there is none.
export function nearest(chart, x, y, reach, wanted) {
  let [best, least] = [-1, reach * reach]
  eachWithin(chart, x, y, reach, (i) => {
    const [dx, dy] = [chart.xy[2 * i] - x, chart.xy[2 * i + 1] - y]
    const squared = dx * dx + dy * dy
    if (squared <= least && wanted(i)) [best, least] = [i, squared]
  })
  return best
}

// Returns the next point in a direction, at least `step` away, preferring points that are near and straight ahead.
export function nextTowards(chart, x, y, [alongX, alongY], step, wanted) {
  for (let reach = 4 * step; reach < 4 * SIDE; reach *= 4) {
    let [best, least] = [-1, Infinity]
    eachWithin(chart, x, y, reach, (i) => {
      const [dx, dy] = [chart.xy[2 * i] - x, chart.xy[2 * i + 1] - y]
      const ahead = dx * alongX + dy * alongY
      const aside = Math.abs(dx * alongY - dy * alongX)
      const cost = ahead + 3 * aside
      if (ahead >= step && aside <= ahead && cost < least && wanted(i)) [best, least] = [i, cost]
    })
    if (best >= 0) return best
  }
  return -1
}
