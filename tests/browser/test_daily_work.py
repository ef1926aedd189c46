"""A day's work with one's own embeddings: load, find, narrow, hear, keep, teach, export, and find the duplicates.

600 embeddings; with EARSHOT_STRESS=1 200,000, whose times are printed.
"""

import csv
import io
import json
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile
from playwright.sync_api import expect

from tests.browser.conftest import served, wait_until_drawn, wait_until_heard
from tests.browser.test_narrow import choose
from tests.stress import IS_STRESS

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1800 if IS_STRESS else 300)]

N, DIM = (200_000, 128) if IS_STRESS else (600, 32)
N_FILES, PAIRS = min(N, 2_000), 12  # sound files, which clips share; pairs of equal embeddings
FOLDERS = {"drums": 0.2, "birds": 0.4, "voices": 1.0}  # with the length of half of their clips; others are longer
HEARD_S = 60.0  # in which thirty sounds are heard
SERVER = """
import os
from pathlib import Path
from streamlit.web.cli import main
from ui import paths
paths.DATA = Path(os.environ["EARSHOT_TEST_COLLECTIONS"])  # not the checkout's folder
main()
"""
MAKING_MS = 1_200_000 if IS_STRESS else 60_000


@pytest.fixture(scope="module")
def embeddings(tmp_path_factory):
    """Return a Parquet file of embeddings of clips of sound files in three folders, some of them equal."""
    home, rng = tmp_path_factory.mktemp("work"), np.random.default_rng(5)
    kinds = list(FOLDERS)
    for i in range(N_FILES):
        path = home / kinds[i % 3] / f"take-{i:05d}.wav"
        path.parent.mkdir(exist_ok=True)
        seconds = FOLDERS[kinds[i % 3]] * (1 if i % 2 else 4)
        soundfile.write(path, 0.1 * np.sin(0.1 * (1 + i % 40) * np.arange(round(8_000 * seconds))), 8_000)
    numbers = np.arange(N) % N_FILES
    X = rng.standard_normal((3, DIM))[numbers % 3] + 1.5 * rng.standard_normal((N, DIM))
    X[N - PAIRS :] = X[:PAIRS]
    seconds = np.array([FOLDERS[kinds[i % 3]] for i in range(6)])[numbers % 6] * np.where(numbers % 2, 1.0, 4.0)
    table = {
        "id": [f"clip-{i:06d}" for i in range(N)],
        "file": [f"{kinds[i % 3]}/take-{i:05d}.wav" for i in numbers.tolist()],
        "start": np.zeros(N),
        "end": seconds,
        "embedding": pa.FixedSizeListArray.from_arrays(X.astype(np.float32).ravel(), DIM),
    }
    pq.write_table(pa.table(table), home / "takes.parquet")
    return home / "takes.parquet"


def saved(page, name):
    """Return the bytes that a button saves."""
    wait_until_drawn(page)  # whose run makes new files of all buttons
    with page.expect_download() as download:
        page.get_by_role("button", name=name, exact=True).first.click()
    return download.value.path().read_bytes()


def rows_of(content):
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def test_a_day_of_work_with_embeddings_of_ones_own(root, new_page, embeddings, tmp_path):
    def seconds():
        return page.evaluate("performance.now()") / 1000  # since the app was opened

    def done(what):
        print(f"{N:,} embeddings of {DIM} numbers: {what} after {seconds():.1f} s")

    (tmp_path / "sample").symlink_to(root / "data" / "sample")
    with served(root, "-c", SERVER, EARSHOT_LOCAL="1", EARSHOT_TEST_COLLECTIONS=str(tmp_path)) as earshot:
        page = new_page(height=1700)  # all filters at once
        page.goto(earshot + "data")
        done("open")
        page.get_by_label("The file of vectors").fill(str(embeddings))
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Make the collection").click()
        page.get_by_role("link", name="Hear it on Listen").click(timeout=MAKING_MS)
        page.wait_for_selector(".neighbours .card", timeout=MAKING_MS)
        done("load")

        box = page.get_by_role("combobox", name="Find a sound")
        box.fill("take-00007")
        page.wait_for_selector("[role=option]")
        box.press("Enter")
        found = page.locator(".query, .st-key-search-hits").get_by_text("take-00007.wav").first
        expect(found).to_be_visible()
        if N > N_FILES:
            page.locator(".st-key-search-hits").get_by_role("button", name="Find similar").first.click()
        expect(page.locator(".query")).to_contain_text("take-00007.wav")
        done("find")

        page.get_by_text("Narrow the results").click()
        page.get_by_label("Length to (s)").wait_for()
        wait_until_drawn(page)  # a list that is drawn anew closes
        choose(page, "Folder", "birds")
        page.get_by_role("button", name="folder: birds").wait_for()
        page.get_by_label("Length to (s)").fill("0.5")
        page.keyboard.press("Enter")
        page.get_by_role("button", name="length up to 0.5 s").wait_for()
        done("narrow")

        page.get_by_role("button", name="Show the next 10").click()
        cards = page.locator(".neighbours:not(.clip-list) .card")
        expect(cards).to_have_count(20)
        page.get_by_role("button", name="Show the next 10").click()
        expect(cards).to_have_count(30)
        expect(cards.filter(has_text="birds/").filter(has_text="0.4 s")).to_have_count(30)
        wait_until_drawn(page)
        played = set()
        first = seconds()
        cards.first.focus()
        cards.first.press("Space")
        for place in range(30):
            if place:
                page.keyboard.press("ArrowDown")
            clip = cards.nth(place).get_attribute("data-clip")
            wait_until_heard(page, clip)
            played.add(clip)
        assert len(played) == 30
        assert seconds() - first < HEARD_S
        done("hear")

        for place in range(5):
            cards.nth(place).get_by_role("button", name="Keep in the crate").click()
        page.get_by_role("link", name="Crate", exact=True).click()
        expect(page.locator("[data-section=kept] .kept")).to_have_count(5)
        assert len(rows_of(saved(page, "CSV"))) == 5
        assert json.loads(saved(page, "JSON"))
        assert saved(page, "Playlist").count(b".wav") >= 5
        with zipfile.ZipFile(io.BytesIO(saved(page, "The files"))) as archive:
            assert len([name for name in archive.namelist() if name.endswith(".wav")]) >= 1
        done("keep")

        page.get_by_role("link", name="Teach", exact=True).click()
        page.get_by_label("What do you listen for?").fill("bird")
        page.keyboard.press("Enter")
        page.wait_for_selector("text=Nothing is marked for “bird” yet")
        cards = page.locator(".teach .card")
        marks = {"yes": 0, "no": 0}
        while sum(marks.values()) < 20:
            for card in cards.all():
                is_marked = card.locator('[aria-pressed="true"]:is(.mark-yes, .mark-no)').count()
                if is_marked or sum(marks.values()) == 20:
                    continue
                mark = "yes" if "birds/" in card.inner_text() else "no"
                card.locator(f".mark-{mark}").click()
                marks[mark] += 1
            learned = f"{marks['yes']} yes, {marks['no']} no"
            page.locator("[data-testid=stMarkdown] p", has_text=learned).wait_for()
            if sum(marks.values()) < 20:
                before = cards.last.get_attribute("data-clip")
                page.get_by_role("button", name="Next ten").click()
                expect(page.locator(f".teach .card[data-clip='{before}']")).to_have_count(0)
                wait_until_drawn(page)
        expect(page.get_by_text("A linear classifier")).to_be_visible()
        scores = rows_of(saved(page, "Scores"))
        assert len(scores) == N
        assert sum(row["mark"] in {"yes", "no"} for row in scores) == 20
        done("teach and export")

        page.get_by_role("link", name="Tidy", exact=True).click()
        expect(page.locator(".tidy section").first.get_by_role("heading")).to_have_text("Group 1 · 2 sounds")
        groups = {row["group"] for row in rows_of(saved(page, "CSV"))}
        assert len(groups) == PAIRS
        done("find the duplicates")
