"""The app on a new machine, where the search kernels are still being compiled, and below a path: server.baseUrlPath."""

import contextlib
import os

import pytest
from playwright.sync_api import expect

from data_prep.dataset import open_dataset
from lsh.exact import exact_search
from lsh.kernels import jit
from lsh.warm import SEARCHABLE, is_warm, warm
from tests.browser.conftest import clip_ids, served, wait_until_drawn, wait_until_equal, wait_until_heard
from tests.browser.test_proxy import PATH, assert_all_is_requested_below

pytestmark = pytest.mark.browser

# Serves the app with a process that, instead of compiling, prints progress, waits for the end of this text's FIFO, and
# then copies compiled kernels.
SERVER = """
import sys
from streamlit.web import cli
from ui.server import kernels
kernels.COMMAND = (sys.executable, "-c", {compiler!r})
cli.main(prog_name="streamlit")
"""
COMPILER = """
import shutil
print("12 of 48 kernels", flush=True)
open({fifo!r}).read()
shutil.copytree({compiled!r}, {cache!r}, dirs_exist_ok=True)
print({searchable!r})
"""


@pytest.fixture
def new_machine(root, videos, tmp_path):
    """Return the address of the app with an empty cache of kernels, the cache, and the function that ends compiling."""
    if not is_warm():
        warm()
    cache, fifo = tmp_path / "kernels", tmp_path / "fifo"
    compiler = COMPILER.format(
        fifo=str(fifo), compiled=str(jit.CACHE_FOLDER), cache=str(cache / jit.CACHE_FOLDER.name), searchable=SEARCHABLE
    )
    os.mkfifo(fifo)
    environment = {"NUMBA_CACHE_DIR": str(cache), "EARSHOT_DATA": str(videos)}
    with served(root, "-c", SERVER.format(compiler=compiler), path=PATH, **environment) as address:
        yield address, cache, lambda: fifo.write_text("")
    with contextlib.suppress(OSError):  # nobody waits for it any more
        os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))


def test_sounds_and_exact_neighbours_come_before_the_kernels_and_lsh_by_itself(
    root, new_page, visit, mine, new_machine
):
    address, cache, finish = new_machine
    page = new_page()
    page.goto(f"{address}?L=9&K=7")
    cards = page.locator(".neighbours .card")
    expect(cards).to_have_count(10)
    expect(page.get_by_text("Hear what sounds alike")).to_be_visible()
    expect(page.get_by_text("12 of 48 parts ready")).to_be_visible()
    expect(page.locator(".neighbours .tab").first).to_be_hidden()
    page.wait_for_selector(".card .waveform .unplayed")

    second = cards.nth(2).get_attribute("data-clip")
    cards.nth(2).get_by_role("button", name="Find similar").click()
    page.wait_for_selector(f'.query [data-clip="{second}"]')
    wait_until_drawn(page)
    page.get_by_role("link", name="Inside").click()
    expect(page.get_by_text("Getting ready")).to_be_visible()
    expect(page.get_by_text("12 of 48 parts ready")).to_be_visible()
    page.get_by_role("link", name="Listen meanwhile").click()
    page.wait_for_selector(f'.query [data-clip="{second}"]')

    sample = open_dataset(root / "data" / "sample")
    clip = sample.find_clip(second)
    nearest = exact_search(sample.features("train"), sample.features(clip.split)[[clip.row]], 11, "cosine").ids[0]
    expected = [sample.clip("train", row).clip_id for row in nearest.tolist() if row != clip.row]
    wait_until_equal(page, lambda: clip_ids(cards), expected[:10])
    assert not list(cache.glob("*/*.nbi"))  # nothing has been compiled by the server

    page.get_by_role("button", name="Loop").click()
    page.click(".query .play")
    wait_until_heard(page, second)
    page.wait_for_function("document.querySelector('#earshot-audio').currentTime > 0")
    page.evaluate("document.querySelector('#earshot-audio').addEventListener('pause', () => (window.hasPaused = true))")
    finish()
    expect(page.get_by_text("For your sound, LSH looked at").first).to_be_visible()
    expect(page.locator(".neighbours .tab")).to_have_count(3)
    expect(page.locator(".neighbours .tab").first).to_be_visible()
    expect(page.locator(".st-key-L input[type=range]")).to_have_value("9")
    expect(page.locator(".query [data-clip]")).to_have_attribute("data-clip", second)
    assert page.evaluate("[window.earshot.state.phase, window.hasPaused]") == ["playing", None]
    page.click(".tab[data-view=exact]")
    wait_until_equal(page, lambda: clip_ids(cards), expected[:10])

    assert_all_is_requested_below(address, visit, mine)
