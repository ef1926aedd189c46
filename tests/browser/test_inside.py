"""Inside in a browser: lines of the plane are dragged, drawn and turned; clips of a bucket are played."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import wait_for_link, wait_until_heard

pytestmark = pytest.mark.browser


@pytest.fixture
def inside(new_page, earshot):
    """Return a function that opens one step of Inside on the sample and waits for a selector."""

    def open_step(step, wait, height=1000, **looks):
        page = new_page(height=height, **looks)
        page.goto(f"{earshot}inside?dataset=sample&step={step}")
        page.wait_for_selector(wait)
        return page

    return open_step


@pytest.fixture
def plane_demo(inside):
    page = inside("Planes", ".plane-demo .dot.found")
    page.wait_for_selector("text=recall@10")  # drawn last; nothing moves after it
    page.locator(".plane-demo .plane").scroll_into_view_if_needed()
    return page


def summary(page):
    return page.locator(".plane-demo .summary")


def looked_at(page, lines):
    """Return the number of clips that lines hold, once there are as many lines as `lines` says."""
    expect(summary(page)).to_contain_text(re.compile(rf"^{re.escape(lines)} lines?\."))
    return int(re.search(r"hold[s]? (\d+) of", summary(page).inner_text()).group(1))


def line(page, number):
    return page.locator(f".plane-demo .line:nth-child({number})")


def test_lines_are_dragged_drawn_and_added_and_the_candidates_follow_at_once(plane_demo):
    plane = plane_demo.locator(".plane-demo .plane")
    width, height = plane.evaluate("plane => [plane.clientWidth, plane.clientHeight]")
    before = looked_at(plane_demo, "3")
    line(plane_demo, 1).locator(".handle").hover()
    plane_demo.mouse.down()
    move_to(plane, width / 2, height - 5)
    expect(line(plane_demo, 1)).to_have_attribute("aria-label", re.compile("Line 1 of 3"))
    expect(summary(plane_demo)).not_to_contain_text(re.compile(rf"holds? {before} of"))  # the button is still down
    plane_demo.mouse.up()

    move_to(plane, 12, 12)
    plane_demo.mouse.down()
    move_to(plane, 60, height - 12)
    plane_demo.mouse.up()
    expect(plane_demo.locator(".plane-demo .line")).to_have_count(4)

    counts = [looked_at(plane_demo, "4")]  # one more line never adds candidates, and one more table never removes any
    for n_lines in "56":
        plane_demo.get_by_role("button", name="Add a line to this table").click()
        counts.append(looked_at(plane_demo, n_lines))
    assert counts == sorted(counts, reverse=True)
    plane_demo.get_by_role("button", name="Add a table").click()
    assert looked_at(plane_demo, "6 + 6") >= counts[-1]


def move_to(plane, x, y):
    """Move the mouse to a place of the plane, measured when it moves: the page may have been laid out anew."""
    plane.hover(position={"x": x, "y": y}, force=True)


def test_by_keyboard_a_line_is_turned_moved_and_removed_and_a_neighbour_is_played(plane_demo):
    level = line(plane_demo, 2)  # from the left edge to the right
    level.focus()
    label = level.get_attribute("aria-label")
    plane_demo.keyboard.press("ArrowRight")
    expect(level).not_to_have_attribute("aria-label", label)
    stroke = level.locator(".stroke")
    height = stroke.get_attribute("y1")
    plane_demo.keyboard.press("ArrowDown")
    expect(stroke).not_to_have_attribute("y1", height)
    assert float(stroke.get_attribute("y1")) > float(height)
    plane_demo.keyboard.press("Delete")
    expect(plane_demo.locator(".plane-demo .line")).to_have_count(2)

    dot = plane_demo.locator(".plane-demo .dot[tabindex]").first
    dot.focus()
    plane_demo.keyboard.press("Enter")
    wait_until_heard(plane_demo, dot.get_attribute("data-clip"))


def test_the_open_step_is_in_the_url_and_a_clip_of_a_bucket_can_be_played_and_searched_with(inside):
    page = inside("Key", ".js-plotly-plot")
    page.get_by_role("button", name="Next: One bucket in each table").click()
    page.wait_for_url("**step=Buckets**")
    page.wait_for_selector(".st-key-inside-mates .card")
    mate = page.locator(".st-key-inside-mates .card").first
    clip = mate.get_attribute("data-clip")
    mate.locator(".play").click()
    wait_until_heard(page, clip)
    mate.get_by_role("button", name="Find similar").click()
    page.wait_for_selector(f'.st-key-inside-query .card[data-clip="{clip}"]')
    wait_for_link(page, clip=clip)
    expect(page.get_by_role("heading", name="One bucket in each table")).to_be_visible()
    expect(page.locator(".st-key-inside-query .card")).to_be_focused()
    expect(page.locator(".st-key-inside-query .card")).to_be_in_viewport(ratio=1)
