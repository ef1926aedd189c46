"""Revision of a dataset: further columns and another title, with all else as it was."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from data_prep.dataset import SPLITS, Dataset, open_dataset, verify_dataset
from data_prep.dataset import tables as table_files
from data_prep.dataset.revise import count_changes, set_columns, set_title
from data_prep.dataset.schema import ClipBatch
from data_prep.dataset.writer import new_dataset
from data_prep.errors import DatasetError, InputError
from tests.data_prep.small_datasets import ABOUT, LABELS, batch, write


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


def test_title_and_taught_columns_stay_in_a_dataset_that_is_made_anew(dataset: Path) -> None:
    marks = pa.array([None if i % 3 else i % 2 == 0 for i in range(30)])
    set_columns(dataset, {"extra_taught a": marks, "extra_site": pa.array(["x"] * 30)})
    set_title(dataset, "My title")
    expected = {
        clip_id: mark
        for split in SPLITS
        for clip_id, mark in zip(
            added_split(dataset, split, "clip_id"), added_split(dataset, split, "extra_taught a"), strict=True
        )
    }
    revised = update(dataset, batch(40))
    assert revised.title == "My title"
    assert verify_dataset(dataset) == []
    for split in SPLITS:
        assert "extra_site" not in revised.clips(split).column_names
        ids, found = added_split(dataset, split, "clip_id"), added_split(dataset, split, "extra_taught a")
        assert found == [expected.get(clip_id) for clip_id in ids]


def update(path: Path, *batches: ClipBatch) -> Dataset:
    """Write a later version of a dataset in its place."""
    with new_dataset(path, LABELS, overwrite=True, before=open_dataset(path)) as writer:
        for one in batches:
            writer.add(one)
        writer.finish(ABOUT)
    return open_dataset(path)


def test_a_process_that_ends_before_the_later_version_is_complete_leaves_the_earlier_one_with_its_additions(
    dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_columns(dataset, {"extra_taught a": pa.array([True] * 30)})
    before = {path.name: path.read_bytes() for path in dataset.iterdir()}
    monkeypatch.setattr("data_prep.dataset.writer.carry_index_over", raise_interrupt)
    with pytest.raises(KeyboardInterrupt):
        update(dataset, batch(40))
    assert {path.name: path.read_bytes() for path in dataset.iterdir()} == before
    assert [path.name for path in dataset.parent.iterdir()] == [dataset.name]


def raise_interrupt(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, (0, 0)),
        ({"media": [f"m{i}" for i in range(30)]}, (30, 0)),
        ({"labels": [[]] * 29 + [[0]]}, (22, 0)),
        ({"n": 40}, (10, 0)),
        ({"n": 25}, (0, 5)),
        ({"first": 10}, (10, 10)),
        ({"seed": 1}, (30, 0)),
        ({"dim": 4}, (30, 0)),
        ({"further": {"extra_x": pa.array([None] * 28 + [[1], []], pa.list_(pa.int64()))}}, (2, 0)),
    ],
)
def test_changes_are_counted_by_features_labels_and_columns(
    dataset: Path, tmp_path: Path, changed: dict[str, Any], expected: tuple[int, int]
) -> None:
    options = {"n": 30, **changed}
    after = open_dataset(write(tmp_path / "after", **options))
    assert count_changes(open_dataset(dataset), after) == expected


def added_split(path: Path, split: str, column: str) -> list[object]:
    return list(open_dataset(path).clips(split)[column].to_pylist())
