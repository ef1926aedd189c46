"""Filters and longer lists in a browser: the panel, the address, other pages, and the parts by keyboard."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import clip_ids, wait_for_link, wait_until_drawn, wait_until_nothing_scrolls_sideways

pytestmark = pytest.mark.browser


def choose(page, title, value):
    """Choose a value in a widget of the panel by keyboard."""
    page.wait_for_function("[...document.querySelectorAll('details')].every((one) => !one.getAnimations().length)")
    box = page.get_by_role("combobox", name=title)  # whose list Streamlit closes when the panel scrolls while it opens
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
    wait_for_link(page, only="any:Rain|Siren")
    expect(page.locator(".card .labels", has_text=re.compile("Rain|Siren"))).to_have_count(10)
    expect(page.locator(".card")).to_have_count(10)
    page.get_by_role("button", name="Show the next 10").click()
    expect(page.locator(".card")).to_have_count(20)
    page.wait_for_selector("text=recall@20")
    page.reload()
    chip.wait_for()
    expect(page.locator(".card")).to_have_count(20)
    page.get_by_role("link", name="Inside").click()
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


# Scrolls to a field, again while what is above it grows, and returns whether all of it can be seen.
SCROLLED_TO = """(label) => {
  const field = document.querySelector(`[aria-label="${label}"]`)
  field.scrollIntoView({ block: "nearest" })
  const { top, bottom } = field.getBoundingClientRect()
  return top > -1 && bottom < innerHeight + 1  // a page is scrolled by whole pixels
}"""


def test_the_panel_is_reached_at_its_end_and_a_clip_that_is_hidden_makes_way_for_the_next_nearest(visit):
    page = visit("?dataset=videos&clip=video-00003_30&only=any:Rain;length:..20", 390)
    page.get_by_text("Narrow the results").click()
    page.get_by_label("Length to (s)").wait_for()
    for width in (390, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function(SCROLLED_TO, arg="Length to (s)")
        wait_until_nothing_scrolls_sideways(page)

    cards = page.locator(".card")
    expect(cards).to_have_count(10)
    wait_until_drawn(page)
    ids = clip_ids(cards)
    second = page.locator(f'.card[data-clip="{ids[1]}"]')
    second.get_by_role("button", name="Favourite, note, never show").click()
    second.get_by_role("button", name="Never show this").click()
    expect(second).to_have_count(0)
    for place, clip in enumerate([ids[0], *ids[2:]]):
        expect(cards.nth(place)).to_have_attribute("data-clip", clip)
    expect(cards).to_have_count(10)
    wait_until_drawn(page)
    last = clip_ids(cards)[9]
    assert last not in ids
    expect(page.locator(".hidden-count")).to_contain_text("1 clip is hidden: you never want to see it.")
    page.keyboard.press("Control+z")
    expect(second).to_have_count(1)
    expect(page.locator(f'.card[data-clip="{last}"]')).to_have_count(0)
    expect(cards).to_have_count(10)
