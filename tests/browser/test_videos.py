"""YouTube clips, with a fake YouTube player that plays, refuses, or does not answer."""

import json
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import wait_for_link, wait_until_equal, wait_until_heard

pytestmark = pytest.mark.browser

# As YouTube's player: it answers "listening", and sends the events that were asked for.
PLAYER = """
<script>
  const answer = %s
  const commands = []
  const send = (message) => parent.postMessage(JSON.stringify(message), "*")
  const say = (state) => send({ event: "onStateChange", info: state })
  const press = () => (say(3), say(1)) // the player's own button
  addEventListener("message", ({ data }) => {
    const { event, func, args } = JSON.parse(data)
    if (event === "listening") return send({ event: "onReady" })
    commands.push([func, ...args])
    if (func === "pauseVideo") say(2)
    if (func === "playVideo" || func === "loadVideoById") say(1)
    if (func !== "addEventListener") return
    if (args[0] === "onError" && answer !== "plays") send({ event: "onError", info: answer })
    if (args[0] === "onStateChange" && answer === "plays") say(1)
  })
</script>
"""
REFUSALS = {
    2: "YouTube does not know this video.",
    5: "YouTube cannot play this video here.",
    100: "This video is gone from YouTube, or private.",
    101: "Its owner lets it play on YouTube only.",
    150: "Its owner lets it play on YouTube only.",
    153: "YouTube refuses to play here because this browser hides where it comes from.",
}
REMEMBERED = "JSON.parse(localStorage.getItem('earshot.unplayable') ?? '[]').map(([video, { code }]) => [video, code])"
MUCH = """[
  ...Array.from({ length: 600 }, (_, i) => [`old-${1000000 + i}`, { code: 100, at: Date.now() - 1e6 + i }]),
  ["too-old-001", { code: 100, at: Date.now() - 31 * 864e5 }],
  ["from-future", { code: 100, at: Date.now() + 1e7 }],
  ["short", { code: 100, at: Date.now() }],
  ["no-code-001", { at: Date.now() }],
  ["noplayer153", { code: 153, at: Date.now() }],
]"""
SILENT = "YouTube does not answer"
WATCHED_THERE = re.compile(r"^https://www\.youtube\.com/watch\?v=")


def fake_youtube(page, answer="plays", **answers):
    """Replace YouTube's player by one that plays, refuses with a code, or None, does not answer; return the requests.

    answers: those of single videos, by id with `_` for `-`.
    """
    requested = []

    def fulfil(route):
        requested.append(route.request.url)
        video = urlsplit(route.request.url).path.rsplit("/", 1)[-1].replace("-", "_")
        if (said := answers.get(video, answer)) is None:
            route.abort()
        else:
            route.fulfill(content_type="text/html", body=PLAYER % json.dumps(said))

    page.unroute("https://www.youtube-nocookie.com/**")
    page.route("https://www.youtube-nocookie.com/**", fulfil)
    page.route("https://i.ytimg.com/**", lambda route: route.abort())
    return requested


@pytest.fixture
def watch(visit):
    """Return a function that opens a collection of videos, which is not the first one; nothing is remembered after."""
    opened = []

    def open_page(link="", **size):
        opened.append(visit(f"?dataset=videos{link}", **size))
        return opened[-1]

    yield open_page
    opened[0].evaluate("localStorage.removeItem('earshot.unplayable')")


def player_of(page, clip):
    """Return the frame of YouTube's player for a clip."""
    return page.frame(url=re.compile(f"/embed/{clip.removesuffix('_30')}"))


def wait_for_command(player, command):
    """Wait until a player has been sent a command."""
    player.wait_for_function(
        "command => commands.some((one) => JSON.stringify(one) === JSON.stringify(command))", arg=command
    )


def test_a_video_is_requested_when_played_and_one_plays_its_clips_seconds_aloud_at_a_time(watch):
    page = watch()
    page.locator(".card").first.hover()
    expect(page.locator(".save")).to_have_count(0)
    expect(page.get_by_text("Drag a result")).to_have_count(0)
    requested = fake_youtube(page)
    assert not requested
    page.click(".query .play")
    wait_until_heard(page)
    (address,) = requested
    query = parse_qs(urlsplit(address).query)
    assert (query["start"], query["end"]) == (["30"], ["40"])
    assert "mute" not in query
    expect(page.locator(".query iframe")).to_have_attribute("referrerpolicy", "strict-origin-when-cross-origin")
    clip = page.locator(".query [data-clip]").get_attribute("data-clip")
    wait_for_command(player_of(page, clip), ["unMute"])

    query, card = page.locator(".query [data-clip]"), page.locator(".card").first
    card.locator(".play").click()
    expect(card).to_have_attribute("data-phase", "playing")
    expect(query).to_have_attribute("data-phase", "idle")
    player_of(page, query.get_attribute("data-clip")).evaluate("press()")
    expect(query).to_have_attribute("data-phase", "playing")
    expect(card).to_have_attribute("data-phase", "idle")
    card.locator(".play").click()
    expect(card).to_have_attribute("data-phase", "playing")
    video = card.get_attribute("data-clip").removesuffix("_30")
    again = ["loadVideoById", {"videoId": video, "startSeconds": 30, "endSeconds": 40}]
    wait_for_command(player_of(page, card.get_attribute("data-clip")), again)


def test_each_refusal_is_told_in_words_at_once_and_remembered_if_it_is_one_of_the_video(watch):
    page = watch("&lens=off")
    cards = page.locator(".card")
    videos = [cards.nth(i).get_attribute("data-clip").removesuffix("_30") for i in range(len(REFUSALS))]
    codes = dict(zip(videos, REFUSALS, strict=True))
    fake_youtube(page, **{video.replace("-", "_"): code for video, code in codes.items()})
    for i, (code, text) in enumerate(REFUSALS.items()):
        cards.nth(i).locator(".play").click()
        expect(cards.nth(i).locator(".error")).to_contain_text(text)  # and not that YouTube does not answer
        expect(cards.nth(i).locator(".error a")).to_have_attribute("href", WATCHED_THERE)
        if code != 153:
            expect(cards.nth(i).locator(".play")).to_be_disabled()
    assert dict(page.evaluate(REMEMBERED)) == {video: code for video, code in codes.items() if code != 153}
    expect(cards.nth(5).locator(".play")).to_be_enabled()


def test_what_was_refused_is_known_after_a_reload_passed_over_and_hidden_by_one_switch(watch):
    page = watch("&lens=on&L=20&K=4")
    cards = page.locator(".card")
    first, second, third = (cards.nth(i).get_attribute("data-clip") for i in range(3))
    query = page.locator(".query [data-clip]").get_attribute("data-clip")
    refused = {clip.removesuffix("_30").replace("-", "_"): 100 for clip in (first, second, query)}
    fake_youtube(page, **refused)
    cards.nth(1).locator(".play").click()
    expect(cards.nth(1).locator(".error")).to_be_visible()
    page.click(".query .play")
    expect(page.locator(".query .error")).to_contain_text("gone from YouTube")
    cards.nth(0).locator(".play").click()
    cards.nth(0).get_by_role("button", name="play the next one").click()
    wait_until_heard(page, third)
    holds_focus = "(card) => card.contains(card.getRootNode().activeElement)"
    wait_until_equal(page, lambda: cards.nth(2).evaluate(holds_focus), expected=True)

    page.reload()
    expect(page.locator(".query .error")).to_contain_text("gone from YouTube")
    expect(page.locator(f'.card[data-clip="{first}"] .play')).to_be_disabled()
    reason = page.locator(f'.card[data-clip="{first}"]').get_by_role("link", name="gone from YouTube")
    expect(reason).to_have_attribute("href", WATCHED_THERE)
    page.get_by_text("Hide what cannot be played").click()
    page.wait_for_url("**hide=unplayable**")
    expect(page.locator(".hidden-count")).to_have_text("2 clips are hidden: YouTube cannot play them here.")
    expect(cards).to_have_count(8)
    # A card that is refused now stays with what it says, until another list is drawn.
    fake_youtube(page, 101)
    cards.first.locator(".play").click()
    expect(cards.first.locator(".error")).to_contain_text("on YouTube only")
    expect(cards.first.locator(".play")).to_be_disabled()
    expect(cards.first).to_have_attribute("data-clip", third)
    page.get_by_role("tab", name="Found").click()
    expect(page.locator(f'.card[data-clip="{third}"]')).to_have_count(0)
    page.get_by_text("Hide what cannot be played").click()
    expect(page.locator(".hidden-count")).to_have_count(0)
    # A video that plays after all is forgotten.
    fake_youtube(page)
    page.locator(".query").get_by_role("button", name="try again").click()
    wait_until_heard(page)
    wait_until_equal(page, lambda: query.removesuffix("_30") in dict(page.evaluate(REMEMBERED)), expected=False)


def test_the_browser_remembers_the_newest_refusals_for_a_month_and_surprise_me_passes_them_over(watch):
    page = watch()
    page.evaluate(f"localStorage.setItem('earshot.unplayable', JSON.stringify({MUCH}))")
    page.reload()
    page.wait_for_selector(".card")
    known = page.evaluate("[...window.earshot.youtube.unplayable.keys()]")
    assert known == [f"old-{1000000 + i}" for i in range(100, 600)]
    fake_youtube(page, 100)
    page.click(".query .play")
    expect(page.locator(".query .error")).to_be_visible()
    remembered = [video for video, _ in page.evaluate(REMEMBERED)]
    assert len(remembered) == 500
    assert remembered[:1] == ["old-1000101"]
    for damaged in ("{", '[7, null, ["video-00001", null]]'):
        page.evaluate("(text) => localStorage.setItem('earshot.unplayable', text)", damaged)
        page.reload()
        page.wait_for_selector(".card")
        assert page.evaluate("window.earshot.youtube.unplayable.size") == 0  # it has read them when it was loaded

    page.evaluate(
        """(videos) => {
          const refused = videos.map((video) => [video, { code: 2, at: Date.now() }])
          localStorage.setItem("earshot.unplayable", JSON.stringify(refused))
        }""",
        [f"video-{i:05d}" for i in range(300, 320) if i != 317],  # of the split that surprises come from
    )
    page.reload()
    page.wait_for_selector(".card")
    page.wait_for_function("!window.earshot.isUnanswered('unplayable')")
    page.get_by_role("button", name="Surprise me").click()
    expect(page.locator(".query [data-clip]")).to_have_attribute("data-clip", "video-00317_30")
    expect(page.locator(".query .play")).to_be_visible()


def test_behind_a_firewall_one_sentence_says_so_once_and_hurried_presses_leave_one_video_that_plays(watch):
    page = watch("&lens=off")
    requested = fake_youtube(page, None)
    page.click(".query .play")
    error = page.locator(".query .error")
    expect(error).to_contain_text(SILENT)
    expect(error.locator("a")).to_have_attribute("href", WATCHED_THERE)
    cards = page.locator(".card")
    for i in range(2):
        cards.nth(i).locator(".play").click()
        expect(cards.nth(i).locator(".error")).to_contain_text(SILENT)
        expect(page.get_by_text(SILENT)).to_have_count(1)
    assert len(requested) == 1  # the others are told at once
    expect(page.locator(".query .play")).to_be_enabled()
    assert page.evaluate(REMEMBERED) == []
    fake_youtube(page)
    cards.nth(1).get_by_role("button", name="try again").click()
    wait_until_heard(page)
    page.click(".query .play")
    page.wait_for_function("window.earshot.state.phase === 'playing' && window.earshot.state.started > 2")
    assert_hurried_presses_leave_one_that_plays_and_no_error_of_another(page)


def assert_hurried_presses_leave_one_that_plays_and_no_error_of_another(page):
    fake_youtube(page)
    cards = page.locator(".card")
    buttons = cards.locator(".play")
    # Twice, then others at once, before any has answered.
    buttons.evaluate_all("(all) => [2, 2, 3, 4, 3, 5, 5].forEach((i) => all[i].click())")
    expect(cards.nth(5)).to_have_attribute("data-phase", "playing")
    page.wait_for_timeout(500)  # in which no other begins, and none is refused
    phases = cards.evaluate_all("(all) => all.slice(2, 6).map((card) => card.dataset.phase)")
    assert phases == ["idle", "idle", "idle", "playing"]
    expect(page.locator(".card:nth-child(n + 3) iframe")).to_have_count(1)  # the second card has one from before
    expect(page.locator(".neighbours .connecting, .neighbours .error")).to_have_count(0)
    # A refusal, and another sound is searched with before Python has heard of it.
    refused = cards.nth(6).get_attribute("data-clip")
    fake_youtube(page, 150)
    cards.nth(6).locator(".play").click()
    page.wait_for_function("window.earshot.youtube.unplayable.size === 1")
    wanted = cards.nth(7).get_attribute("data-clip")
    cards.nth(7).locator(".find-similar").click()
    expect(page.locator(".query [data-clip]")).to_have_attribute("data-clip", wanted)
    expect(page.locator(".query .error")).to_have_count(0)
    wait_for_link(page, dataset="videos")
    assert page.evaluate(REMEMBERED) == [[refused.removesuffix("_30"), 150]]
    page.wait_for_function("!window.earshot.isUnanswered('unplayable')")
