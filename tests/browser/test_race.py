"""Race in a browser: running and cancelling a race, a stable layout, downloads."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import wait_until_drawn, wait_until_equal, wait_until_nothing_scrolls_sideways

pytestmark = pytest.mark.browser

# Stores every height at which an element is drawn.
WATCH = """selector => {
  window.heights = new Set()
  const look = () => {
    for (const element of document.querySelectorAll(selector)) window.heights.add(element.getBoundingClientRect().y)
    requestAnimationFrame(look)
  }
  look()
}"""
CHARTS = "[data-testid=stPlotlyChart]"


@pytest.fixture
def race(new_page, earshot):
    """Return a function that opens Race on the sample, with further settings in the link, and waits for its charts."""

    def open_race(query="", **looks):
        page = new_page(**looks)
        page.goto(f"{earshot}race?dataset=sample{query}")
        page.wait_for_function(f"document.querySelectorAll('{CHARTS} .js-plotly-plot').length === 3")
        page.get_by_text("Download as JSON").wait_for()
        return page

    return open_race


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


def test_a_race_can_be_cancelled_and_run_again_which_does_not_move_what_is_above_its_result(race):
    page = race("&metric=euclidean&L=32&K=24&probes=16")  # the longest race there is
    button(page, "Race").click()
    button(page, "Cancel").click()
    state = page.locator(".st-key-race-state")
    state.get_by_text(re.compile("Cancelled after|This setting has not raced yet")).wait_for()
    page.get_by_role("slider", name="Race over this many clips").press("Home")
    expect(page.get_by_role("slider", name="Race over this many clips")).to_have_attribute("aria-valuetext", "1,000")
    wait_until_drawn(page)
    button(page, "Race").scroll_into_view_if_needed()
    page.evaluate(WATCH, ".st-key-race-result")
    button(page, "Race").click()
    page.get_by_text(re.compile(r"^L = 32 tables, K = 24 bits, 16 probes over 1,000 clips: .*you see this$")).wait_for()
    expect(page.locator(CHARTS)).to_have_count(3)  # the old chart may be shown beside the new one for a moment
    wait_until_drawn(page)
    expect(page.locator("[data-testid=stException]")).to_have_count(0)
    assert len(page.evaluate("[...window.heights]")) == 1


def test_on_a_phone_a_wide_table_scrolls_by_itself_and_races_can_be_downloaded_as_csv(race):
    page = race(width=390, height=844)
    table = page.locator("[data-testid=stTable]").first
    scrolls = "e => [e, ...e.querySelectorAll('*')].some(x => /auto|scroll/.test(getComputedStyle(x).overflowX))"
    wait_until_equal(page, lambda: table.evaluate(scrolls), expected=True)
    wait_until_nothing_scrolls_sideways(page)
    with page.expect_download() as coming:
        button(page, "Download as CSV").click()
    assert coming.value.suggested_filename == "earshot-race.csv"
    header = coming.value.path().read_text().splitlines()[0]
    assert header.startswith("run,racer,n,ms,")
