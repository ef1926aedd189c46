// Presses at random, and a log of the media events that follow. Times are milliseconds of the browser's clock.

window.hurry = (() => {
  const PLAY = ".play:not(:disabled)"
  const EVENTS = ["play", "playing", "timeupdate", "pause", "ended", "error", "emptied"]
  const TICK_MS = 20
  const MAX_IDLE_TICKS = 3000
  const elements = new Set()
  const log = [] // of all media elements, also those outside the document
  const pressed = [] // the presses of play buttons; clip: null where the press paused the sound
  const picked = [] // clips of the presses of points of the map
  const requested = [] // clip ids of the presses of "Find similar"

  let tick = 0 // the time in steps of a timer, which lasts longer on a busy machine, as all else does
  const count = () => setTimeout(() => (tick++, count()), TICK_MS)
  count()

  let changes = 0 // of the state of the page's player
  let started = 0 // sounds that it has started
  let isPressing = false
  document.addEventListener("earshot", ({ detail }) => {
    changes++
    if (detail.started > started && !isPressing) note(detail.id, false) // the next of many in turn, or what the mouse rests on
    started = detail.started
  })

  const begun = new Set() // media elements whose sound has begun: play() is followed by "play", and then by "playing"
  const isSounding = (element) => begun.has(element) && !element.paused && !element.ended && element.readyState > 2
  function follow(element) {
    if (elements.has(element)) return
    elements.add(element)
    for (const name of EVENTS) {
      element.addEventListener(name, () => {
        if (name === "playing") begun.add(element)
        if (["pause", "ended", "error", "emptied"].includes(name)) begun.delete(element)
        const sounding = [...elements].filter(isSounding).length
        log.push({ at: performance.now(), tick, name, source: element.src, paused: element.paused, sounding })
      })
    }
  }
  const { play } = HTMLMediaElement.prototype
  HTMLMediaElement.prototype.play = function () {
    follow(this)
    return play.call(this)
  }
  document.addEventListener("play", (event) => follow(event.target), true)

  // Returns the elements of the page that match, those of components included.
  const find = (selector, root = document) =>
    [...root.querySelectorAll(selector), ...[...root.querySelectorAll("*")].flatMap((e) => (e.shadowRoot ? find(selector, e.shadowRoot) : []))]

  function randomNumbers(seed) { // mulberry32, by Tommy Ettinger
    let state = seed
    return () => {
      state = (state + 0x6d2b79f5) | 0
      let t = Math.imul(state ^ (state >>> 15), 1 | state)
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296
    }
  }

  const wait = (ms) => new Promise((done) => setTimeout(done, ms))
  async function waitForSound(ticks) {
    const until = tick + ticks
    while (tick <= until && ![...elements].some(isSounding)) await wait(TICK_MS)
  }

  const note = (clip, paused) => pressed.push({ at: performance.now(), tick, clip, paused })
  const playing = () => ["waiting", "playing"].includes(window.earshot.state.phase)
  const mouse = (name, options) => new PointerEvent(name, { pointerType: "mouse", ...options })

  // Rests the mouse on a sound, longer than it takes to play it where that was chosen; now and then it leaves again.
  async function rest(enter, leave, random) {
    const before = started
    stops(enter)
    await wait(200)
    if (started !== before && random() < 0.5) stops(leave)
  }

  // What the mouse rested on stops when it moves.
  function stops(move) {
    const [wasPlaying, { id }] = [playing(), window.earshot.state]
    move()
    if (wasPlaying && !playing()) note(id, true)
  }

  // Each presses something, given one of its elements and random numbers.
  const PRESSES = {
    ".card"(card, random) {
      const before = started
      const key = random() < 0.5 ? "ArrowDown" : "ArrowUp"
      card.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, composed: true }))
      if (started > before) note(window.earshot.state.id, false) // at an end of the list nothing is
    },
    ".compare"(button) {
      const before = started
      button.click()
      if (started > before) note(window.earshot.state.id, false)
      else if (find("audio[data-testid=stAudio]").some((audio) => !audio.paused)) note("upload", false)
    },
    ".play-all"(button) {
      const [before, { id, queued }] = [started, window.earshot.state]
      button.click()
      if (started > before) note(window.earshot.state.id, false) // of an empty list, none is
      else if (queued) note(id, true)
    },
    ".choice"(button) {
      button.click()
    },
    ".card .sound": (sound, random) => {
      const card = sound.closest(".card")
      return rest(() => card.dispatchEvent(mouse("pointerenter")), () => card.dispatchEvent(mouse("pointerleave")), random)
    },
    ".map .frame": (frame, random) => {
      const canvas = frame.querySelector(".marks")
      const box = canvas.getBoundingClientRect()
      const at = { clientX: box.left + random() * box.width, clientY: box.top + random() * box.height }
      return rest(() => canvas.dispatchEvent(mouse("pointermove", at)), () => canvas.dispatchEvent(mouse("pointerleave")), random)
    },
    [PLAY](button) {
      button.closest("[data-clip]").dispatchEvent(new PointerEvent("pointerenter", { pointerType: "mouse" }))
      button.click()
      note(button.closest("[data-clip]").dataset.clip, window.earshot.state.phase === "paused")
    },
    ".map .marks"(canvas, random) {
      const box = canvas.getBoundingClientRect()
      stops(() => canvas.dispatchEvent(mouse("pointerleave")))
      const before = changes
      for (let tries = 0; tries < 9 && changes === before; tries++) {
        const at = { clientX: box.left + random() * box.width, clientY: box.top + random() * box.height, pointerType: "touch" }
        for (const name of ["pointermove", "pointerdown", "pointerup"]) canvas.dispatchEvent(new PointerEvent(name, at))
      }
      const { id, phase } = window.earshot.state
      if (changes === before) return // no point was there
      note(id, phase === "paused")
      picked.push(id)
    },
    "[data-testid=stAudio]"(audio) {
      const paused = !audio.paused
      paused ? audio.pause() : audio.play().catch(() => null)
      note("upload", paused)
    },
    [`.map ${PLAY}`]: (button) => PRESSES[PLAY](button),
    ".map .find-similar": (button) => PRESSES[".find-similar"](button),
    ".find-similar"(button) {
      requested.push(button.closest("[data-clip]").dataset.clip)
      button.click()
    },
    ".tab"(button) {
      button.click()
    },
  }

  // Presses `times` play buttons, chosen by `weights` (by selector), with pauses of 0 to 60 ms; now and then it waits until
  // something sounds, and for so many ticks at most. The last press is one of a play button.
  async function press(times, weights, seed, ticks) {
    const random = randomNumbers(seed)
    const total = Object.values(weights).reduce((sum, weight) => sum + weight)
    let since = tick
    for (const end = pressed.length + times; pressed.length < end; ) {
      if (tick > since + MAX_IDLE_TICKS) throw new Error(`nothing to press on ${location.href}: ${document.body.innerText}`)
      let left = random() * total
      const [selector] = Object.entries(weights).find(([, weight]) => (left -= weight) < 0)
      const [found, n] = [find(selector), pressed.length]
      isPressing = true
      const rests = found.length && PRESSES[selector](found[Math.floor(random() * found.length)], random)
      isPressing = false
      await rests
      if (pressed.length > n && random() < 0.05 && !pressed.at(-1).paused) await waitForSound(ticks)
      else await wait(60 * random())
      if (pressed.length > n) since = tick
    }
    await (pressed.at(-1).paused ? wait(500) : waitForSound(ticks))
  }

  return { press, log, pressed, picked, requested }
})()
