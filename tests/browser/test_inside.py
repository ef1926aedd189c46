"""Inside, as a person meets it: lines that are dragged, drawn and turned, and bucket mates that can be heard."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

SOUNDING = "window.earshot.state.phase === 'playing'"


@pytest.fixture
def inside(stranger, earshot):
    """Return a function that opens one step of Inside on the sample and waits for what is drawn there."""

    def open_step(step, wait, height=1000, **looks):
        page = stranger(height=height, **looks)
        page.goto(f"{earshot}inside?dataset=sample&step={step}")
        page.wait_for_selector(wait)
        return page

    return open_step


@pytest.fixture
def toy(inside):
    page = inside("Planes", ".plane-demo .dot.found")
    page.wait_for_selector("text=recall@10")  # the page has come to rest, and nothing moves any more
    page.locator(".plane-demo .plane").scroll_into_view_if_needed()
    return page


def said(page):
    return page.locator(".plane-demo .summary").inner_text()


def looked_at(page):
    return int(re.search(r"hold[s]? (\d+) of", said(page)).group(1))


def line(page, number):
    return page.locator(f".plane-demo .line:nth-child({number})")


def test_dragging_a_line_changes_what_is_looked_at_at_once(toy):
    before, knob = looked_at(toy), line(toy, 1).locator(".handle").bounding_box()
    plane = toy.locator(".plane-demo .plane").bounding_box()
    toy.mouse.move(knob["x"] + knob["width"] / 2, knob["y"] + knob["height"] / 2)
    toy.mouse.down()
    toy.mouse.move(plane["x"] + plane["width"] / 2, plane["y"] + plane["height"] - 5, steps=8)
    turned = line(toy, 1).get_attribute("aria-label")
    after = looked_at(toy)
    toy.mouse.up()
    assert "Line 1 of 3" in turned
    assert after != before


def test_a_line_is_drawn_by_hand_across_the_empty_plane(toy):
    plane = toy.locator(".plane-demo .plane").bounding_box()
    toy.mouse.move(plane["x"] + 12, plane["y"] + 12)
    toy.mouse.down()
    toy.mouse.move(plane["x"] + 60, plane["y"] + plane["height"] - 12, steps=5)
    toy.mouse.up()
    expect(toy.locator(".plane-demo .line")).to_have_count(4)
    assert said(toy).startswith("4 lines.")


def test_one_more_line_never_adds_candidates_and_one_more_table_never_removes_any(toy):
    counts = [looked_at(toy)]
    for _ in range(3):
        toy.get_by_role("button", name="Add a line to this table").click()
        counts.append(looked_at(toy))
    assert counts == sorted(counts, reverse=True)
    toy.get_by_role("button", name="Add a table").click()
    assert said(toy).startswith("6 + 6")
    assert looked_at(toy) >= counts[-1]


def test_the_keyboard_alone_turns_moves_and_takes_away_a_line(toy):
    level = line(toy, 2)  # it runs across, from the left edge to the right
    level.focus()
    label = level.get_attribute("aria-label")
    toy.keyboard.press("ArrowRight")
    assert level.get_attribute("aria-label") != label
    stroke = level.locator(".stroke")
    height = float(stroke.get_attribute("y1"))
    toy.keyboard.press("ArrowDown")
    assert float(stroke.get_attribute("y1")) > height
    toy.keyboard.press("Delete")
    expect(toy.locator(".plane-demo .line")).to_have_count(2)


def test_a_neighbour_on_the_plane_can_be_heard(toy):
    dot = toy.locator(".plane-demo .dot[tabindex]").first
    dot.focus()
    toy.keyboard.press("Enter")
    toy.wait_for_function(SOUNDING)
    assert toy.evaluate("window.earshot.state.id") == dot.get_attribute("data-clip")


def test_a_bucket_mate_can_be_heard_and_made_the_query(inside):
    page = inside("Buckets", ".st-key-inside-mates .card")
    mate = page.locator(".st-key-inside-mates .card").first
    clip = mate.get_attribute("data-clip")
    mate.locator(".play").click()
    page.wait_for_function(f"{SOUNDING} && window.earshot.state.id === '{clip}'")
    mate.get_by_role("button", name="Find similar").click()
    page.wait_for_selector(f'.st-key-inside-query .card[data-clip="{clip}"]')
    expect(page).to_have_url(re.compile(rf"clip={clip}.*|.*clip={clip}"))
    expect(page.get_by_role("heading", name="One bucket in each table")).to_be_visible()


def test_the_steps_are_in_the_link(inside):
    page = inside("Key", ".js-plotly-plot")
    page.get_by_role("button", name="Next: One bucket in each table").click()
    page.wait_for_url("**step=Buckets**")


@pytest.mark.parametrize("step", ["Planes", "Missed"])
def test_nothing_scrolls_sideways_on_a_phone(inside, step):
    page = inside(
        step, ".plane-demo .dot.found" if step == "Planes" else ".st-key-inside-truth .card", width=390, height=844
    )
    widths = page.evaluate(
        "[document.documentElement, document.querySelector('[data-testid=stMain]')].map(e => e.scrollWidth)"
    )
    assert max(widths) <= 390
