// Loads a component's script and styles, which the browser keeps, and then draws it. SCRIPT, STYLES and VERSION stand before
// this text, which Streamlit sends with each component; nothing else of a component is sent again.

const MAX_TRIES = 5
const main = document.querySelector('script[type="module"][src*="/static/js/"]')?.src ?? ""
const root = new URL(main.replace(/static\/js\/[^/]*$/, ""), location.origin)
const sheets = (window.earshotStyles ??= new Map()) // by address, shared by all components
let loading = null

// Another attempt has addresses of its own, since browsers may remember one that failed.
async function load(attempt = 1) {
  const folder = new URL(`components/${VERSION}${attempt > 1 ? `.${attempt}` : ""}/`, root).href
  try {
    const [script, ...styles] = await Promise.all([import(folder + SCRIPT), ...STYLES.map((name) => sheet(folder + name))])
    return { draw: script.default, styles }
  } catch (error) {
    if (attempt === MAX_TRIES) throw error
    await new Promise((resolve) => setTimeout(resolve, 500 * attempt))
    return load(attempt + 1)
  }
}

function sheet(address) {
  if (!sheets.has(address)) sheets.set(address, fetchSheet(address).catch((error) => (sheets.delete(address), Promise.reject(error))))
  return sheets.get(address)
}

async function fetchSheet(address) {
  const answer = await fetch(address)
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`)
  return new CSSStyleSheet().replace(await answer.text())
}

export default async function draw(component) {
  const loaded = await (loading ??= load().catch((error) => ((loading = null), Promise.reject(error))))
  const at = component.parentElement
  if (at.adoptedStyleSheets.length === 0) at.adoptedStyleSheets = loaded.styles
  return loaded.draw(component)
}
