// What a text finds, below the search box: options in groups, loaded from the server while it is typed.

import { make, player } from "./base.js"
import { choose } from "./search.js"
import { shelf } from "./shelf.js"

const TYPING_MS = 120 // without another letter, after which the server is asked

export function typed(it) {
  clearTimeout(it.timer)
  it.timer = setTimeout(() => loadOffers(it), TYPING_MS)
}

export function closeOffers(it) {
  clearTimeout(it.timer)
  it.request?.abort()
  it.request = null
  it.offers = []
  it.active = -1
  it.list.hidden = it.note.hidden = true
  it.list.replaceChildren()
  it.input.setAttribute("aria-expanded", "false")
  it.input.removeAttribute("aria-activedescendant")
}

async function loadOffers(it) {
  const text = it.input.value.trim()
  it.request?.abort()
  if (!text) return closeOffers(it)
  const request = (it.request = new AbortController())
  try {
    const answer = await fetch(player.collectionUrl(`search?text=${encodeURIComponent(text)}`), { signal: request.signal })
    if (!answer.ok) throw new Error(answer.statusText)
    const groups = await answer.json()
    if (it.request === request) drawOffers(it, groups)
  } catch (error) {
    if (error.name === "AbortError" || it.request !== request) return
    closeOffers(it)
    showNote(it, "The server does not answer. Enter searches all the same.")
  }
}

function showNote(it, text) {
  it.note.textContent = text
  it.note.hidden = !text
}

export const clipsText = (count) => `${count.toLocaleString("en")} ${count === 1 ? "clip" : "clips"}`

function drawOffers(it, groups) {
  it.active = -1
  it.input.removeAttribute("aria-activedescendant")
  const parts = groups.map(({ heading, total, everything, offers }, number) => {
    const title = make("div", { class: "heading small", id: `heading-${number}` }, `${heading} · ${total.toLocaleString("en")}`)
    const shown = offers.filter(({ choice }) => !choice.startsWith("clip=") || !shelf.entry(it.dataset, choice.slice(5)).hidden)
    const options = shown.map(({ choice, name, clips }) => option(it, choice, name, choice.startsWith("clip=") ? "" : clipsText(clips)))
    if (everything && total > 1) options.push(option(it, everything, `The clips of all ${total.toLocaleString("en")}`, ""))
    if (shown.length < offers.length) options.push(make("div", { class: "left-out small" }, `${offers.length - shown.length} hidden by you`))
    return make("div", { role: "group", "aria-labelledby": title.id }, title, ...options)
  })
  it.list.replaceChildren(...parts)
  it.offers = [...it.list.querySelectorAll('[role="option"]')]
  it.offers.forEach((offer, i) => (offer.id = `offer-${i}`))
  it.list.hidden = !it.offers.length
  it.input.setAttribute("aria-expanded", String(!it.list.hidden))
  showNote(it, it.offers.length ? "" : "Nothing here is called that.")
}

function option(it, choice, name, note) {
  const row = make("div", { role: "option", "aria-selected": "false", "data-choice": choice, onclick: () => choose(it, choice) })
  row.append(make("span", { class: "name" }, name), make("span", { class: "small" }, note))
  return row
}

// Makes the option of a number the chosen one; before the first and after the last none is.
export function activate(it, number) {
  const count = it.offers.length + 1
  it.active = ((number + 1 + count) % count) - 1
  it.offers.forEach((offer, i) => offer.setAttribute("aria-selected", String(i === it.active)))
  const active = it.offers[it.active]
  if (!active) return it.input.removeAttribute("aria-activedescendant")
  it.input.setAttribute("aria-activedescendant", active.id)
  active.scrollIntoView({ block: "nearest" })
}
