// Offers the labels of the collection while text is typed into the search box, as the browser's own list of suggestions.

export default function suggestions({ data, parentElement: root }) {
  const input = document.querySelector(`.${data.box} input`)
  if (!input) return
  const id = "earshot-suggestions"
  const list = document.createElement("datalist")
  list.id = id
  list.append(...data.names.map((name) => new Option("", name)))
  document.getElementById(id)?.remove()
  document.body.append(list)
  input.setAttribute("list", id)
  input.setAttribute("autocomplete", "off")
}
