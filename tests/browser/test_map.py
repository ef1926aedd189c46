"""Map in a browser: points, tooltips, playing, keyboard, filters, zoom; points are sent once, and the view is kept."""

import io
import re
from collections import Counter

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.conftest import (
    TIMEOUT_MS,
    wait_for_link,
    wait_until_drawn,
    wait_until_equal,
    wait_until_nothing_scrolls_sideways,
    wait_until_one_below_another,
)

pytestmark = pytest.mark.browser

DENSE = (0.5, 0.62)  # position in the frame with many points, not near the query
# The browser is made to refuse WebGL, or to emulate it.
WEBGL = """
const get = HTMLCanvasElement.prototype.getContext
HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
  return kind === "webgl" ? %s : get.call(this, kind, ...rest)
}"""
NO_WEBGL = WEBGL % "null"
EMULATED_WEBGL = WEBGL % "get.call(this, kind, { premultipliedAlpha: false })"


@pytest.fixture
def visit_map(new_page, earshot):
    """Return a function that opens Map on the sample as another visitor, and waits until it is complete."""

    def open_map(query="", *, height=1200, scripts="", **looks):
        page = new_page(height=height, **looks)
        page.sent = []
        page.on("websocket", lambda ws: ws.on("framereceived", lambda frame: page.sent.append(len(frame))))
        if scripts:
            page.add_init_script(scripts)
        load(page, f"{earshot}map?dataset=sample{query}")
        return page

    return open_map


@pytest.fixture(scope="module")
def shared_map(chromium, earshot):
    """Return Map on the sample, for tests that leave the whole map in view and nothing chosen."""
    context = chromium.new_context(bypass_csp=True, viewport={"width": 1440, "height": 1200})
    page = context.new_page()
    page.set_default_timeout(TIMEOUT_MS)
    load(page, f"{earshot}map?dataset=sample")
    yield page
    context.close()


def load(page, address):
    page.goto(address)
    page.wait_for_function("window.earshotMap?.chart?.names")
    page.wait_for_selector(".map[data-drawn]")
    page.wait_for_selector("text=recall@10")
    wait_until_drawn(page)


def state(page, name):
    return page.locator(".map").get_attribute(f"data-{name}")


def expect_state(page, **values):
    for name, value in values.items():
        expect(page.locator(".map")).to_have_attribute(f"data-{name}", value)


def place(page, x, y):
    """Return where the mouse is at a place of the frame, of which it is a part, for the methods of `.map .marks`."""
    width, height = page.locator(".map .marks").evaluate("marks => [marks.clientWidth, marks.clientHeight]")
    return {"x": x * width, "y": y * height}


def move_to(page, x, y):
    """Move the mouse there; the place is measured when it moves."""
    page.locator(".map .marks").hover(position=place(page, x, y))


def press(page, x, y):
    page.locator(".map .marks").click(position=place(page, x, y))


def colours(page):
    """Count the colours in a screenshot of the map."""
    page.locator(".map .frame").scroll_into_view_if_needed()
    picture = Image.open(io.BytesIO(page.locator(".map .frame").screenshot())).convert("RGB")
    return Counter({colour: n for n, colour in picture.getcolors(maxcolors=picture.width * picture.height)})


def close_to(counts, hex_colour, within=24):
    wanted = [int(hex_colour[i : i + 2], 16) for i in (1, 3, 5)]
    return sum(n for rgb, n in counts.items() if max(abs(a - b) for a, b in zip(rgb, wanted, strict=True)) <= within)


def wait_for_colours(page, are_there):
    """Wait until the colours of the map are as a function of their counts says."""
    wait_until_equal(page, lambda: bool(are_there(colours(page))), expected=True)


def rerun(page):
    """Move a slider of the sidebar, and wait until the whole page has run again."""
    before = page.locator(".st-key-metrics-strip").inner_text()
    page.locator(".st-key-L input[type=range]").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("before => document.querySelector('.st-key-metrics-strip').innerText !== before", arg=before)
    wait_until_drawn(page)
    page.wait_for_timeout(500)  # in which the map would request what it does not have


def go(page, name):
    """Open another page by the sidebar."""
    page.locator("[data-testid=stSidebarNav]").get_by_role("link", name=name).click()


def wait_until_playing(page):
    """Wait until a clip is playing whose id is known; return the id."""
    playing = "(({ phase, id }) => phase === 'playing' && !id.startsWith('point ') && id)(window.earshot.state)"
    return page.wait_for_function(playing).json_value()


def test_all_points_and_the_query_are_drawn(shared_map):
    page = shared_map
    expect_state(page, drawn="20000")
    wait_for_colours(page, lambda counts: are_many(counts) and close_to(counts, "#e69f00") > 60)
    expect(page.locator(".map .group")).to_have_count(7)


def are_many(counts):
    """Return whether more than 10,000 pixels have another colour than most."""
    return counts.total() - counts.most_common(1)[0][1] > 10_000


def test_points_are_drawn_with_webgl_and_the_view_is_not_animated_with_reduced_motion(visit_map):
    page = visit_map(scripts=EMULATED_WEBGL, reduced_motion="reduce")
    if state(page, "painter") == "webgl":  # else this browser cannot emulate it
        wait_for_colours(page, are_many)
    page.locator(".map .marks").focus()
    for _ in range(6):
        page.keyboard.press("+")
    page.wait_for_selector('.map[data-zoom="11.391"]')
    before = state(page, "at")
    page.locator(".map").evaluate(
        """map => {
          window.seen = []
          new MutationObserver(() => seen.push(map.dataset.at)).observe(map, { attributeFilter: ["data-at"] })
        }"""
    )
    page.keyboard.press("Home")
    page.wait_for_function("seen.length > 0")
    page.wait_for_timeout(400)  # an animation would last 300 ms
    assert set(page.evaluate("seen")) - {before} == {state(page, "at")}


def test_hovering_names_a_clip_a_press_plays_it_and_clips_in_view_or_drawn_around_are_listed(visit_map):
    page = visit_map()
    move_to(page, *DENSE)
    expect(page.locator(".map .tooltip")).to_be_visible()
    name = page.locator(".map .tooltip").inner_text()
    press(page, *DENSE)
    clip = wait_until_playing(page)
    card = page.locator(".map .card")
    expect(card).to_have_attribute("data-clip", clip)
    assert card.locator(".labels").inner_text().split(", ")[0] in name
    assert page.evaluate("document.querySelectorAll('audio').length") == 1
    assert_card_in_sight(card)
    page.get_by_role("button", name="Close this card").click()
    expect(card).to_be_hidden()
    press(page, *DENSE)
    expect(card).to_be_visible()
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()

    press(page, *DENSE)
    clip = wait_until_playing(page)
    page.locator(".map .card").get_by_role("button", name="Find similar").click()
    wait_for_link(page, clip=clip)
    expect(page.locator(".map .card .outcome")).to_contain_text("your sound")
    expect(page.locator(".map .marks")).to_be_focused()
    expect(page.get_by_text(re.compile("^Your sound is now "))).to_be_attached()
    page.keyboard.press("Home")
    expect(page.locator(".map .tooltip")).to_contain_text("your sound")
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()
    assert_clips_in_view_and_those_drawn_around_are_listed_and_can_be_played(page)


def assert_card_in_sight(card):
    for part in (card.locator(".labels"), card.get_by_role("button", name="Find similar")):
        expect(part).to_be_in_viewport(ratio=1)


def assert_clips_in_view_and_those_drawn_around_are_listed_and_can_be_played(page):
    listed = page.locator(".st-key-map-chosen")
    page.keyboard.press("v")
    expect(listed).to_contain_text("20,000 clips in the part of the map that you chose; 10 of them")
    wait_until_drawn(page)
    page.keyboard.down("Shift")
    for i, corner in enumerate([(0.45, 0.55), (0.55, 0.55), (0.55, 0.7), (0.45, 0.7)]):
        move_to(page, *corner)
        if not i:
            page.mouse.down()
    page.mouse.up()
    page.keyboard.up("Shift")
    expect(listed).not_to_contain_text("20,000")
    n = int(re.match(r"([\d,]+) clips", listed.inner_text())[1].replace(",", ""))
    xy, view = page.evaluate("[[...earshotMap.chart.xy], [...earshotMap.views.values()][0]]")
    at = (np.array(xy).reshape(-1, 2) - 32768) * view["scale"] * (1, -1) / (view["width"], view["height"]) + 0.5
    within = (at > (0.45, 0.55)) & (at < (0.55, 0.7))
    assert n == pytest.approx(np.count_nonzero(within.all(axis=1)), rel=0.05)
    listed.get_by_role("button", name="Show 10 more").click()
    expect(listed.locator(".card")).to_have_count(20)
    clip = listed.locator(".card").nth(2).get_attribute("data-clip")
    listed.locator(".play").nth(2).click()
    assert wait_until_playing(page) == clip
    listed.get_by_role("button", name="Close the list").click()
    expect(listed).to_have_count(0)


def test_the_tooltip_stays_at_its_point_when_the_view_changes(shared_map):
    page = shared_map
    page.locator(".map .marks").focus()
    page.keyboard.press("n")
    tooltip = page.locator(".map .tooltip")
    expect(tooltip).to_be_visible()
    whole = tooltip.get_attribute("style")  # its place in the frame
    for _ in range(4):
        page.keyboard.press("+")
    page.get_by_role("button", name="Go to your sound and its neighbours").click()
    expect(tooltip).not_to_have_attribute("style", whole)
    expect(tooltip).to_be_visible()
    page.get_by_role("button", name="Show everything: 0").click()
    expect(tooltip).to_have_attribute("style", whole)


def test_label_and_candidates_are_highlighted_and_in_the_url_and_a_query_chosen_on_listen_is_moved_into_view(visit_map):
    page = visit_map()
    before = close_to(colours(page), "#a98a6a", within=12)
    page.get_by_role("combobox", name="Show a label").fill("Drum kit")
    page.keyboard.press("Enter")
    expect(page.locator(".map .mark-legend")).to_contain_text("Drum kit: ")
    wait_for_colours(page, lambda counts: close_to(counts, "#a98a6a", within=12) < min(200, before))
    page.get_by_text("Show candidates").click()
    wait_for_link(page, candidates="true", label="Drum kit")
    legend = page.locator(".map .legend")
    branches = legend.inner_text()
    page.locator(".map .marks").focus()
    page.keyboard.press("+")
    expect_state(page, zoom="1.500")
    page.get_by_role("combobox", name="Colour by").fill("by label")
    page.keyboard.press("Enter")
    expect(legend).not_to_contain_text(branches.splitlines()[0])
    wait_until_drawn(page)
    expect_state(page, zoom="1.500")
    again = visit_map("&label=Drum+kit&candidates=true&colour=by+label&K=9")
    expect(again.locator(".map .legend")).to_have_text(legend.inner_text(), use_inner_text=True)
    expect(again.locator(".map .legend")).not_to_have_text(branches, use_inner_text=True)
    expect(again.locator(".map .mark-legend")).to_contain_text("Drum kit: ")
    expect(again.locator(".map .mark-legend")).to_contain_text("candidate ")
    assert_a_query_chosen_on_listen_is_moved_into_view(again)


def assert_a_query_chosen_on_listen_is_moved_into_view(page):
    for _ in range(8):
        page.get_by_role("button", name="Zoom in").click()  # into the middle, where there are few points
    go(page, "Listen")
    page.wait_for_selector(".neighbours .tab")
    wait_until_drawn(page)
    clip = page.locator(".card").first.get_attribute("data-clip")
    page.locator(".card .find-similar").first.click()
    page.wait_for_selector(f'.query [data-clip="{clip}"]')
    page.get_by_role("link", name="See it on the map").click()
    page.wait_for_selector(".map[data-drawn]")
    wait_for_link(page, clip=clip, K="9", dataset="sample")
    wait_for_colours(page, lambda counts: close_to(counts, "#e69f00") > 60)  # the view moves there
    go(page, "Listen")
    page.wait_for_selector(f'.query [data-clip="{clip}"]')


def test_without_webgl_the_wheel_scrolls_or_zooms_and_a_rerun_or_a_return_sends_no_points_and_keeps_the_view(visit_map):
    page = visit_map(height=700, scripts=NO_WEBGL)
    expect_state(page, drawn="20000", painter="canvas")
    wait_for_colours(page, are_many)
    first, received = sum(page.sent), page.evaluate("window.earshotMap.received")
    assert received > 200_000
    main = "document.querySelector('[data-testid=stMain]').scrollTop"
    move_to(page, 0.5, 0.3)
    scrolled = page.evaluate(main)
    page.mouse.wheel(0, 200)
    page.wait_for_function(f"{main} > {scrolled} + 100")
    expect_state(page, zoom="1.000")
    page.locator(".map .marks").focus()
    move_to(page, 0.5, 0.5)
    page.mouse.wheel(0, -300)
    page.wait_for_selector('.map:not([data-zoom="1.000"])')

    page.get_by_role("button", name="Zoom in").click()
    page.locator(".map .marks").focus()
    page.keyboard.press("+")
    move_to(page, *DENSE)
    page.mouse.down()
    move_to(page, 0.4, 0.5)
    page.mouse.up()
    page.wait_for_function("earshotMap.views.values().next().value.zoom > 2")
    wait_until_still(page)
    zoom, at = state(page, "zoom"), state(page, "at")
    page.sent.clear()
    rerun(page)
    assert (state(page, "zoom"), state(page, "at")) == (zoom, at)
    assert page.evaluate("window.earshotMap.received") == received
    assert sum(page.sent) < first / 3
    go(page, "Listen")
    page.wait_for_selector(".neighbours .tab")
    go(page, "Map")
    page.wait_for_selector(".map[data-drawn]")
    expect_state(page, zoom=zoom)
    assert page.evaluate("window.earshotMap.received") == received


def wait_until_still(page):
    """Wait until the map shows its view."""
    page.wait_for_function(
        """map => {
          const { x, y, zoom } = earshotMap.views.values().next().value
          return map.dataset.at === `${Math.round(x)},${Math.round(y)}` && map.dataset.zoom === zoom.toFixed(3)
        }""",
        arg=page.locator(".map").element_handle(),
    )


def test_the_map_can_be_used_by_keyboard(shared_map):
    page = shared_map
    chart = page.locator(".map .marks")
    chart.focus()
    page.keyboard.press("Home")
    expect(page.locator(".map .tooltip")).to_contain_text("your sound")
    page.keyboard.press("n")
    expect(page.locator(".map .tooltip")).to_contain_text("nearest of all")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    wait_until_playing(page)
    page.keyboard.press("+")
    page.wait_for_selector('.map:not([data-zoom="1.000"])')
    page.keyboard.press("0")
    expect_state(page, zoom="1.000")
    expect(chart).to_have_attribute("aria-label", "Map of 20,000 clips")
    expect(page.locator(f".map #{chart.get_attribute('aria-describedby')}")).to_contain_text("Arrow keys move")
    page.keyboard.press("Escape")
    expect(page.locator(".map .card")).to_be_hidden()


def test_a_branch_can_be_shown_alone_by_mouse_and_by_keyboard(shared_map):
    page = shared_map
    music = page.locator(".map .group").nth(2)
    before = close_to(colours(page), "#7f9b6c", within=12)
    music.focus()
    page.keyboard.press("Enter")
    expect(music).to_have_attribute("aria-pressed", "true")
    page.mouse.move(0, 0)
    wait_for_colours(page, lambda counts: close_to(counts, "#7f9b6c", within=12) < before / 5)
    music.click()
    expect(music).to_have_attribute("aria-pressed", "false")


def test_a_phone_shows_the_map_first_and_the_card_of_a_pressed_point_in_sight(visit_map):
    page = visit_map(width=390, height=844, has_touch=True)
    wait_until_one_below_another(page, ".map .frame", ".map .mark-legend", ".map .legend", ".st-key-metrics-strip")
    wait_until_nothing_scrolls_sideways(page)
    page.locator(".map .marks").tap(position=place(page, *DENSE))
    wait_until_playing(page)
    assert_card_in_sight(page.locator(".map .card"))


def test_help_marks_are_large_enough_to_press(shared_map):
    mark = shared_map.locator("[data-testid=stTooltipHoverTarget]").first
    sides = "mark => ((box) => Math.min(box.width, box.height) >= 24)(mark.getBoundingClientRect())"
    wait_until_equal(shared_map, lambda: mark.evaluate(sides), expected=True)
