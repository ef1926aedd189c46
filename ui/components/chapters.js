// Scrolls to the top of a chapter when another one is opened; otherwise the page would keep the old scroll position.

const opened = new WeakMap() // this component's root -> the chapter open at the last run

export default function scrollToTop({ data: [data], parentElement: root }) {
  const before = opened.get(root)
  opened.set(root, data.chapter)
  const content = document.querySelector(`.st-key-${data.content}`)
  if (!content || before === undefined || before === data.chapter) return
  const covered = parseFloat(getComputedStyle(content).scrollMarginTop) // by the metrics strip
  if (content.getBoundingClientRect().top < covered) content.scrollIntoView()
}
