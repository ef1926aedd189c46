// Clicks on the cells of the heat map: Plotly's own selection would draw the chart anew at every choice, tell nothing
// of a second click on the same cell, and hold a thumb that scrolls; its click event does none of that.

const heard = new WeakMap() // chart -> what to tell

export default function cells({ data, parentElement: root, setTriggerValue }) {
  root.querySelector("p")?.remove()
  const hint = document.createElement("p")
  hint.textContent = data.hint
  root.append(hint)
  const within = `.st-key-${data.within} .js-plotly-plot`

  function listen(event) {
    const chart = event.target.closest?.(within)
    if (!chart?.on) return
    if (!heard.has(chart)) {
      chart.on("plotly_click", ({ points }) => {
        const cell = points.find((point) => point.data.type === "heatmap")
        if (cell) heard.get(chart)([cell.x, cell.y])
      })
    }
    heard.set(chart, (cell) => setTriggerValue("cell", cell))
  }

  for (const event of ["mousedown", "touchstart"]) document.addEventListener(event, listen, { capture: true, passive: true })
  return () => {
    for (const event of ["mousedown", "touchstart"]) document.removeEventListener(event, listen, { capture: true })
  }
}
