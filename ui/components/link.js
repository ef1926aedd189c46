// Button that copies the address of this view. Where the browser refuses access to the clipboard (a page without https, a
// missing permission), the address is shown in a field instead, selected, to be copied by hand.

import { icon, make, stateOf } from "./base.js"

const CONFIRMATION_MS = 2500
const LABEL = "Copy link"

export default function link({ data: [data], parentElement: root }) {
  const it = stateOf(root, build)
  it.view = data.view
  if (!it.field.hidden && it.field.value !== addressOf(it.view)) close(it)
}

function build(root) {
  const it = { label: make("span", {}, LABEL), timer: null }
  it.button = make("button", { class: "copy", title: "The address of exactly this view.", onclick: () => copy(it) }, icon("link"), it.label)
  it.field = make("input", { readonly: true, hidden: true, "aria-label": "The link to this view, to be copied by hand" })
  it.field.addEventListener("focus", () => it.field.select())
  it.field.addEventListener("keydown", (event) => event.key === "Escape" && (close(it), it.button.focus()))
  it.status = make("span", { class: "visually-hidden", role: "status" })
  root.append(make("div", { class: "earshot link" }, it.button, it.field, it.status))
  return it
}

// The address bar, with the values that it omits as defaults: they may be others for whoever opens the link.
function addressOf(view) {
  const url = new URL(location.href)
  for (const [name, value] of Object.entries(view)) if (!url.searchParams.get(name)) url.searchParams.set(name, value)
  url.hash = ""
  return url.href
}

async function copy(it) {
  const address = addressOf(it.view)
  try {
    await navigator.clipboard.writeText(address)
    confirm(it)
  } catch {
    copyByField(it, address)
  }
}

function copyByField(it, address) {
  it.field.value = address
  it.field.hidden = false
  it.button.hidden = true
  it.field.focus()
  it.field.select()
  if (!document.execCommand("copy")) return setStatus(it, "Your browser does not allow copying: copy the selected link by hand.", "small")
  close(it)
  it.button.focus()
  confirm(it)
}

function close(it) {
  it.field.hidden = true
  it.button.hidden = false
  setStatus(it, "")
}

function confirm(it) {
  setStatus(it, "The link to this view is copied.")
  it.label.textContent = "Copied"
  it.button.classList.add("done")
  clearTimeout(it.timer)
  it.timer = setTimeout(() => {
    it.label.textContent = LABEL
    it.button.classList.remove("done")
    setStatus(it, "")
  }, CONFIRMATION_MS)
}

// Sets the text for screen readers; with another class name it is visible, too.
function setStatus(it, text, className = "visually-hidden") {
  it.status.className = className
  it.status.textContent = text
}
