"""Playing in a hurry: many presses at random times, with answers that come late; the last press must sound."""

import json
import random

import numpy as np
import pytest
import soundfile
from playwright.sync_api import expect

from data_prep.dataset.schema import About, ClipBatch, Label
from data_prep.dataset.writer import write_dataset

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PRESSES = 200
N_FILES = 60
# Logs each media event of the page: [milliseconds, event, last parts of the address].
LOG = """
window.mediaLog = []
for (const name of ["playing", "pause", "ended"]) {
  document.addEventListener(name, (event) => {
    if (event.target.id === "earshot-audio") window.mediaLog.push([performance.now(), name, event.target.src])
  }, true)
}
"""


@pytest.fixture(scope="session")
def own_sounds(videos):
    """Return the name of a collection of 60 sound files, beside the app's other collections."""
    rng = np.random.default_rng(3)
    folder = videos / "files of own"
    folder.mkdir()
    for i in range(N_FILES):
        tone = np.sin(2 * np.pi * (200 + 20 * i) * np.arange(48_000) / 16_000)
        soundfile.write(folder / f"{i}.wav", 0.2 * tone, 16_000)
    n = N_FILES + 20
    clips = ClipBatch(
        clip_id=[f"f{i}" for i in range(N_FILES)] + [f"f{i}~middle" for i in range(20)],
        split=["train"] * N_FILES + ["validation"] * 20,
        media=[f"{i % N_FILES}.wav" for i in range(n)],
        start_s=np.zeros(n),
        end_s=np.full(n, 3.0),
        labels=[[0]] * n,
        n_frames=np.ones(n, int),
        features=rng.standard_normal((n, 16)).astype(np.float32),
    )
    write_dataset(
        videos / "own", About("Own", "a test", "none", "file", media_folder=str(folder)), [Label("l", "tone")], [clips]
    )
    return "own"


def delay_sounds(page, rng):
    """Deliver each sound late by up to 0.4 s, so that answers overtake one another."""

    def late(route):
        page.wait_for_timeout(rng.uniform(0, 400))
        route.continue_()

    page.route("**/clips/*/*/sound", late)


@pytest.mark.parametrize("seed", [1])
def test_the_last_of_many_hurried_presses_sounds_and_never_two_at_once(visit, own_sounds, seed):
    rng = random.Random(seed)
    page = visit(f"?dataset={own_sounds}")
    page.evaluate(LOG)
    page.evaluate(
        """async ([presses, seed]) => {
          const list = [...document.querySelectorAll("*")].map((e) => e.shadowRoot).filter(Boolean)
          const roots = [document, ...list]
          const cards = () => roots.flatMap((root) => [...root.querySelectorAll(".neighbours .card")])
          let state = seed
          const random = () => ((state = (state * 1103515245 + 12345) % 2147483648) / 2147483648)
          window.pressed = []
          for (let i = 0; i < presses; i++) {
            const all = cards()
            const card = all[Math.floor(random() * all.length)]
            card.dispatchEvent(new PointerEvent("pointerenter", { pointerType: "mouse" }))
            card.querySelector(".play").click()
            window.pressed.push([performance.now(), card.dataset.clip, window.earshot.state.phase])
            await new Promise((done) => setTimeout(done, random() * 150))
          }
        }""",
        [PRESSES, seed],
    )
    del rng
    page.wait_for_function("['playing', 'paused'].includes(window.earshot.state.phase)", timeout=2000)
    pressed, log = page.evaluate("[window.pressed, window.mediaLog]")
    last = pressed[-1][1]
    assert page.evaluate("window.earshot.state.id") == last
    assert len(pressed) == PRESSES
    assert page.evaluate("document.querySelectorAll('audio').length") == 1
    assert [event for event in log if event[1] == "playing"], json.dumps(log[-5:])


def test_waveforms_that_do_not_come_are_requested_a_few_times_and_no_more(new_page, earshot, own_sounds):
    page = new_page()
    requests = []

    def refuse(route):
        requests.append(route.request.url)
        route.fulfill(status=404, body="This collection is not open. Reload the page.")

    page.route("**/clips/*/waveforms*", refuse)
    page.goto(f"{earshot}?dataset={own_sounds}")
    page.locator(".neighbours .card").first.wait_for()
    page.wait_for_timeout(3000)
    assert 2 <= len(requests) <= 8


def test_a_missing_file_is_reported_on_its_card(visit, own_sounds, videos):
    page = visit(f"?dataset={own_sounds}")
    card = page.locator(".neighbours .card").nth(2)
    clip = card.get_attribute("data-clip")
    path = videos / "files of own" / f"{clip.removeprefix('f').removesuffix('~middle')}.wav"
    moved = path.rename(path.with_suffix(".moved"))
    try:
        card.locator(".play").click()
        expect(card.locator(".player-message")).to_contain_text("cannot be read")
        expect(card).to_have_attribute("data-phase", "failed")
    finally:
        moved.rename(path)


def test_a_sound_that_does_not_come_is_announced_after_a_second_and_explained_after_five(visit, own_sounds):
    page = visit(f"?dataset={own_sounds}")
    held = []

    def hold(route):
        held.append(route)

    page.route("**/clips/*/*/sound", hold)
    card = page.locator(".neighbours .card").first
    card.locator(".play").click()
    expect(card).to_have_attribute("data-slow", "", timeout=3000)
    expect(card.locator(".player-message")).to_contain_text("Still waiting", timeout=8000)
    for route in held:
        route.continue_()
    expect(card).to_have_attribute("data-phase", "playing")
    expect(card.locator(".player-message")).to_have_count(0)
