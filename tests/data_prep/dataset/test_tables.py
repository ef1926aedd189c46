"""Large tables are mapped from a copy of their Parquet file."""

import shutil
import threading

import pytest

from data_prep.dataset import open_dataset, tables
from data_prep.dataset.schema import SPLITS
from data_prep.errors import DatasetError
from tests.data_prep.small_datasets import write


@pytest.fixture(autouse=True)
def _all_tables_are_large(monkeypatch):
    monkeypatch.setattr(tables, "MAPPED_ROWS", 1)


@pytest.fixture
def dataset(tmp_path):
    return write(tmp_path / "dataset")


def contents(path):
    """Return all that a dataset's tables hold."""
    dataset = open_dataset(path)
    clips = [dataset.clip(split, row) for split in SPLITS for row in range(dataset.n_rows(split))]
    assert all(dataset.find_clip(clip.clip_id) == clip for clip in clips)
    labels = [[part.tolist() for part in dataset.label_sets(split)] for split in SPLITS]
    return clips, labels, dataset.label_names, dataset.label_parents


def copies(path):
    return sorted((path / "indexes").glob("*"))


def test_a_mapped_table_holds_what_the_parquet_file_does(dataset, monkeypatch):
    first, again = contents(dataset), contents(dataset)
    assert len(copies(dataset)) == 2
    assert all(tables.is_table_copy(copy.name) for copy in copies(dataset))
    shutil.rmtree(dataset / "indexes")
    monkeypatch.setattr(tables, "MAPPED_ROWS", 1_000_000)
    assert contents(dataset) == first == again
    assert copies(dataset) == []


def test_the_copy_is_read_and_the_parquet_file_is_not(dataset, monkeypatch):
    expected = contents(dataset)
    monkeypatch.setattr(tables, "_parsed", None)
    assert contents(dataset) == expected


@pytest.mark.parametrize("place", [8, 500, -1])
def test_a_damaged_copy_is_removed_and_made_again(dataset, place):
    expected = contents(dataset)
    before = copies(dataset)
    for copy in before:
        data = bytearray(copy.read_bytes())
        data[place] ^= 1
        copy.write_bytes(data)
    assert contents(dataset) == expected
    assert copies(dataset) == before


@pytest.mark.parametrize("kept", [0, 5, 300])
def test_a_cut_copy_is_made_again(dataset, kept):
    expected = contents(dataset)
    for copy in copies(dataset):
        copy.write_bytes(copy.read_bytes()[:kept])
    assert contents(dataset) == expected


def test_the_copy_of_another_table_is_not_read(tmp_path, dataset):
    other = write(tmp_path / "other", seed=1, first=40)
    contents(other)
    shutil.copytree(other / "indexes", dataset / "indexes")
    assert {clip.clip_id for clip in contents(dataset)[0]} == {f"clip-{i}" for i in range(30)}


def test_damage_of_the_parquet_file_is_an_error_where_there_is_no_copy(dataset):
    data = bytearray((dataset / "clips.parquet").read_bytes())
    data[100] ^= 1
    (dataset / "clips.parquet").write_bytes(data)
    with pytest.raises(DatasetError, match=r"clips\.parquet is not the file its manifest describes"):
        open_dataset(dataset).clip("train", 0)
    assert copies(dataset) == []


def test_without_a_folder_to_write_to_the_table_is_kept_in_memory(dataset):
    (dataset / "indexes").write_text("a file in the folder's place", encoding="utf-8")
    assert len(contents(dataset)[0]) == 30


def test_several_threads_that_open_a_dataset_at_once_make_one_copy(dataset):
    expected, found = contents(dataset), []
    shutil.rmtree(dataset / "indexes")
    threads = [threading.Thread(target=lambda: found.append(contents(dataset))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4
    assert len(copies(dataset)) == 2


@pytest.mark.parametrize(
    "name", ["clips.arrow", "clips-0123456789abcdef.arrow", "x.lsh", "clips-0123456789abcdef-0123456789abcdeg.arrow"]
)
def test_other_names_are_not_those_of_copies(name):
    assert not tables.is_table_copy(name)
