// Painters of the points: with WebGL, or on a 2D canvas where the browser has no WebGL.
// A picture is {size, filtered, group, withLabel, colours, faded}: the group shown (-1: all), one byte per point that says
// whether it carries the chosen label and the filter allows it, colours as [r, g, b, alpha] from 0 to 1, and the colour of points filtered out.

import { SIDE } from "./map_points.js"

const VERTEX_SHADER = `
attribute vec2 place; attribute float group; attribute float withLabel;
uniform vec2 middle; uniform vec2 scale; uniform mediump float size; uniform float groupShown; uniform float foreground;
uniform vec4 colours[8]; uniform vec4 faded;
varying vec4 colour;
void main() {
  float is_faded = (withLabel < 0.5 || (groupShown >= 0.0 && abs(group - groupShown) > 0.5)) ? 1.0 : 0.0;
  gl_Position = is_faded == foreground ? vec4(2.0, 2.0, 2.0, 1.0) : vec4((place - middle) * scale, 0.0, 1.0);
  gl_PointSize = size;
  colour = foreground > 0.5 ? colours[int(group + 0.5)] : faded;
}`
const FRAGMENT_SHADER = `
precision mediump float;
varying vec4 colour;
uniform mediump float size;
void main() {
  float edge = size < 2.5 ? 1.0 : smoothstep(0.5, 0.5 - 1.0 / size, length(gl_PointCoord - 0.5));
  gl_FragColor = vec4(colour.rgb, colour.a * edge);
}`

// Refuses WebGL that the processor emulates, where the browser reports that.
export function webglPainter(canvas, chart) {
  const options = { antialias: false, depth: false, premultipliedAlpha: false, failIfMajorPerformanceCaveat: true }
  const gl = canvas.getContext("webgl", options)
  if (!gl) return null
  const program = gl.createProgram()
  for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX_SHADER], [gl.FRAGMENT_SHADER, FRAGMENT_SHADER]]) {
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
  attribute("group", chart.group, 1, gl.UNSIGNED_BYTE, false)
  let withLabel = null
  const labelBuffer = attribute("withLabel", new Uint8Array(chart.n), 1, gl.UNSIGNED_BYTE, false)

  function paint(view, picture, n) {
    gl.viewport(0, 0, canvas.width, canvas.height)
    gl.clearColor(0, 0, 0, 0)
    gl.clear(gl.COLOR_BUFFER_BIT)
    if (withLabel !== picture.withLabel) {
      withLabel = picture.withLabel
      gl.bindBuffer(gl.ARRAY_BUFFER, labelBuffer)
      gl.bufferSubData(gl.ARRAY_BUFFER, 0, withLabel)
    }
    gl.uniform2f(at("middle"), view.x / SIDE, view.y / SIDE)
    gl.uniform2f(at("scale"), (2 * SIDE * view.scale) / view.width, (2 * SIDE * view.scale) / view.height)
    gl.uniform1f(at("size"), picture.size * view.dots)
    gl.uniform1f(at("groupShown"), picture.group)
    gl.uniform4fv(at("colours"), picture.colours.flat())
    gl.uniform4fv(at("faded"), picture.faded)
    for (const foreground of picture.filtered ? [0, 1] : [1]) {
      gl.uniform1f(at("foreground"), foreground)
      gl.drawArrays(gl.POINTS, 0, n)
    }
  }
  return { name: "webgl", paint }
}

export function canvasPainter(canvas, chart) {
  const pen = canvas.getContext("2d")
  const bytes = ([r, g, b, alpha]) => ((255 * alpha) << 24) | ((255 * b) << 16) | ((255 * g) << 8) | (255 * r)
  let image = null

  function paint(view, picture, n) {
    const [width, height] = [canvas.width, canvas.height]
    if (image?.width !== width || image?.height !== height) image = pen.createImageData(width, height)
    const pixels = new Uint32Array(image.data.buffer).fill(0)
    const [scale, side] = [view.scale * view.dots, Math.max(1, Math.round(picture.size * view.dots * 0.9))]
    const [left, top] = [width / 2 - view.x * scale - side / 2, height / 2 + view.y * scale - side / 2]
    const colours = [...picture.colours, picture.faded].map(bytes)
    for (const foreground of picture.filtered ? [false, true] : [true]) {
      for (let i = 0; i < n; i++) {
        const shown = picture.withLabel[i] && (picture.group < 0 || chart.group[i] === picture.group)
        if (Boolean(shown) !== foreground) continue
        const px = Math.round(left + chart.xy[2 * i] * scale)
        const py = Math.round(top - chart.xy[2 * i + 1] * scale)
        if (px < 0 || py < 0 || px + side > width || py + side > height) continue
        const colour = colours[foreground ? chart.group[i] : 8]
        for (let row = py; row < py + side; row++) pixels.fill(colour, row * width + px, row * width + px + side)
      }
    }
    pen.putImageData(image, 0, 0)
  }
  return { name: "canvas", paint }
}
