"""Filters and longer lists in a browser: the panel, the address, other pages, and the parts by keyboard."""

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def linked(page, name):
    return parse_qs(urlsplit(page.url).query).get(name, [None])[0]


def labels(page):
    """Return the labels of the cards shown."""
    return page.locator(".card .labels").evaluate_all(
        "all => all.map((one) => one.textContent.replace(' (shared)', ''))"
    )


def choose(page, title, value):
    """Choose a value in a widget of the panel by keyboard."""
    box = page.get_by_role("combobox", name=title)
    box.fill(value)
    page.get_by_role("option", name=value).wait_for()
    box.press("Enter")
    box.press("Escape")  # as long as the list is open, the rest of the page is hidden from screen readers


def test_a_filter_is_set_in_the_panel_kept_by_the_address_on_other_pages_and_removed_by_keyboard(visit):
    page = visit("?dataset=videos&lens=on")
    page.get_by_text("Narrow the results").click()
    choose(page, "With any of these labels", "Rain")
    page.wait_for_selector("text=Your filter leaves")
    choose(page, "With any of these labels", "Siren")
    chip = page.get_by_role("button", name="Rain or Siren")
    chip.wait_for()
    page.wait_for_function("location.search.includes('Siren')")
    assert linked(page, "only") == "any:Rain|Siren"
    expect(page.locator(".card")).to_have_count(10)
    assert set(labels(page)) <= {"Rain", "Siren"}
    page.get_by_role("button", name="Show the next 10").click()
    expect(page.locator(".card")).to_have_count(20)
    page.wait_for_selector("text=recall@20")
    page.reload()
    chip.wait_for()
    expect(page.locator(".card")).to_have_count(20)
    page.get_by_role("link", name="Tune").click()
    page.wait_for_selector("text=Your filter waits on Listen, Ask and Map.")
    page.wait_for_selector("text=recall@10")
    page.get_by_role("link", name="Map").click()
    page.wait_for_selector("text=the others are faded")
    shown = page.locator(".map")
    expect(shown).to_have_attribute("data-shown", str(len([i for i in range(320) if i % 3])))
    page.get_by_role("link", name="Listen").click()
    chip.focus()
    page.keyboard.press("Enter")
    expect(chip).to_be_hidden()
    expect(page.locator(".card")).to_have_count(20)
    page.go_back()
    chip.wait_for()


def test_a_clip_that_is_hidden_is_replaced_by_the_next_nearest_and_comes_back_when_it_is_undone(visit):
    page = visit("?dataset=videos&lens=off&clip=video-00003_30")
    expect(page.locator(".card")).to_have_count(10)
    ids = page.locator(".card").evaluate_all("all => all.map((one) => one.dataset.clip)")
    second = page.locator(f'.card[data-clip="{ids[1]}"]')
    second.get_by_role("button", name="Favourite, note, never show").click()
    second.get_by_role("button", name="Never show this").click()
    expect(second).to_have_count(0)
    expect(page.locator(".card")).to_have_count(10)
    after = page.locator(".card").evaluate_all("all => all.map((one) => one.dataset.clip)")
    assert after[:9] == [ids[0], *ids[2:]]
    assert after[9] not in ids
    expect(page.locator(".hidden-count")).to_contain_text("1 clip is hidden: you never want to see it.")
    page.keyboard.press("Control+z")
    expect(second).to_have_count(1)
    expect(page.locator(f'.card[data-clip="{after[9]}"]')).to_have_count(0)
    expect(page.locator(".card")).to_have_count(10)


# Scrolls to a field, again while what is above it grows, and returns whether all of it can be seen.
SCROLLED_TO = """(label) => {
  const field = document.querySelector(`[aria-label="${label}"]`)
  field.scrollIntoView({ block: "nearest" })
  const { top, bottom } = field.getBoundingClientRect()
  return top >= 0 && bottom <= innerHeight
}"""


@pytest.mark.parametrize("width", [390, 1440])
def test_the_panel_is_reached_at_its_end_and_nothing_scrolls_sideways(visit, width):
    page = visit("?dataset=videos&only=any:Rain;length:..20", width)
    page.get_by_text("Narrow the results").click()
    page.get_by_label("Length to (s)").wait_for()
    page.wait_for_function(SCROLLED_TO, arg="Length to (s)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
