// A chapter begins at its top: whoever turns the page at the end of a long one would else stand in the middle of the next.

const chapters = new WeakMap() // where this stands -> the chapter that was open

export default function top({ data, parentElement: root }) {
  const before = chapters.get(root)
  chapters.set(root, data.chapter)
  const room = document.querySelector(`.st-key-${data.room}`)
  if (!room || before === undefined || before === data.chapter) return
  const hidden = parseFloat(getComputedStyle(room).scrollMarginTop) // by what stays at the top of the page
  if (room.getBoundingClientRect().top < hidden) room.scrollIntoView()
}
