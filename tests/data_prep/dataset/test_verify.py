"""Verification of every byte of a dataset."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_prep.dataset import verify, verify_dataset
from tests.data_prep.small_datasets import write


@pytest.fixture(scope="module")
def undamaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("undamaged") / "d", n=60, with_frames=True)


@pytest.fixture
def dataset(undamaged: Path, tmp_path: Path) -> Path:
    return shutil.copytree(undamaged, tmp_path / "d")


def update_facts(dataset: Path, name: str) -> None:
    """Update a file's facts in the manifest, to hide that it was changed."""
    manifest = json.loads((dataset / "manifest.json").read_text())
    data = (dataset / name).read_bytes()
    manifest["files"][name] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    (dataset / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize("rows_at_a_time", [1, 65_536])
def test_a_valid_dataset_has_no_problems(dataset: Path, rows_at_a_time: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "_CHUNK", rows_at_a_time)
    assert verify_dataset(dataset) == []


def test_a_folder_that_is_not_a_dataset_is_one_problem(tmp_path: Path) -> None:
    assert verify_dataset(tmp_path) == [
        f"{tmp_path} holds no prepared dataset: manifest.json is missing; make one with `python -m data_prep`"
    ]


@pytest.mark.parametrize("name", ["train.npy", "test.npy", "frames.npy", "clips.parquet", "labels.parquet"])
def test_a_flipped_byte_in_any_file_is_found_and_named(dataset: Path, name: str) -> None:
    data = bytearray((dataset / name).read_bytes())
    data[-20] ^= 1
    (dataset / name).write_bytes(data)
    problems = verify_dataset(dataset)
    assert [problem.split(",")[0].split(" is ")[0] for problem in problems] == [f"{name}: sha256"]


def test_every_problem_is_listed(dataset: Path) -> None:
    for name in ("train.npy", "test.npy"):
        data = bytearray((dataset / name).read_bytes())
        data[-1] ^= 1
        (dataset / name).write_bytes(data)
    assert len(verify_dataset(dataset)) == 2


Change = Callable[[pa.Table], pa.Table]


def with_column(name: str, change: Callable[[list], list]) -> Change:
    def changed(table: pa.Table) -> pa.Table:
        place = table.schema.get_field_index(name)
        field = table.schema.field(name)
        return table.set_column(place, field, pa.array(change(table[name].to_pylist()), field.type))

    return changed


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (with_column("split", lambda column: ["test", *column[1:]]), "not all of its train rows have the split train"),
        (with_column("row", lambda column: [1, 0, *column[2:]]), "rows of train are not numbered 0 to 19"),
        (with_column("clip_id", lambda column: [column[1], column[0], *column[2:]]), "order of their keys"),
        (with_column("clip_id", lambda column: [column[1], *column[1:]]), "a clip id occurs twice"),
        (with_column("end_s", lambda column: [float("nan"), *column[1:]]), "not all times of train"),
        (with_column("start_s", lambda column: [-1.0, *column[1:]]), "not all times of train"),
        (with_column("n_frames", lambda column: [0, *column[1:]]), "a clip of train has no frame"),
        (with_column("first_frame", lambda column: [7, *column[1:]]), "first_frame of train does not follow"),
        (with_column("labels", lambda column: [[99], *column[1:]]), "has a label outside 0 to 4"),
        (with_column("labels", lambda column: [[0, 1, 2, 3, 4], *column[1:]]), "its counts for train are not"),
    ],
)
@pytest.mark.parametrize("rows_at_a_time", [1, 65_536])
def test_a_wrong_clip_table_is_found_though_its_hash_is_right(
    dataset: Path, change: Change, problem: str, rows_at_a_time: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify, "_CHUNK", rows_at_a_time)
    table = pq.read_table(dataset / "clips.parquet")
    pq.write_table(change(table), dataset / "clips.parquet", write_page_checksum=True)
    update_facts(dataset, "clips.parquet")
    assert any(problem in found for found in verify_dataset(dataset))


def test_a_wrong_label_table_is_found(dataset: Path) -> None:
    table = with_column("index", lambda column: column[::-1])(pq.read_table(dataset / "labels.parquet"))
    pq.write_table(table, dataset / "labels.parquet")
    update_facts(dataset, "labels.parquet")
    assert verify_dataset(dataset) == ["labels.parquet: its index is not 0, 1, 2, ..."]


def test_other_columns_are_found(dataset: Path) -> None:
    pq.write_table(pq.read_table(dataset / "clips.parquet").drop_columns("media"), dataset / "clips.parquet")
    update_facts(dataset, "clips.parquet")
    assert "has other columns than expected: it lacks columns that format version 2 has" in verify_dataset(dataset)[0]


@pytest.mark.parametrize(
    ("name", "column", "words"),
    [
        ("clips.parquet", ("extra_when", pa.array([0] * 60, pa.timestamp("s"))), "'extra_when' of type timestamp"),
        ("clips.parquet", ("species", pa.array(["owl"] * 60)), "names that begin with 'extra_'"),
        ("labels.parquet", ("definition", pa.array([1] * 5)), "no further one but 'definition'"),
        ("labels.parquet", ("extra_a", pa.array(["a"] * 5)), "no further one but 'definition'"),
    ],
)
def test_an_unknown_further_column_is_found(dataset: Path, name: str, column: tuple, words: str) -> None:
    pq.write_table(pq.read_table(dataset / name).append_column(*column), dataset / name)
    update_facts(dataset, name)
    assert words in verify_dataset(dataset)[0]


def test_two_further_columns_of_one_name_are_found(dataset: Path) -> None:
    titles = pa.field("title", pa.string()), pa.array(["a title"] * 60)
    table = pq.read_table(dataset / "clips.parquet").append_column(*titles).append_column(*titles)
    pq.write_table(table, dataset / "clips.parquet")
    update_facts(dataset, "clips.parquet")
    assert "expected as further ones, each once" in verify_dataset(dataset)[0]


def test_definitions_without_their_licence_are_found(dataset: Path) -> None:
    field, column = pa.field("definition", pa.string(), nullable=False), pa.array([""] * 5)
    pq.write_table(pq.read_table(dataset / "labels.parquet").append_column(field, column), dataset / "labels.parquet")
    update_facts(dataset, "labels.parquet")
    assert "'definitions' is missing" in verify_dataset(dataset)[0]


def test_a_medium_that_is_not_a_web_address_is_found(dataset: Path) -> None:
    manifest = json.loads((dataset / "manifest.json").read_text())
    (dataset / "manifest.json").write_text(json.dumps({**manifest, "media": "url"}))
    assert "is not an address of http:// or https://" in verify_dataset(dataset)[0]


def test_too_few_clips_are_found(dataset: Path) -> None:
    pq.write_table(pq.read_table(dataset / "clips.parquet").slice(1), dataset / "clips.parquet")
    update_facts(dataset, "clips.parquet")
    assert "has 59 rows, its manifest states 60" in verify_dataset(dataset)[0]


def test_a_table_that_is_not_parquet_is_found(dataset: Path) -> None:
    (dataset / "labels.parquet").write_bytes(b"PAR1" + bytes(50) + b"PAR1")
    update_facts(dataset, "labels.parquet")
    assert "labels.parquet is damaged" in verify_dataset(dataset)[0]


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_a_feature_that_is_not_finite_is_found_with_its_row(tmp_path: Path, dtype: str) -> None:
    dataset = write(tmp_path / "d", n=60, dtype=dtype)
    features = np.load(dataset / "test.npy")
    features[13, 5] = np.inf
    np.save(dataset / "test.npy", features)
    update_facts(dataset, "test.npy")
    assert verify_dataset(dataset) == ["test.npy: row 13 is not finite"]
