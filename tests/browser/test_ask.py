"""Ask in a browser: upload a sound, search with a neighbour, export, and refuse a file that is no sound."""

import io

import pytest
from playwright.sync_api import expect

from data_prep.dataset import open_dataset
from data_prep.sample.synth import SAMPLE_RATE, render, wav_bytes
from tests.browser.conftest import wait_for_link, wait_until_drawn

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def recording(root):
    sample = open_dataset(root / "data" / "sample")
    clip = sample.clip("train", 5)
    return clip.clip_id, wav_bytes(render(clip.media), SAMPLE_RATE)


@pytest.fixture
def ask(new_page, earshot):
    """Return a function that opens Ask on a collection."""

    def open_ask(link):
        page = new_page()
        page.goto(f"{earshot}ask?{link}")
        page.get_by_text("Nothing asked yet").wait_for()
        return page

    return open_ask


def upload(page, data):
    page.locator("input[type=file]").set_input_files({"name": "mine.wav", "mimeType": "audio/wav", "buffer": data})
    page.get_by_text("LSH looked at").first.wait_for()


def test_find_similar_keeps_the_collection_and_the_settings_though_the_mouse_moves_on(ask, own_sounds, recording):
    page = ask(f"dataset={own_sounds}&lens=on&L=7&K=6")
    upload(page, recording[1])
    page.get_by_role("button", name="Find similar").nth(1).click()
    page.mouse.move(900, 700, steps=3)
    page.wait_for_url(lambda url: "clip=" in url and "/ask" not in url)
    page.locator(".query").wait_for()
    wait_for_link(page, dataset=own_sounds, L="7", K="6")
    wait_until_drawn(page)
    expect(page.locator("[data-testid=stException]")).to_have_count(0)


def test_what_is_no_sound_is_refused_and_the_list_of_a_sound_outlasts_find_similar_and_back(ask, recording):
    clip_id, data = recording
    page = ask("dataset=sample")
    page.locator("input[type=file]").set_input_files({"name": "x.wav", "mimeType": "audio/wav", "buffer": b"MZ" * 300})
    page.get_by_text("cannot be decoded").wait_for()
    wait_until_drawn(page)
    expect(page.locator("[data-testid=stException]")).to_have_count(0)
    page.evaluate(PLAY_AT_ONCE)
    upload(page, data)
    assert_one_sound_at_a_time(page)
    assert_a_tab_panel_with_ranked_names_and_one_row_of_tab_stops(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    table = io.StringIO(download.value.path().read_text(encoding="utf-8-sig"))
    assert len(table.readlines()) > 10

    page.get_by_role("button", name="Find similar").first.click()
    page.wait_for_url(lambda url: f"clip={clip_id}" in url and "/ask" not in url)
    page.locator(".query").wait_for()
    expect(page.get_by_role("heading", name="Ask with your own sound")).to_have_count(0)
    page.go_back()
    page.get_by_text("mine.wav, given before").wait_for()
    expect(page.locator(".card").first).to_have_attribute("data-clip", clip_id)


# Presses "play" on the visitor's own sound as soon as it is there, before the results are drawn.
PLAY_AT_ONCE = """() => {
  const start = () => {
    const own = document.querySelector('[data-testid=stAudio]')
    if (own) observer.disconnect(), (own.loop = true), own.play().catch(() => null)
  }
  const observer = new MutationObserver(start)
  observer.observe(document.body, { childList: true, subtree: true })
}"""


def assert_one_sound_at_a_time(page):
    own = "document.querySelector('[data-testid=stAudio]')"
    page.locator(".card .play").nth(1).wait_for()
    page.wait_for_function(f"!{own}.paused")
    start = f"void ({own}.loop = true, {own}.play().catch(() => null))"
    page.locator(".card .play").nth(1).click()
    page.wait_for_function(f"{own}.paused && window.earshot.state.phase === 'playing'")
    page.evaluate(start)
    page.wait_for_function(f"!{own}.paused && document.querySelector('#earshot-audio').paused")


def assert_a_tab_panel_with_ranked_names_and_one_row_of_tab_stops(page):
    panel = page.get_by_role("tabpanel")
    expect(panel.get_by_role("list").get_by_role("listitem")).to_have_count(10)
    expect(panel.get_by_role("button", name="Play Number 2, ")).to_have_count(1)
    stops = page.locator(".neighbours .card:not([tabindex='0']) button:not([tabindex='-1'])")
    expect(stops).to_have_count(0)
    page.locator(".card").first.focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator(".card").nth(1)).to_be_focused()
    expect(stops).to_have_count(0)
    page.keyboard.press("Tab")
    expect(panel.get_by_role("button", name="Play Number 2, ")).to_be_focused()
    expect(page.locator("h1")).to_have_count(1)
