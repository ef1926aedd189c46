"""Learn in a browser: interactive figures, playing a clip, moving between chapters, links to other pages."""

import contextlib
import io

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import wait_for_link, wait_until_drawn, wait_until_heard, wait_until_one_below_another

pytestmark = pytest.mark.browser


@pytest.fixture
def learn(new_page, earshot):
    """Return a function that opens a chapter on the sample and waits until the page is complete."""

    def open_learn(chapter, **looks):
        page = new_page(**looks)
        page.goto(f"{earshot}learn?dataset=sample&chapter={chapter}")
        page.wait_for_selector(".st-key-metrics-strip [data-testid=stMetric]")
        wait_until_drawn(page)
        return page

    return open_learn


def test_a_line_is_turned_a_missed_clip_is_played_and_a_link_to_tune_keeps_the_settings(learn):
    page = learn("One bit&L=11&K=7&probes=1")
    page.get_by_text("Same side: the bit agrees").wait_for()
    page.get_by_role("slider", name="Turn the line, degrees").focus()
    page.keyboard.press("End")
    page.get_by_text("Parted: the bit differs").wait_for()

    open_chapter(page, "Missed")
    page.get_by_text("missed: LSH never looked at it").first.wait_for()
    page.locator("button.play").last.click()
    wait_until_heard(page)

    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_text("The code", exact=True).click()
    page.get_by_role("tab", name="All of it, to run").click()
    program = page.locator(".st-key-tutorial-code [data-testid=stCode]:visible")
    program.hover()
    program.locator("[data-testid=stElementToolbarButton] button").click()
    copied = page.wait_for_function(  # the browser copies in its own time
        "navigator.clipboard.readText().then((text) => text.includes('\\nL, K = 11, 7\\n') && text)"
    ).json_value()
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(copied, "copied", "exec"), {})  # noqa: S102 - our own
    assert printed.getvalue().strip() == copied.partition("  # lsh: ")[2]

    open_chapter(page, "Trade-off")
    page.get_by_role("link", name="Find the best setting").click()
    page.get_by_role("heading", name="Every setting at once").wait_for()
    wait_for_link(page, L="11", K="7")


def open_chapter(page, name):
    page.locator(".st-key-contents").get_by_text(name, exact=True).click()
    wait_for_link(page, chapter=name)


def test_a_chapter_opens_at_its_top_and_on_a_phone_the_contents_show_it_and_can_be_scrolled(learn):
    page = learn("Question 2", width=390, height=844)
    contents, opened = page.locator(".st-key-contents"), page.locator(".st-key-contents label:has(:checked)")
    expect(opened).to_be_in_viewport(ratio=1)
    page.get_by_role("button", name="Next: How does the quality").click()
    expect_opened_at_its_top(page)
    expect(opened).to_have_text("Question 3")
    expect(opened).to_be_in_viewport(ratio=1)
    page.get_by_role("button", name="← Question 2").click()
    expect(opened).to_have_text("Question 2")
    expect(opened).to_be_in_viewport(ratio=1)
    page.wait_for_function("!document.querySelector('.st-key-contents').getAnimations({ subtree: true }).length")
    contents.evaluate("line => line.scrollTo(0, 0)")
    page.wait_for_timeout(500)  # it does not return to the open chapter
    assert contents.evaluate("line => line.scrollLeft") == 0

    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_role("button", name="Next: How does the quality").click()
    expect_opened_at_its_top(page)
    wait_for_link(page, chapter="Question 3")


def expect_opened_at_its_top(page):
    expect(page.get_by_role("heading", name="How does the quality")).to_be_in_viewport(ratio=1)
    in_order = [".st-key-metrics-strip", ".st-key-chapter-content"]
    if page.viewport_size["width"] <= 767:  # on a phone the text comes first
        in_order.reverse()
    wait_until_one_below_another(page, *in_order)
