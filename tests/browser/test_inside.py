"""Inside in a browser: lines of the plane are dragged, drawn and turned; clips of a bucket are played."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

PLAYING = "window.earshot.state.phase === 'playing'"


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
    return page.locator(".plane-demo .summary").inner_text()


def looked_at(page):
    return int(re.search(r"hold[s]? (\d+) of", summary(page)).group(1))


def line(page, number):
    return page.locator(f".plane-demo .line:nth-child({number})")


def test_lines_are_dragged_drawn_and_added_and_the_candidates_follow_at_once(plane_demo):
    before, handle = looked_at(plane_demo), line(plane_demo, 1).locator(".handle").bounding_box()
    plane = plane_demo.locator(".plane-demo .plane").bounding_box()
    plane_demo.mouse.move(handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2)
    plane_demo.mouse.down()
    plane_demo.mouse.move(plane["x"] + plane["width"] / 2, plane["y"] + plane["height"] - 5, steps=8)
    turned = line(plane_demo, 1).get_attribute("aria-label")
    after = looked_at(plane_demo)
    plane_demo.mouse.up()
    assert "Line 1 of 3" in turned
    assert after != before

    plane_demo.mouse.move(plane["x"] + 12, plane["y"] + 12)
    plane_demo.mouse.down()
    plane_demo.mouse.move(plane["x"] + 60, plane["y"] + plane["height"] - 12, steps=5)
    plane_demo.mouse.up()
    expect(plane_demo.locator(".plane-demo .line")).to_have_count(4)
    assert summary(plane_demo).startswith("4 lines.")

    counts = [looked_at(plane_demo)]  # one more line never adds candidates, and one more table never removes any
    for _ in range(2):
        plane_demo.get_by_role("button", name="Add a line to this table").click()
        counts.append(looked_at(plane_demo))
    assert counts == sorted(counts, reverse=True)
    plane_demo.get_by_role("button", name="Add a table").click()
    assert summary(plane_demo).startswith("6 + 6")
    assert looked_at(plane_demo) >= counts[-1]


def test_by_keyboard_a_line_is_turned_moved_and_removed_and_a_neighbour_is_played(plane_demo):
    level = line(plane_demo, 2)  # from the left edge to the right
    level.focus()
    label = level.get_attribute("aria-label")
    plane_demo.keyboard.press("ArrowRight")
    assert level.get_attribute("aria-label") != label
    stroke = level.locator(".stroke")
    height = float(stroke.get_attribute("y1"))
    plane_demo.keyboard.press("ArrowDown")
    assert float(stroke.get_attribute("y1")) > height
    plane_demo.keyboard.press("Delete")
    expect(plane_demo.locator(".plane-demo .line")).to_have_count(2)

    dot = plane_demo.locator(".plane-demo .dot[tabindex]").first
    dot.focus()
    plane_demo.keyboard.press("Enter")
    plane_demo.wait_for_function(PLAYING)
    assert plane_demo.evaluate("window.earshot.state.id") == dot.get_attribute("data-clip")


def test_the_open_step_is_in_the_url_and_a_clip_of_a_bucket_can_be_played_and_searched_with(inside):
    page = inside("Key", ".js-plotly-plot")
    page.get_by_role("button", name="Next: One bucket in each table").click()
    page.wait_for_url("**step=Buckets**")
    page.wait_for_selector(".st-key-inside-mates .card")
    mate = page.locator(".st-key-inside-mates .card").first
    clip = mate.get_attribute("data-clip")
    mate.locator(".play").click()
    page.wait_for_function(f"{PLAYING} && window.earshot.state.id === '{clip}'")
    mate.get_by_role("button", name="Find similar").click()
    page.wait_for_selector(f'.st-key-inside-query .card[data-clip="{clip}"]')
    expect(page).to_have_url(re.compile(rf"clip={clip}.*|.*clip={clip}"))
    expect(page.get_by_role("heading", name="One bucket in each table")).to_be_visible()
    expect(page.locator(".st-key-inside-query .card")).to_be_focused()
    expect(page.locator(".st-key-inside-query .card")).to_be_in_viewport(ratio=1)
