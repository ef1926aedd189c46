"""Teach and Tidy in a browser: marks by mouse and keys, undone and kept over a reload; which of a group is kept."""

import csv
import io
import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import clip_ids, wait_until_drawn, wait_until_equal, wait_until_nothing_scrolls_sideways

pytestmark = pytest.mark.browser


def marked(page, mark):
    return page.locator(f'.teach .mark-{mark}[aria-pressed="true"]')


def test_a_label_is_taught_by_mouse_and_keys_undone_kept_over_a_reload_and_exported(new_page, earshot, mine):
    page = new_page()
    page.goto(earshot + "teach?dataset=mine&clip=f1&teach=drum")
    cards = page.locator(".teach .card")
    expect(cards).to_have_count(11)
    learned = page.locator("[data-testid=stMarkdown] p", has_text=re.compile(r"\d yes, \d no"))
    wait_until_drawn(page)
    order = clip_ids(cards)
    for place in range(1, 6):  # in a hurry
        cards.nth(place).locator(".mark-yes").click()
    expect(learned).to_contain_text("5 yes, 0 no")
    cards.nth(6).focus()
    for _ in range(4):
        page.keyboard.press("n")
    page.keyboard.press("y")
    page.keyboard.press("n")  # changes the last card, which keeps the focus
    expect(learned).to_contain_text("5 yes, 5 no")
    wait_until_equal(page, lambda: clip_ids(cards), order)
    page.keyboard.press("Control+z")
    expect(learned).to_contain_text("6 yes, 4 no")
    expect(page.get_by_text("A linear classifier")).to_be_visible()

    page.get_by_role("button", name="Next ten").click()
    expect(marked(page, "yes")).to_have_count(0)
    page.reload()
    expect(learned).to_contain_text("6 yes, 4 no")  # the browser has told the server
    expect(cards).to_have_count(11)
    wait_until_drawn(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Scores").click()
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text(encoding="utf-8-sig"))))
    assert len(rows) == 40
    assert {row["clip_id"] for row in rows if row["mark"] == "yes"} == {*order[1:6], order[10]}

    page.get_by_label("What do you listen for?").fill("hat")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="drum (10)").click()
    expect(learned).to_contain_text("6 yes, 4 no")
    expect(page).to_have_url(re.compile("teach=drum"))
    page.set_viewport_size({"width": 390, "height": 844})
    wait_until_nothing_scrolls_sideways(page)


def test_another_sound_of_a_group_can_be_kept_by_keyboard_and_the_list_of_the_rest_follows(new_page, earshot, mine):
    page = new_page()
    page.goto(earshot + "tidy?dataset=mine")
    group = page.locator(".tidy section").first
    expect(group.get_by_role("heading")).to_have_text("Group 1 · 3 sounds")
    kept = group.locator('.card:has([aria-pressed="true"].keep-one)')
    before = kept.get_attribute("data-clip")
    button = group.locator('.keep-one[aria-pressed="false"]').first
    button.focus()
    page.keyboard.press("Enter")
    expect(kept).not_to_have_attribute("data-clip", before)
    expect(kept).to_have_count(1)
    wait_until_drawn(page)
    now = kept.get_attribute("data-clip")
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text(encoding="utf-8-sig"))))
    assert next(row["clip_id"] for row in rows if row["keep"] == "yes") == now
    assert {row["clip_id"] for row in rows[:3]} == {"f0", "f1", "f2"}
    page.set_viewport_size({"width": 390, "height": 844})
    wait_until_nothing_scrolls_sideways(page)
