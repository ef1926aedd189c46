// Clicks on the cells of the heat map. Plotly's selection, which Streamlit reports, redraws the chart at each choice, does
// not report a second click on the same cell, and blocks scrolling by touch; its click event does none of that.

const handlers = new WeakMap() // chart -> handler of a clicked cell

export default function cells({ data: [data], parentElement: root, setTriggerValue }) {
  root.querySelector("p")?.remove()
  const hint = document.createElement("p")
  hint.textContent = data.hint
  root.append(hint)
  const within = `.st-key-${data.within} .js-plotly-plot`

  function listen(event) {
    const chart = event.target.closest?.(within)
    if (!chart?.on) return
    if (!handlers.has(chart)) {
      chart.on("plotly_click", ({ points }) => {
        const cell = points.find((point) => point.data.type === "heatmap")
        if (cell) handlers.get(chart)([cell.x, cell.y])
      })
    }
    handlers.set(chart, (cell) => setTriggerValue("cell", cell))
  }

  for (const event of ["mousedown", "touchstart"]) document.addEventListener(event, listen, { capture: true, passive: true })
  return () => {
    for (const event of ["mousedown", "touchstart"]) document.removeEventListener(event, listen, { capture: true })
  }
}
