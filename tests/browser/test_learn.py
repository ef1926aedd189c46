"""Learn, as a newcomer meets it: a line that turns, a sound that plays, chapters in the link."""

from urllib.parse import parse_qs, urlsplit

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PATIENCE = 120_000  # ms; a first visit indexes and measures on whatever machine this is


@pytest.fixture
def learn(chromium, earshot):
    """Return a function that opens a chapter on the sample and waits until all of the page is there."""
    contexts = []

    def open_learn(chapter, width=1440, height=900, scheme="light"):
        contexts.append(chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme))
        page = contexts[-1].new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(f"{earshot}learn?dataset=sample&chapter={chapter}")
        page.wait_for_selector(".st-key-measures [data-testid=stMetric]")
        return page

    yield open_learn
    for context in contexts:
        context.close()


def test_turning_the_line_with_the_keyboard_parts_the_neighbour_and_says_so(learn):
    page = learn("One bit")
    page.get_by_text("Same side: the bit agrees").wait_for()
    page.get_by_role("slider", name="Turn the line, degrees").focus()
    page.keyboard.press("End")
    page.get_by_text("Parted: the bit differs").wait_for()


def test_a_missed_neighbour_can_be_heard(learn):
    page = learn("Missed")
    page.get_by_text("missed: LSH never looked at it").first.wait_for()
    page.locator("button.play").last.click()
    page.wait_for_function("window.earshot.now.phase === 'playing'")


def test_the_next_button_opens_the_next_chapter_and_the_link_says_so(learn):
    page = learn("K bits")
    page.get_by_role("button", name="Next: Why several tables?").click()
    page.get_by_role("heading", name="Why several tables?").wait_for()
    page.wait_for_function("new URLSearchParams(location.search).get('chapter') === 'L tables'")


def test_a_door_leads_to_tune_with_the_state_kept(learn):
    page = learn("Trade-off&L=11&K=7")
    page.get_by_role("link", name="Find the best setting").click()
    page.get_by_role("heading", name="Every setting at once").wait_for()
    shown = {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}
    assert (shown["L"], shown["K"]) == ("11", "7")


@pytest.mark.parametrize("chapter", ["Alike", "Question 1"])
def test_nothing_scrolls_sideways_on_a_phone(learn, chapter):
    page = learn(chapter, width=390, height=844, scheme="dark")
    widths = page.evaluate(
        "[document.documentElement, document.querySelector('[data-testid=stMain]')].map(e => e.scrollWidth)"
    )
    assert max(widths) <= 390
