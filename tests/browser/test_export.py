"""Taking away, in a real browser: the link to this very view, and the files of a collection of one's own."""

import numpy as np
import pytest
import soundfile
from playwright.sync_api import expect

from data_prep.dataset.schema import About, ClipBatch, Label
from data_prep.dataset.writer import write_dataset

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

AWKWARD = 'kick: "loud" 50%\n♥.wav'  # what Linux lets a file be called
SAFE = "kick_ _loud_ 50_ ♥.wav"
GONE = "gone.wav"
NO_CLIPBOARD = "Object.defineProperty(navigator, 'clipboard', { value: undefined })"


@pytest.fixture(scope="module")
def mine(videos, tmp_path_factory):
    """Return the folder of the collection `mine`; nearest to its f1 are an awkward name and a file that is gone."""
    rng, n = np.random.default_rng(2), 40
    folder = tmp_path_factory.mktemp("sounds")
    names = [AWKWARD, "1.wav", GONE, *(f"{i}.wav" for i in range(3, n))]
    for name in names:
        soundfile.write(folder / name, 0.1 * rng.standard_normal(1600), 16_000)
    (folder / GONE).unlink()
    features = rng.standard_normal((n, 16)).astype(np.float32)
    features[[0, 2]] = features[1] + [[0.01], [0.02]] * rng.standard_normal((2, 16))
    clips = ClipBatch(
        clip_id=[f"f{i}" for i in range(n)],
        split=["train"] * n,
        media=names,
        start_s=np.zeros(n),
        end_s=np.full(n, 0.1),
        labels=[[0]] * n,
        n_frames=np.ones(n, int),
        features=features,
    )
    about = About("Mine", "a test", "none", "file", media_folder=str(folder))
    write_dataset(videos / "mine", about, [Label("folder/", "drum")], [clips])
    return folder


@pytest.fixture
def page(visit, mine):
    """Return the page of the sound f1 beside all its true neighbours."""
    return visit("?dataset=mine&clip=f1&view=exact")


def copied(page):
    return page.evaluate("navigator.clipboard.readText()")


def drag(page, card):
    """Begin to drag a card with the mouse, and return what goes along as a file, in Chromium's form."""
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


def test_one_press_copies_the_address_of_exactly_this_view(visit):
    page = visit("?L=9&K=7&view=exact")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy link").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".link [role=status]")).to_have_text("The link to this view is copied.")
    expect(page.locator(".copy")).to_have_text("Copied")
    other = visit(copied(page))
    for seen in (".query [data-clip]", ".card >> nth=0", '.tab[aria-selected="true"]'):
        assert other.locator(seen).first.inner_text() == page.locator(seen).first.inner_text()
    clips = [at.locator(".query [data-clip]").get_attribute("data-clip") for at in (page, other)]
    assert clips[0] == clips[1]
    assert f"clip={clips[0]}" in other.url
    expect(other.locator(".st-key-L input[type=range]")).to_have_value("9")


def test_without_the_clipboard_the_link_is_copied_the_old_way(visit):
    page = visit()
    page.context.grant_permissions(["clipboard-read"])
    page.evaluate("window.clipboard = navigator.clipboard")
    page.evaluate(NO_CLIPBOARD)
    page.locator(".copy").click()
    expect(page.locator(".copy")).to_have_text("Copied")
    assert page.evaluate("window.clipboard.readText()").startswith(page.url.split("?")[0])


def test_where_copying_is_refused_the_link_stands_selected_to_be_copied_by_hand(visit):
    page = visit()
    page.evaluate(f"{NO_CLIPBOARD}; document.execCommand = () => false; 0")
    page.locator(".copy").click()
    field = page.get_by_role("textbox", name="The link to this view")
    expect(field).to_be_focused()
    address = field.input_value()
    assert address.startswith(page.url.split("?")[0])
    assert field.evaluate("field => [field.selectionStart, field.selectionEnd]") == [0, len(address)]
    expect(page.locator(".link [role=status]")).to_contain_text("copy the selected link by hand")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Copy link")).to_be_focused()


def test_a_card_is_dragged_out_as_its_file_one_after_another(page, mine):
    for place in (2, 5):
        mime, name, address = drag(page, page.locator(".card").nth(place)).split(":", 2)
        answer = page.request.get(address)
        assert (mime, answer.headers["content-type"]) == ("audio/wav", "audio/wav")
        assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
        assert answer.body() == (mine / name).read_bytes()


def test_a_dragged_files_name_keeps_its_place_between_the_colons(page, mine):
    _, name, address = drag(page, page.locator('[data-clip="f0"]')).split(":", 2)
    assert name == SAFE
    assert page.request.get(address).body() == (mine / AWKWARD).read_bytes()


def test_the_keyboard_saves_a_file(page, mine):
    save = page.locator('[data-clip="f0"]').get_by_role("button", name="as a file")
    save.focus()
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.suggested_filename == SAFE
    assert download.value.path().read_bytes() == (mine / AWKWARD).read_bytes()


def test_the_files_come_however_soon_after_another_download_they_are_asked_for(page):
    page.get_by_role("button", name="The files").wait_for()
    for _ in range(4):
        names = []
        for button in ("CSV", "The files"):
            with page.expect_download() as download:
                page.get_by_role("button", name=button, exact=True).click()
            names.append(download.value.suggested_filename)
        assert names == ["earshot-f1.csv", "earshot-f1.zip"]


def test_a_file_that_is_gone_says_so_on_its_card_and_cannot_be_dragged(page):
    card = page.locator('[data-clip="f2"]')
    card.get_by_role("button", name="as a file").click()
    expect(card.get_by_role("status")).to_contain_text("cannot be read")
    expect(card).to_have_attribute("draggable", "false")


def test_a_collection_of_videos_offers_no_files(visit):
    page = visit("?dataset=videos")
    page.locator(".card").first.hover()
    expect(page.locator(".save")).to_have_count(0)
    expect(page.get_by_text("Drag a result")).to_have_count(0)
