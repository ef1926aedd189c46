"""YouTube clips on Listen, with a fake YouTube player that plays, refuses, or does not answer."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

PLAYER = """
<script>
  const answers = %s
  addEventListener("message", ({ data }) => {
    if (JSON.parse(data).event !== "listening") return
    for (const answer of answers) parent.postMessage(JSON.stringify(answer), "*")
  })
</script>
"""
PLAYING = [{"event": "onReady"}, {"event": "onStateChange", "info": 1}]
REMOVED = [{"event": "onError", "info": 100}]


def fake_youtube(page, answers):
    """Replace YouTube's player by a page that sends `answers`; return the list of requested addresses."""
    requested = []

    def fulfil(route):
        requested.append(route.request.url)
        route.fulfill(content_type="text/html", body=PLAYER % json.dumps(answers))

    page.route("https://www.youtube-nocookie.com/**", fulfil)
    page.route("https://i.ytimg.com/**", lambda route: route.abort())
    return requested


def test_a_video_is_requested_only_when_played_and_plays_the_clips_seconds(visit):
    page = visit("?dataset=videos")
    requested = fake_youtube(page, PLAYING)
    assert not requested
    page.click(".query .play")
    page.wait_for_function("window.earshot.state.phase === 'playing'")
    (address,) = requested
    query = parse_qs(urlsplit(address).query)
    assert (query["start"], query["end"]) == (["30"], ["40"])
    assert page.locator(".query iframe").get_attribute("referrerpolicy") == "strict-origin-when-cross-origin"


def test_a_second_video_pauses_the_first(visit):
    page = visit("?dataset=videos")
    fake_youtube(page, PLAYING)
    page.click(".query .play")
    page.wait_for_function("window.earshot.state.phase === 'playing'")
    card = page.locator(".card").first
    card.locator(".play").click()
    expect(card).to_have_attribute("data-phase", "playing")
    expect(page.locator(".query [data-clip]")).to_have_attribute("data-phase", "idle")


def test_a_removed_video_is_reported_and_remembered_and_the_next_one_is_offered(visit):
    page = visit("?dataset=videos&lens=on&L=5")
    fake_youtube(page, REMOVED)
    card = page.locator(".card").first
    clip = card.get_attribute("data-clip")
    card.locator(".play").click()
    expect(card.locator(".media")).to_contain_text("gone from YouTube")
    expect(card.locator(".play")).to_be_disabled()
    card.get_by_role("button", name="play the next one").click()
    expect(page.locator(".card").nth(1).locator(".media")).to_contain_text("gone from YouTube")
    page.locator(".st-key-L input[type=range]").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**L=6**")
    expect(page.locator(f'.card[data-clip="{clip}"] .play')).to_be_disabled()


def test_a_missing_answer_of_youtube_is_reported_with_a_link(visit):
    page = visit("?dataset=videos")
    fake_youtube(page, [])
    page.click(".query .play")
    expect(page.locator(".query .error")).to_contain_text("YouTube does not answer")
    link = page.locator(".query .error a")
    assert link.get_attribute("href").startswith("https://www.youtube.com/watch?v=")
    fake_youtube(page, PLAYING)
    page.get_by_role("button", name="try again").click()
    page.wait_for_function("window.earshot.state.phase === 'playing'")
