"""Preloading: what is ready before the first page is drawn."""

import threading

import pytest
from streamlit import delta_generator

import app as earshot
from lsh.storage import index_folder
from tests.event_loop import finish
from tests.ui.apptest import write_small
from ui.model import loading
from ui.model.state import Settings
from ui.server import preload

PAGE = earshot.PAGES[0][3]


@pytest.fixture
def found(home, monkeypatch):
    """Make two datasets, of which the host opens one first, and record what is indexed."""
    for name, rows in (("bells", 30), ("zoo", 40)):
        write_small(home / name, {"train": rows})
    monkeypatch.setenv("EARSHOT_DATASET", "zoo")
    monkeypatch.setattr(preload, "is_warm", lambda: True)
    indexed, build = [], index_folder.load_or_fit
    monkeypatch.setattr(
        index_folder,
        "load_or_fit",
        lambda path, config, X, *given, **how: (indexed.append(len(X)), build(path, config, X, *given, **how))[1],
    )
    return indexed


def test_the_first_dataset_is_indexed_before_a_page_asks_and_searched_in_both_ways(found, home, monkeypatch):
    searched = []
    for kind in (loading.LSHIndex, loading.ExactSearch):
        search = kind.search
        monkeypatch.setattr(
            kind,
            "search",
            lambda self, Q, *given, kind=kind, search=search: (
                searched.append((kind, Q.shape)),
                search(self, Q, *given),
            )[1],
        )
    preload.load(PAGE)
    assert found == [40]
    dataset = loading.dataset_at(home / "zoo")
    one = (1, dataset.dim)
    assert [seen for seen in searched if seen[1] == one] == [(loading.LSHIndex, one), (loading.ExactSearch, one)]
    loading.index_for(dataset, Settings("zoo", dataset.metric))
    assert found == [40]


def test_streamlit_does_not_look_for_a_prompt_while_the_first_page_is_drawn(monkeypatch):
    assert isinstance(delta_generator._use_warning_has_been_displayed, bool)  # it still has this name
    monkeypatch.setattr(delta_generator, "_use_warning_has_been_displayed", False)
    monkeypatch.setattr(delta_generator.env_util, "is_repl", pytest.fail)
    preload.lifespan("a.page")
    delta_generator._maybe_print_use_warning()


def test_until_kernels_are_compiled_nothing_is_opened(found, monkeypatch):
    monkeypatch.setattr(preload, "is_warm", lambda: False)
    preload.load(PAGE)
    assert not found


def test_what_cannot_be_opened_is_left_to_the_page(found, home):
    (home / "zoo" / "manifest.json").write_text("{}")
    preload.load(PAGE)
    assert not found


def test_without_a_dataset_there_is_nothing_to_load(home, monkeypatch):
    monkeypatch.setattr(preload, "is_warm", lambda: True)
    preload.load(PAGE)


def test_the_server_loads_in_the_background_while_it_starts(monkeypatch):
    begun, ended = threading.Event(), threading.Event()
    monkeypatch.setattr(preload, "load", lambda page: (begun.set(), ended.wait(), loaded.append(page)))
    monkeypatch.setattr(preload.downloads, "install", lambda: None)  # there is no server
    loaded = []

    async def serve():
        async with preload.lifespan("a.page")(None):
            assert begun.wait(10)
            assert not loaded

    finish(serve())
    ended.set()
    for thread in threading.enumerate():
        if thread.name == "preload":
            thread.join(10)
    assert loaded == ["a.page"]
