"""Revision of a dataset: further columns and another title, with all else as it was."""

import json
from pathlib import Path

import pyarrow as pa
import pytest

from data_prep.dataset import SPLITS, open_dataset, verify_dataset
from data_prep.dataset import tables as table_files
from data_prep.dataset.revise import additions_of, restore, set_columns, set_title
from data_prep.errors import DatasetError, InputError
from tests.data_prep.small_datasets import write


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return write(tmp_path / "in" / "thirty", with_frames=True)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_columns_are_added_and_replaced_in_the_order_of_the_splits_and_nothing_else_changes(dataset: Path) -> None:
    before, manifest = contents(dataset), json.loads((dataset / "manifest.json").read_bytes())
    numbers = pa.array([float(i) for i in range(30)])
    set_columns(dataset, {"extra_a": pa.array(["x"] * 30), "extra_b": numbers})
    marks = pa.array([None if i % 3 else i % 2 == 0 for i in range(30)])
    revised = set_columns(dataset, {"extra_a": marks})
    assert verify_dataset(dataset) == []
    tables = [revised.clips(split) for split in SPLITS]
    assert [x for table in tables for x in table["extra_a"].to_pylist()] == marks.to_pylist()
    assert [x for table in tables for x in table["extra_b"].to_pylist()] == numbers.to_pylist()
    after = contents(dataset)
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"clips.parquet", "manifest.json"}
    kept = json.loads(after["manifest.json"])
    assert {**kept, "files": {}} == {**manifest, "files": {}}


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ({"extra_a": pa.array([1] * 29)}, "29 values, expected 30"),
        ({"colour": pa.array([1] * 30)}, "names that begin with"),
        ({"extra_a": pa.array([b"x"] * 30)}, "of the types"),
        ({"labels": pa.array([1] * 30)}, "with another type"),
    ],
)
def test_columns_that_the_format_does_not_admit_are_refused_and_change_nothing(
    dataset: Path, columns: dict[str, "pa.Array[int]"], problem: str
) -> None:
    before = contents(dataset)
    with pytest.raises(InputError, match=problem):
        set_columns(dataset, columns)
    assert contents(dataset) == before


def test_the_copy_of_a_table_that_is_replaced_is_removed(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_files, "MAPPED_ROWS", 10)
    first = open_dataset(dataset).clips("train")["clip_id"].to_pylist()
    (old,) = (dataset / "indexes").glob("clips-*.arrow")
    revised = set_columns(dataset, {"extra_a": pa.array(range(30))})
    assert revised.clips("train")["clip_id"].to_pylist() == first
    (new,) = (dataset / "indexes").glob("clips-*.arrow")
    assert new.name != old.name
    assert verify_dataset(dataset) == []


def test_a_title_is_changed_and_nothing_else(dataset: Path) -> None:
    before = contents(dataset)
    assert set_title(dataset, "  A new\tname ").title == "A new name"
    after = contents(dataset)
    assert {name for name in after if after[name] != before[name]} == {"manifest.json"}
    assert verify_dataset(dataset) == []


@pytest.mark.parametrize("title", ["", "  ", "x" * 201])
def test_a_title_that_is_none_is_refused(dataset: Path, title: str) -> None:
    with pytest.raises(InputError, match="expected 1 to 200"):
        set_title(dataset, title)


def test_a_folder_that_is_no_dataset_is_not_revised(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="holds no prepared dataset"):
        set_title(tmp_path, "A name")


def test_title_and_taught_columns_are_restored_in_a_dataset_that_was_made_anew(dataset: Path, tmp_path: Path) -> None:
    marks = pa.array([None if i % 3 else i % 2 == 0 for i in range(30)])
    set_columns(dataset, {"extra_taught a": marks, "extra_site": pa.array(["x"] * 30)})
    added = additions_of(set_title(dataset, "My title"))
    expected = {
        clip_id: mark
        for split in SPLITS
        for clip_id, mark in zip(
            added_split(dataset, split, "clip_id"), added_split(dataset, split, "extra_taught a"), strict=True
        )
    }
    anew = write(tmp_path / "anew" / "forty", n=40)
    restore(anew, added)
    revised = open_dataset(anew)
    assert revised.title == "My title"
    assert verify_dataset(anew) == []
    for split in SPLITS:
        assert "extra_site" not in revised.clips(split).column_names
        ids, found = added_split(anew, split, "clip_id"), added_split(anew, split, "extra_taught a")
        assert found == [expected.get(clip_id) for clip_id in ids]


def added_split(path: Path, split: str, column: str) -> list[object]:
    return list(open_dataset(path).clips(split)[column].to_pylist())
