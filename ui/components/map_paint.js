// Two ways to paint the points: on the graphics card, or by hand where a browser has none to offer.
// A picture is {size, faint, only, lit, colours, ghost}: the branch that stands out (-1: all), a byte a point that says
// whether it does, colours as [r, g, b, alpha] from 0 to 1, and the one of the points that stand back.

const PLACES = `
attribute vec2 place; attribute float branch; attribute float lit;
uniform vec2 middle; uniform vec2 scale; uniform mediump float size; uniform float only; uniform float standing;
uniform vec4 colours[8]; uniform vec4 ghost;
varying vec4 colour;
void main() {
  float out_of_it = (lit < 0.5 || (only >= 0.0 && abs(branch - only) > 0.5)) ? 1.0 : 0.0;
  gl_Position = out_of_it == standing ? vec4(2.0, 2.0, 2.0, 1.0) : vec4((place - middle) * scale, 0.0, 1.0);
  gl_PointSize = size;
  colour = standing > 0.5 ? colours[int(branch + 0.5)] : ghost;
}`
const DOTS = `
precision mediump float;
varying vec4 colour;
uniform mediump float size;
void main() {
  float edge = size < 2.5 ? 1.0 : smoothstep(0.5, 0.5 - 1.0 / size, length(gl_PointCoord - 0.5));
  gl_FragColor = vec4(colour.rgb, colour.a * edge);
}`

// A card that is itself imitated by the processor is refused, where the browser admits it.
function glPainter(canvas, chart) {
  const wish = { antialias: false, depth: false, premultipliedAlpha: false, failIfMajorPerformanceCaveat: true }
  const gl = canvas.getContext("webgl", wish)
  if (!gl) return null
  const program = gl.createProgram()
  for (const [kind, source] of [[gl.VERTEX_SHADER, PLACES], [gl.FRAGMENT_SHADER, DOTS]]) {
    const shader = gl.createShader(kind)
    gl.shaderSource(shader, source)
    gl.compileShader(shader)
    gl.attachShader(program, shader)
  }
  gl.linkProgram(program)
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) return null
  gl.useProgram(program)
  gl.enable(gl.BLEND)
  gl.blendFuncSeparate(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA, gl.ONE, gl.ONE_MINUS_SRC_ALPHA)
  const at = (name) => gl.getUniformLocation(program, name)
  const attribute = (name, values, size, type, normal) => {
    const buffer = gl.createBuffer()
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer)
    gl.bufferData(gl.ARRAY_BUFFER, values, gl.STATIC_DRAW)
    const place = gl.getAttribLocation(program, name)
    gl.enableVertexAttribArray(place)
    gl.vertexAttribPointer(place, size, type, normal, 0, 0)
    return buffer
  }
  attribute("place", chart.xy, 2, gl.UNSIGNED_SHORT, true)
  attribute("branch", chart.branch, 1, gl.UNSIGNED_BYTE, false)
  let lit = null
  const litBuffer = attribute("lit", new Uint8Array(chart.n), 1, gl.UNSIGNED_BYTE, false)

  function paint(view, picture, n) {
    gl.viewport(0, 0, canvas.width, canvas.height)
    gl.clearColor(0, 0, 0, 0)
    gl.clear(gl.COLOR_BUFFER_BIT)
    if (lit !== picture.lit) {
      lit = picture.lit
      gl.bindBuffer(gl.ARRAY_BUFFER, litBuffer)
      gl.bufferSubData(gl.ARRAY_BUFFER, 0, lit)
    }
    gl.uniform2f(at("middle"), view.x / SIDE, view.y / SIDE)
    gl.uniform2f(at("scale"), (2 * SIDE * view.scale) / view.width, (2 * SIDE * view.scale) / view.height)
    gl.uniform1f(at("size"), picture.size * view.dots)
    gl.uniform1f(at("only"), picture.only)
    gl.uniform4fv(at("colours"), picture.colours.flat())
    gl.uniform4fv(at("ghost"), picture.ghost)
    for (const standing of picture.faint ? [0, 1] : [1]) {
      gl.uniform1f(at("standing"), standing)
      gl.drawArrays(gl.POINTS, 0, n)
    }
  }
  return { name: "webgl", paint }
}

function handPainter(canvas, chart) {
  const pen = canvas.getContext("2d")
  const bytes = ([r, g, b, alpha]) => ((255 * alpha) << 24) | ((255 * b) << 16) | ((255 * g) << 8) | (255 * r)
  let image = null

  function paint(view, picture, n) {
    const [width, height] = [canvas.width, canvas.height]
    if (image?.width !== width || image?.height !== height) image = pen.createImageData(width, height)
    const pixels = new Uint32Array(image.data.buffer).fill(0)
    const [scale, side] = [view.scale * view.dots, Math.max(1, Math.round(picture.size * view.dots * 0.9))]
    const [left, top] = [width / 2 - view.x * scale - side / 2, height / 2 + view.y * scale - side / 2]
    const inks = [...picture.colours, picture.ghost].map(bytes)
    for (const standing of picture.faint ? [false, true] : [true]) {
      for (let i = 0; i < n; i++) {
        const stands = picture.lit[i] && (picture.only < 0 || chart.branch[i] === picture.only)
        if (Boolean(stands) !== standing) continue
        const px = Math.round(left + chart.xy[2 * i] * scale)
        const py = Math.round(top - chart.xy[2 * i + 1] * scale)
        if (px < 0 || py < 0 || px + side > width || py + side > height) continue
        const ink = inks[standing ? chart.branch[i] : 8]
        for (let row = py; row < py + side; row++) pixels.fill(ink, row * width + px, row * width + px + side)
      }
    }
    pen.putImageData(image, 0, 0)
  }
  return { name: "canvas", paint }
}
