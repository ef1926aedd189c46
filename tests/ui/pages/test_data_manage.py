"""Data: a collection of one's own is updated, renamed, forgotten, and brought back; its sounds stay."""

import shutil
from dataclasses import replace

import pytest

from data_prep.dataset import open_dataset
from data_prep.dataset.writer import write_dataset
from tests.data_prep import small_datasets
from tests.ui.apptest import opened, words
from ui.pages.data import manage
from ui.server.jobs import jobs


@pytest.fixture
def mine(home, collection, monkeypatch):
    """Return the folder of a collection of files beside the sample."""
    monkeypatch.setenv("EARSHOT_LOCAL", "1")
    monkeypatch.delenv("EARSHOT_DATASET", raising=False)
    jobs.clear()
    shutil.copytree(collection, home / "sample")
    (home / "sounds").mkdir()
    (home / "sounds" / "a.wav").write_bytes(b"a sound")
    about = replace(small_datasets.ABOUT, media="file", media_folder=str(home / "sounds"))
    write_dataset(home / "mine", about, small_datasets.LABELS, [small_datasets.batch()])
    return home / "mine"


def button(page, label):
    return next(button for button in page.button if button.label == label)


def labels(page):
    return [button.label for button in page.button]


def test_a_collection_of_ones_own_can_be_renamed(mine):
    page = opened("data", dataset="mine")
    page.text_input(key="new title").set_value("My *sounds*")
    button(page, "Rename").click().run()
    assert not page.exception
    assert open_dataset(mine).title == "My *sounds*"
    assert page.header[0].value == r"My \*sounds\*"


def test_a_forgotten_collection_keeps_its_files_and_comes_back(mine, home):
    page = opened("data", dataset="mine")
    button(page, "Forget this collection").click().run()
    assert not page.exception
    assert page.header[0].value == "Five kinds"
    assert not mine.exists()
    assert open_dataset(home / ".forgotten-mine").n_rows("train") == 10
    button(page, "Bring it back").click().run()
    assert open_dataset(mine).n_rows("train") == 10
    assert "Bring it back" not in labels(page)


def test_what_was_prepared_is_deleted_after_a_second_question_and_the_sounds_stay(mine, home):
    page = opened("data", dataset="mine")
    button(page, "Forget this collection").click().run()
    assert button(page, "Delete").disabled
    page.checkbox(key="sure mine").check().run()
    button(page, "Delete").click().run()
    assert not page.exception
    assert sorted(path.name for path in home.iterdir()) == ["sample", "sounds"]
    assert (home / "sounds" / "a.wav").read_bytes() == b"a sound"


def test_nothing_but_a_forgotten_folder_is_deleted(mine):
    elsewhere, kept = mine / ".forgotten-x", mine.parent / ".forgotten-y"
    elsewhere.mkdir()
    kept.mkdir()
    manage._delete(mine, sure=True)
    manage._delete(elsewhere, sure=True)
    manage._delete(kept, sure=False)
    assert elsewhere.exists()
    assert kept.exists()


def test_a_collection_that_took_the_name_is_not_replaced(mine, home):
    page = opened("data", dataset="mine")
    button(page, "Forget this collection").click().run()
    shutil.copytree(home / ".forgotten-mine", mine)
    page.run()
    assert "Bring it back" not in labels(page)
    assert "cannot be brought back" in words(page)


def test_a_collection_of_ones_own_can_be_updated_where_its_folder_is(mine, home):
    assert "Listen to what is new" in labels(opened("data", dataset="mine"))
    shutil.rmtree(home / "sounds")
    page = opened("data", dataset="mine")
    assert "Listen to what is new" not in labels(page)
    assert "not there any more" in page.warning[0].value


@pytest.mark.parametrize(("dataset", "local"), [("sample", "1"), ("mine", "0")])
def test_other_collections_and_hosted_apps_offer_none_of_it(mine, monkeypatch, dataset, local):
    monkeypatch.setenv("EARSHOT_LOCAL", local)
    page = opened("data", dataset=dataset)
    assert not page.exception
    assert "Forget this collection" not in labels(page)
