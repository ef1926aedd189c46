// Offers the labels of the collection while text is typed into the search box, as the browser's own list of suggestions.

export default function suggestions({ data: [data] }) {
  const id = "earshot-suggestions"
  const list = document.createElement("datalist")
  list.id = id
  list.append(...data.names.map((name) => new Option("", name)))
  document.getElementById(id)?.remove()
  document.body.append(list)
  // The input may be drawn after this component, and anew at any time.
  const attach = ({ target }) => {
    if (!target.matches?.(`.${data.box} input`)) return
    target.setAttribute("list", id)
    target.setAttribute("autocomplete", "off")
  }
  attach({ target: document.activeElement })
  document.addEventListener("focusin", attach)
  return () => document.removeEventListener("focusin", attach)
}
