// Keys of every page: a list of them, a link that skips the sidebar, and keys of one letter that base.js answers.
// It stands in the HTML page itself, so that it works before anything is drawn. Of Streamlit's elements, it lets the keyboard
// scroll wide tables and code, and gives the file upload, which has a name, a role that may have one.

;(() => {
  const STORED_AS = "earshot.letters" // in localStorage: "off" where the keys of one letter are switched off
  const KEYS = { // by group: keys, and what they do; a letter is that of a key of the whole page
    "Everywhere": [["?", "this list"], ["/", "find a sound by name"], ["Shift ↑", "louder"], ["Shift ↓", "softer"], ["Ctrl Z", "undo what was kept or hidden"]],
    "Sounds": [["A", "play all, or stop"], ["X", "A/B: your sound and the one played last, in turn"], ["L", "loop short sounds"], ["S", "spectrogram or waveform"]],
    "On a sound of a list": [["↓ ↑", "the next or the one before, and play it"], ["Space", "play or pause"], ["Enter", "find similar"], ["Tab", "its buttons"]],
    "On the map": [["← ↑ ↓ →", "from clip to clip"], ["N P", "from neighbour to neighbour"], ["Home", "your sound"], ["Enter", "play"], ["V", "list the clips in view"], ["+ − 0", "zoom in, out, show everything"], ["Esc", "close the card"]],
    "On tabs and sliders": [["← →", "the next or the one before"]],
  }
  const LETTERS = ["a", "x", "l", "s"]

  const make = (tag, attributes, ...children) => {
    const element = document.createElement(tag)
    Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value))
    element.append(...children)
    return element
  }
  const isOn = () => {
    try {
      return localStorage.getItem(STORED_AS) !== "off"
    } catch {
      return true
    }
  }
  const turn = (on) => {
    try {
      on ? localStorage.removeItem(STORED_AS) : localStorage.setItem(STORED_AS, "off")
    } catch {
      // the browser stores nothing for this page
    }
  }

  // Returns the first element that matches, those within components included.
  function find(selector, root = document) {
    const hosts = () => [...root.querySelectorAll("*")].filter((element) => element.shadowRoot)
    return root.querySelector(selector) ?? hosts().reduce((found, host) => found ?? find(selector, host.shadowRoot), null)
  }

  function skip(event) {
    event.preventDefault()
    const target = find('.neighbours:not(.clip-list) .card[tabindex="0"]') ?? find('.map .marks') ?? find("h1")
    if (!target) return
    if (!target.hasAttribute("tabindex")) target.tabIndex = -1
    target.focus()
  }

  function openList() {
    if (document.querySelector("dialog.earshot-keys")) return
    const groups = Object.entries(KEYS).map(([name, keys]) =>
      make("section", {}, make("h3", {}, name), make("dl", {}, ...keys.map(([key, does]) => make("div", {}, make("dt", {}, ...key.split(" ").map((one) => make("kbd", {}, one))), make("dd", {}, does))))))
    const letters = make("input", { type: "checkbox" })
    letters.checked = isOn()
    letters.addEventListener("change", () => turn(letters.checked))
    const close = make("button", { type: "button", autofocus: "" }, "Close")
    const dialog = make("dialog", { class: "earshot-keys", "aria-labelledby": "earshot-keys" }, make("h2", { id: "earshot-keys" }, "All keys"), make("div", { class: "groups" }, ...groups),
      make("label", {}, letters, " Keys of a single letter or sign, ? included, work while nothing is being typed"), close)
    close.addEventListener("click", () => dialog.close())
    dialog.addEventListener("close", () => dialog.remove())
    document.body.append(dialog)
    dialog.showModal()
  }

  function mend() {
    isMending = null
    document.querySelectorAll('[data-testid="stFileUploaderDropzone"][role="presentation"]').forEach((element) => element.setAttribute("role", "group"))
    for (const box of document.querySelectorAll('[data-testid="stTable"] > div, [data-testid="stCode"] pre')) {
      const scrolls = box.scrollWidth > box.clientWidth
      if (scrolls === box.hasAttribute("tabindex")) continue
      for (const [name, value] of [["tabindex", "0"], ["role", "group"], ["aria-label", box.matches("pre") ? "Code" : "Table"]]) scrolls ? box.setAttribute(name, value) : box.removeAttribute(name)
    }
  }
  let isMending = null
  const mendSoon = () => (isMending ??= requestAnimationFrame(mend))
  new MutationObserver(mendSoon).observe(document, { childList: true, subtree: true })
  addEventListener("resize", mendSoon)

  document.querySelector("a.earshot-skip").addEventListener("click", skip)
  document.querySelector("button.earshot-skip").addEventListener("click", openList)
  document.addEventListener("earshot-keys", openList)
  document.addEventListener("keydown", (event) => {
    const target = event.composedPath()[0]
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || document.querySelector("dialog[open]")) return
    if (target.closest?.("input:not([type=range], [type=checkbox], [type=radio]), textarea, select, [contenteditable], [role=slider], [role=dialog]")) return
    const press = (key) => (event.preventDefault(), document.dispatchEvent(new CustomEvent("earshot-key", { detail: key })))
    if (event.shiftKey && event.key === "ArrowUp") return press("louder")
    if (event.shiftKey && event.key === "ArrowDown") return press("softer")
    if (!isOn()) return
    if (event.key === "?") return event.preventDefault(), openList()
    const box = event.key === "/" && find(".earshot [role=combobox]")
    if (box) return event.preventDefault(), box.focus()
    if (!event.shiftKey && !event.repeat && LETTERS.includes(event.key)) press(event.key)
  })
})()
