// A button that copies the address of what is on the page. Where a browser keeps the clipboard to itself (a page without
// https, a permission refused), the address stands in a field in the button's place, selected, to be copied by hand.

const TOLD_MS = 2500
const LABEL = "Copy link"
const links = new WeakMap()

export default function link({ data, parentElement: root }) {
  if (!links.has(root)) links.set(root, build(root))
  const it = links.get(root)
  it.view = data.view
  if (!it.field.hidden && it.field.value !== addressOf(it.view)) close(it)
}

function build(root) {
  const it = { words: make("span", {}, LABEL), told: null }
  it.button = make("button", { class: "copy", title: "The address of exactly this view.", onclick: () => copy(it) }, picture("link"), it.words)
  it.field = make("input", { readonly: true, hidden: true, "aria-label": "The link to this view, to be copied by hand" })
  it.field.addEventListener("focus", () => it.field.select())
  it.field.addEventListener("keydown", (event) => event.key === "Escape" && (close(it), it.button.focus()))
  it.live = make("span", { class: "unseen", role: "status" })
  root.append(make("div", { class: "room link" }, it.button, it.field, it.live))
  return it
}

// The address bar, with what it leaves out because it is a first choice here, and may be another one elsewhere.
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
    tell(it, "Copied")
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
  if (!document.execCommand("copy")) return say(it, "Your browser keeps the clipboard to itself: copy the selected link by hand.", "small")
  close(it)
  it.button.focus()
  tell(it, "Copied")
}

function close(it) {
  it.field.hidden = true
  it.button.hidden = false
  say(it, "")
}

function tell(it, words) {
  say(it, "The link to this view is copied.")
  it.words.textContent = words
  it.button.classList.add("done")
  clearTimeout(it.told)
  it.told = setTimeout(() => {
    it.words.textContent = LABEL
    it.button.classList.remove("done")
    say(it, "")
  }, TOLD_MS)
}

// Says something aloud; a `look` shows it, too.
function say(it, words, look = "unseen") {
  it.live.className = look
  it.live.textContent = words
}
