// Geometry of LSH on a plane: a line {angle, offset} has the points with x·cos + y·sin > offset on its far side.

const K_NEAREST = 10

export const farSide = (line, p) => heightOver(line, p) > 0
export const keyOf = (lines, p) => lines.map((line) => (farSide(line, p) ? "1" : "0")).join("")

// Returns which points are candidates, by the union of the query's buckets over all tables, and which neighbours are missed.
export function classify(tables, query, points, nearest) {
  const candidate = points.map((p) => tables.some((lines) => keyOf(lines, p) === keyOf(lines, query)))
  const found = nearest.filter((i) => candidate[i])
  return { candidate, lookedAt: candidate.filter(Boolean).length, found: found.length, missed: nearest.filter((i) => !candidate[i]) }
}

export function nearestTo(query, points) {
  const squaredDistance = (p) => (p.x - query.x) ** 2 + (p.y - query.y) ** 2
  return points.map((_, i) => i).sort((a, b) => squaredDistance(points[a]) - squaredDistance(points[b]) || a - b).slice(0, K_NEAREST)
}

// Return the line through a point at an angle, and the line through two points.
export const lineAt = (angle, p) => ({ angle, offset: p.x * Math.cos(angle) + p.y * Math.sin(angle) })
export const lineThrough = (a, b) => lineAt(Math.atan2(b.y - a.y, b.x - a.x) + Math.PI / 2, a)

// Returns the convex cells into which lines divide a polygon, each with its key.
export function cellsOf(lines, polygon) {
  let cells = [{ key: "", polygon }]
  for (const line of lines) {
    cells = cells.flatMap(({ key, polygon }) =>
      ["0", "1"].map((bit) => ({ key: key + bit, polygon: cut(polygon, line, bit === "1") })).filter((cell) => cell.polygon.length > 2),
    )
  }
  return cells
}

const heightOver = (line, p) => p.x * Math.cos(line.angle) + p.y * Math.sin(line.angle) - line.offset

// Returns where a line crosses the edge from p to next; null if both ends are on one side.
function crossing(line, p, next) {
  const [here, there] = [heightOver(line, p), heightOver(line, next)]
  if (here * there >= 0) return null
  const share = here / (here - there)
  return { x: p.x + share * (next.x - p.x), y: p.y + share * (next.y - p.y) }
}

const edges = (polygon) => polygon.map((p, i) => [p, polygon[(i + 1) % polygon.length]])

function cut(polygon, line, keepFar) {
  const kept = (p) => (keepFar ? heightOver(line, p) > 0 : heightOver(line, p) <= 0)
  return edges(polygon).flatMap(([p, next]) => [kept(p) ? p : null, crossing(line, p, next)].filter(Boolean))
}

// Returns the two points at which a line leaves a box, or null if it does not cross it.
export function ends(line, box) {
  const crossings = edges(box).map(([p, next]) => crossing(line, p, next)).filter(Boolean)
  return crossings.length === 2 ? crossings : null
}
