"""Export in a browser: copying the link, dragging and saving sound files, downloads."""

import csv

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import TIMEOUT_MS, UNUSUAL_NAME, clip_ids, wait_until_drawn

pytestmark = pytest.mark.browser

SAFE_NAME = "kick_ _loud_ 50_ ♥.wav"
NO_CLIPBOARD = "Object.defineProperty(navigator, 'clipboard', { value: undefined })"


OF_F1 = "?dataset=mine&clip=f1&view=exact"


@pytest.fixture(scope="module")
def page(one_context, earshot, mine):
    """Return the page of the sound f1, with its exact neighbours shown; all tests but the last one leave it so."""
    page = one_context.new_page()
    page.set_viewport_size({"width": 1440, "height": 900})
    page.set_default_timeout(TIMEOUT_MS)
    page.goto(earshot + OF_F1)
    page.wait_for_selector(".neighbours .card")
    yield page
    page.close()
    one_context.clear_permissions()


def drag(page, card):
    """Start to drag a card with the mouse; return the dragged data of type DownloadURL."""
    page.evaluate(
        "document.ondragstart = (event) => (window.dragged = event.dataTransfer.getData('DownloadURL'), undefined); 0"
    )
    card.locator(".description").hover()
    expect(card).to_have_attribute("draggable", "true")
    page.mouse.down()
    page.mouse.move(5, 5, steps=5)
    page.wait_for_function("window.dragged !== undefined")
    page.mouse.up()
    return page.evaluate("(() => { const it = window.dragged; delete window.dragged; return it })()")


def test_without_the_clipboard_api_the_link_is_copied_by_a_field_and_shown_selected_if_that_is_refused(page):
    page.context.grant_permissions(["clipboard-read"])
    page.evaluate("window.clipboard = navigator.clipboard")
    page.evaluate(NO_CLIPBOARD)
    page.locator(".copy").click()
    expect(page.locator(".copy")).to_have_text("Copied")
    copied = page.evaluate("window.clipboard.readText()")
    assert copied.startswith(page.url.split("?")[0])

    page.evaluate("document.execCommand = () => false; 0")
    page.locator(".copy").click()
    field = page.get_by_role("textbox", name="The link to this view")
    expect(field).to_be_focused()
    address = field.input_value()
    assert address.startswith(page.url.split("?")[0])
    assert field.evaluate("field => [field.selectionStart, field.selectionEnd]") == [0, len(address)]
    expect(page.locator(".link [role=status]")).to_contain_text("copy the selected link by hand")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Copy link")).to_be_focused()


def test_cards_can_be_dragged_as_files_one_after_another(page, mine):
    for place in (2, 5):
        mime, name, address = drag(page, page.locator(".card").nth(place)).split(":", 2)
        answer = page.request.get(address)
        assert (mime, answer.headers["content-type"]) == ("audio/wav", "audio/wav")
        assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
        assert answer.body() == (mine / name).read_bytes()


def test_a_dragged_file_name_contains_no_colon(page, mine):
    _, name, address = drag(page, page.locator('[data-clip="f0"]')).split(":", 2)
    assert name == SAFE_NAME
    assert page.request.get(address).body() == (mine / UNUSUAL_NAME).read_bytes()


def test_a_file_can_be_saved_by_keyboard(page, mine):
    save = page.locator('[data-clip="f0"]').get_by_role("button", name="as a file")
    save.focus()
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.suggested_filename == SAFE_NAME
    assert download.value.path().read_bytes() == (mine / UNUSUAL_NAME).read_bytes()


def test_downloads_can_be_pressed_in_quick_succession(page):
    page.get_by_role("button", name="The files").wait_for()
    for _ in range(4):
        names = []
        for button in ("CSV", "The files"):
            with page.expect_download() as download:
                page.get_by_role("button", name=button, exact=True).click()
            names.append(download.value.suggested_filename)
        assert names == ["earshot-f1.csv", "earshot-f1.zip"]


def test_the_card_of_a_missing_file_shows_an_error_and_cannot_be_dragged(page):
    card = page.locator('[data-clip="f2"]')
    card.get_by_role("button", name="as a file").click()
    expect(card.get_by_role("status")).to_contain_text("cannot be read")
    expect(card).to_have_attribute("draggable", "false")


def test_find_similar_works_while_a_file_is_requested_and_when_pressed_twice(page):
    for step in range(1, 4):
        wait_until_drawn(page)
        clip = page.locator(".card").nth(step).get_attribute("data-clip")
        card = page.locator(f'.card[data-clip="{clip}"]')
        card.get_by_role("button", name="Find similar").dblclick()  # entering a card requests its file, too
        page.wait_for_selector(f'.query [data-clip="{clip}"]')
        expect(page.locator(".trail .step")).to_have_count(step)


def test_a_crate_outlasts_collections_reloads_and_back_and_what_is_hidden_stays_hidden_until_it_is_undone(visit, mine):
    page = visit("?dataset=mine&clip=f1")
    wait_until_drawn(page)
    first, second = clip_ids(page.locator(".card"))[:2]
    page.locator(f'.card[data-clip="{first}"]').get_by_role("button", name="Keep in the crate").click()
    card = page.locator(f'.card[data-clip="{second}"]')
    card.get_by_role("button", name="Favourite, note, never show").focus()
    page.keyboard.press("Enter")
    card.get_by_label("Note on").fill("a <b>note</b>")
    card.get_by_role("button", name="Never show this").click()
    page.locator(".card .play").nth(2).hover()  # the hand moves on at once
    count = page.locator(".hidden-count")
    expect(count).to_contain_text("1 clip is hidden: you never want to see it.")
    expect(card).to_have_count(0)
    page.reload()
    expect(count).to_contain_text("1 clip is hidden")
    expect(page.locator(f'.card[data-clip="{first}"] .keep')).to_have_attribute("aria-pressed", "true")
    page.goto(page.url.replace("dataset=mine", "dataset=videos").replace("clip=f1", "clip="))
    page.locator(".query").get_by_role("button", name="Keep in the crate").click()
    page.get_by_role("link", name="Crate", exact=True).click()
    kept = page.locator("[data-section=kept] .kept")
    expect(kept).to_have_count(2)
    expect(page.locator("[data-section=note] input")).to_have_value("a <b>note</b>")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save to a file").click()
    with page.expect_download() as table:
        page.get_by_role("button", name="CSV", exact=True).click()
    with table.value.path().open(encoding="utf-8-sig", newline="") as file:
        assert {row["collection"] for row in csv.DictReader(file)} == {"mine", "videos"}
    kept.first.get_by_role("button", name="Take out").click()
    expect(kept).to_have_count(1)
    page.keyboard.press("Control+z")
    expect(kept).to_have_count(2)
    page.evaluate("localStorage.removeItem('earshot.shelf')")
    page.reload()
    expect(page.get_by_text("Press + on a sound to keep it here.")).to_be_visible()
    page.locator(".crate input[type=file]").set_input_files(saved.value.path())
    expect(kept).to_have_count(2)
    page.get_by_role("button", name="Show again").click()
    page.go_back()
    page.wait_for_selector(".card")
