"""Datasets, samples and indexes that all visitors share."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from threading import Barrier

import numpy as np
import pytest

from data_prep.dataset import open_dataset
from data_prep.errors import DataError
from lsh import exact_search
from lsh.analysis.search_config import SearchConfig
from lsh.sampling import evenly_spaced_rows
from lsh.storage import index_folder
from tests.ui.apptest import write_small
from ui.model import loading
from ui.model.loading import PageContext
from ui.model.state import Settings
from ui.server import hosting

ROWS = {"train": 300, "validation": 230, "test": 5}


@pytest.fixture
def small(home):
    return write_small(home / "small", ROWS)


def test_datasets_are_named_by_their_folder_the_sample_first(home, tmp_path_factory, monkeypatch):
    other = tmp_path_factory.mktemp("other")
    for folder in (home / "bells", home / "sample", home / "deep" / "er", other / "zoo"):
        write_small(folder, {"train": 12})
    monkeypatch.setenv("EARSHOT_DATA", os.pathsep.join([str(other), "", str(other / "zoo")]))
    found = loading.datasets()
    assert list(found) == ["sample", "bells", "deep/er", "zoo"]
    assert found["deep/er"] == home / "deep" / "er"
    assert found["zoo"] == other / "zoo"


def test_the_host_chooses_by_one_value_what_opens_first(home, monkeypatch):
    for name in ("bells", "sample", "audioset-small"):
        write_small(home / name, {"train": 12})
    assert list(hosting.default_first(loading.datasets())) == ["sample", "audioset-small", "bells"]
    monkeypatch.setenv("EARSHOT_DATASET", "bells")
    assert list(hosting.default_first(loading.datasets())) == ["bells", "sample", "audioset-small"]
    assert hosting.start(loading.datasets()) is None  # nothing is downloaded
    monkeypatch.setenv("EARSHOT_DATASET", "https://example.org/sounds.zip#sha256=0")
    assert next(iter(hosting.default_first(loading.datasets()))) == "sample"


def test_a_dataset_is_opened_once_and_again_when_it_was_written_anew(small, home):
    first = loading.dataset_at(small)
    assert loading.dataset_at(small) is first
    assert loading.opened(loading.name_in_urls(first)) is first
    assert loading.opened(loading.name_in_urls(first) + "0") is None
    again = write_small(home / "again", {"train": 40})
    for file in small.iterdir():
        file.unlink()
    for file in again.iterdir():
        file.rename(small / file.name)
    second = loading.dataset_at(small)
    assert second.n_rows("train") == 40
    assert loading.opened(loading.name_in_urls(second)) is second
    assert loading.opened(loading.name_in_urls(first)) is None


def test_a_folder_without_a_manifest_is_a_clear_error(home):
    with pytest.raises(DataError, match="manifest"):
        loading.dataset_at(home / "missing")


def test_a_dataset_has_a_short_name_in_urls(small):
    dataset = open_dataset(small)
    assert loading.name_in_urls(dataset) == dataset.fingerprint[:16]


def test_own_files_start_in_the_index_and_other_clips_in_the_test_split(small):
    dataset = open_dataset(small)
    assert loading.splits_to_start_in(dataset) == ("test", "validation", "train")
    dataset.media = "file"
    assert loading.splits_to_start_in(dataset) == ("train", "validation")


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_the_sample_is_200_evenly_spaced_validation_clips_with_their_exact_neighbours(small, metric):
    dataset = loading.dataset_at(small)
    contexts = [
        PageContext(settings, dataset, loading.index_for(dataset, settings))
        for settings in (Settings("small", metric), Settings("small", metric, seed=4, n_tables=2))
    ]
    sample = loading.sample_for(contexts[0])
    assert np.array_equal(sample.rows, evenly_spaced_rows(230, 200))
    assert np.array_equal(sample.queries, np.asarray(dataset.features("validation"))[sample.rows])
    truth = exact_search(np.asarray(dataset.features("train")), sample.queries, 10, metric)
    assert np.array_equal(sample.truth.ids, truth.ids)
    assert loading.sample_for(contexts[1]) is sample


def test_an_index_is_shared_by_all_settings_that_do_not_change_it(small):
    dataset = loading.dataset_at(small)
    settings = Settings("small", "euclidean")
    index = loading.index_for(dataset, settings)
    assert (index.params.n_tables, index.params.n_bits, index.params.metric) == (32, 24, "euclidean")
    assert index.n == 300
    same = replace(settings, n_tables=3, n_bits=4, n_probes=5, clip="x")
    assert loading.index_for(dataset, same) is index
    others = [replace(settings, seed=5), replace(settings, bucket_width=2.0), replace(settings, metric="cosine")]
    made = [loading.index_for(dataset, other) for other in others]
    assert [index.params.seed for index in made] == [5, 0, 0]
    assert made[1].bucket_width == 2.0
    assert made[2].params.metric == "cosine"
    # A width is of no meaning under cosine.
    assert loading.index_for(dataset, replace(others[2], bucket_width=9.0)) is made[2]


def test_a_page_that_waits_for_an_index_says_so_the_first_time_alone(small, monkeypatch):
    dataset, said = loading.dataset_at(small), []
    monkeypatch.setattr(loading.st, "spinner", lambda text: (said.append(text), nullcontext())[1])
    settings = Settings("small", "cosine", seed=14)
    loading.index_for(dataset, settings)  # outside a page
    assert not said
    monkeypatch.setattr(loading, "get_script_run_ctx", lambda **_: "a page")
    loading.index_for(dataset, settings)
    assert not said
    for _ in range(2):
        loading.index_for(dataset, replace(settings, seed=15))
    assert said == ["Sorting every clip into 32 hash tables…"]


def test_a_saved_index_is_opened_and_a_damaged_one_is_logged_and_replaced(small, caplog):
    dataset, settings = loading.dataset_at(small), Settings("small", "cosine", seed=11)
    config = SearchConfig.tables("cosine", 11, {}, {})
    path = index_folder.path_in(dataset.indexes, config, dataset.sha256("train"))
    index_folder.build(path, config, dataset.features("train"), pytest.fail)
    index = loading.index_for(dataset, settings)
    assert isinstance(index.tables.keys.base.base, memoryview)  # mapped
    assert index.default_setting == config.fit(dataset.features("train")).default_setting
    data = path.read_bytes()
    path.unlink()  # it is mapped
    path.write_bytes(data[:-1])
    loading._index.clear()
    again = loading.index_for(dataset, settings)
    assert np.array_equal(again.tables.keys, config.fit(dataset.features("train")).tables.keys)
    (message,) = [record.message for record in caplog.records if record.name == "earshot"]
    assert f"it is set aside as {path.name}.unusable, and built again" in message


def test_an_index_that_hides_neighbours_is_found_in_the_background_and_replaced(small, caplog, monkeypatch):
    monkeypatch.setattr(loading, "CHECK_AFTER_S", 0)
    dataset, settings = loading.dataset_at(small), Settings("small", "cosine", seed=13)
    config = SearchConfig.tables("cosine", 13, {}, {})
    path = index_folder.path_in(dataset.indexes, config, dataset.sha256("train"))
    index_folder.build(path, config, dataset.features("train"), pytest.fail)
    whole = path.read_bytes()
    middle = len(whole) // 2  # within the keys
    path.unlink()
    path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    others = set(threading.enumerate())  # checks of other tests, which begin after seconds
    assert loading.index_for(dataset, settings).tables.keys.tobytes() not in whole
    for check in [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]:
        if check not in others:
            check.join()
    assert loading.index_for(dataset, settings).tables.keys.tobytes() in whole
    assert path.read_bytes() == whole
    (message,) = [record.message for record in caplog.records if record.name == "earshot"]
    assert f"cannot load {path}: " in message
    assert f"it is set aside as {path.name}.unusable, and built again" in message


def test_an_index_without_a_file_is_built_in_memory(small):
    dataset = loading.dataset_at(small)
    loading.index_for(dataset, Settings("small", "cosine", seed=12))
    assert not dataset.indexes.exists()


def test_fifty_visitors_at_once_open_a_dataset_and_build_its_index_once(small, monkeypatch):
    built, build, open_, start = [], index_folder.load_or_fit, loading.open_dataset, Barrier(50)
    monkeypatch.setattr(loading, "open_dataset", lambda path: (built.append("dataset"), open_(path))[1])
    monkeypatch.setattr(
        index_folder, "load_or_fit", lambda *given, **how: (built.append("index"), build(*given, **how))[1]
    )

    def visit(_):
        start.wait()
        return loading.index_for(loading.dataset_at(small), Settings("small", "cosine", seed=977))

    with ThreadPoolExecutor(50) as visitors:
        assert len(set(map(id, visitors.map(visit, range(50))))) == 1
    assert built == ["dataset", "index"]


def test_the_key_of_an_index_changes_with_all_that_decides_it(small):
    dataset = loading.dataset_at(small)
    settings = [
        Settings("small", "euclidean"),
        Settings("small", "cosine"),
        Settings("small", "euclidean", seed=2),
        Settings("small", "euclidean", bucket_width=2.0),
    ]
    contexts = [PageContext(s, dataset, loading.index_for(dataset, s)) for s in settings]
    assert len({context.index_key for context in contexts}) == 4
    moved = replace(contexts[0], settings=replace(settings[0], n_tables=2, n_bits=2, n_probes=2))
    assert moved.index_key == contexts[0].index_key
