// The labels of the collection, with their numbers of clips and their definitions: a tree where they have parents.

import { LATE_MS, make, player } from "./base.js"
import { choose } from "./search.js"
import { clipsText } from "./search_offers.js"

export function forgetLabels(it) {
  it.labels.hidden = true
  it.labels.replaceChildren()
  it.browse.setAttribute("aria-expanded", "false")
}

export async function toggleLabels(it) {
  const opens = it.labels.hidden
  it.labels.hidden = !opens
  it.browse.setAttribute("aria-expanded", String(opens))
  if (!opens || it.labels.childElementCount) return
  it.labels.append(make("p", { class: "small", role: "status" }, "Loading the labels…"))
  const { collection } = it
  try {
    const answer = await fetch(player.collectionUrl("labels"))
    if (!answer.ok) throw new Error(answer.statusText)
    const { tree, page } = await answer.json()
    if (collection !== it.collection) return
    const about = page ? make("p", { class: "small" }, "What each label means: ", make("a", { href: page, target: "_blank", rel: "noopener noreferrer" }, "AudioSet's ontology"), ".") : null
    const none = tree.length ? null : make("p", { class: "small" }, "No clip here has a label.")
    it.labels.replaceChildren(...[about, none, branch(it, tree)].filter(Boolean))
  } catch {
    it.labels.replaceChildren(make("p", { class: "small", role: "status" }, "The labels could not be loaded. Close and open this list to try again."))
    setTimeout(() => it.labels.querySelector("ul") || it.labels.hidden || forgetLabels(it), LATE_MS)
  }
}

// The nodes below a node are drawn when it is opened for the first time.
function branch(it, nodes) {
  return make("ul", {}, ...nodes.map((node) => make("li", {}, node.children.length ? folded(it, node) : line(it, node))))
}

function folded(it, node) {
  const details = make("details", {}, make("summary", {}, node.name, make("span", { class: "small" }, ` · ${node.children.length}`)))
  details.addEventListener("toggle", () => {
    if (!details.open || details.childElementCount > 1) return
    if (node.choice || node.definition) details.append(line(it, node, "All clips with this label: "))
    details.append(branch(it, node.children))
  })
  return details
}

function line(it, node, before = "") {
  const button = node.choice ? make("button", { class: "label", onclick: () => choose(it, node.choice) }, `${before}${before ? "" : node.name}`, make("span", { class: "small" }, `${before ? "" : " · "}${clipsText(node.clips)}`)) : null
  if (button && before) button.setAttribute("aria-label", `${node.name}, ${clipsText(node.clips)}`)
  const meaning = node.definition ? make("p", { class: "small" }, node.definition) : null
  return make("div", { class: "line" }, button, meaning)
}
