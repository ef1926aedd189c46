// The points of a map, found quickly by their place. They are kept while the page is open, whichever page of the app is
// in view, so Python sends them once. Places are Streamlit's Arrow columns: x and y from 0 to 65535, y upwards.

const SIDE = 65536
const CELLS = 256
const CELL = SIDE / CELLS

const atlas = (window.earshotMap ??= { chart: null, views: new Map(), received: 0 })

const column = (table, i = 0) => table.getChildAt(i).toArray()

// Keeps whatever part of the map came with this run, and says which one is lacking.
function takeChart(data) {
  if (data.points && atlas.chart?.id !== data.map.id) {
    const [x, y] = [column(data.points, 0), column(data.points, 1)]
    const xy = new Uint16Array(2 * x.length)
    for (let i = 0; i < x.length; i++) {
      xy[2 * i] = x[i]
      xy[2 * i + 1] = y[i]
    }
    const branch = column(data.points, 2).slice()
    atlas.chart = { id: data.map.id, n: x.length, xy, branch, branches: data.branches, words: data.words }
    atlas.received += xy.byteLength + branch.byteLength
  }
  const chart = atlas.chart
  if (chart?.id !== data.map.id) return "points"
  if (data.ends && !chart.names) {
    chart.ends = column(data.ends).slice()
    chart.labels = column(data.labels).slice()
    chart.names = data.names
    atlas.received += chart.ends.byteLength + chart.labels.byteLength
  }
  return chart.names ? null : "names"
}

// Names a point by its labels, once they have come.
function nameOf(chart, point, most = 3) {
  if (!chart.names) return ""
  const labels = chart.labels.subarray(point ? chart.ends[point - 1] : 0, chart.ends[point])
  const names = Array.from(labels.subarray(0, most), (label) => chart.names[label])
  return names.join(" · ") + (labels.length > most ? " …" : "") || "no label"
}

// Marks with 1 the points that carry a label, all of them without one.
function litBy(chart, label) {
  const lit = new Uint8Array(chart.n).fill(label === null ? 1 : 0)
  if (label === null || !chart.names) return lit
  for (let point = 0, at = 0; point < chart.n; point++)
    for (; at < chart.ends[point]; at++) if (chart.labels[at] === label) lit[point] = 1
  return lit
}

// Sorts the points into square cells, each cell's points one after another.
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

// The nearest point that `wanted` accepts, not further than `reach`; -1 when there is none.
function nearest(chart, x, y, reach, wanted) {
  let [best, least] = [-1, reach * reach]
  eachWithin(chart, x, y, reach, (i) => {
    const [dx, dy] = [chart.xy[2 * i] - x, chart.xy[2 * i + 1] - y]
    const apart = dx * dx + dy * dy
    if (apart <= least && wanted(i)) [best, least] = [i, apart]
  })
  return best
}

// The next point in a direction, at least `step` away: near and straight ahead before far and aside.
function nextTowards(chart, x, y, [alongX, alongY], step, wanted) {
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
