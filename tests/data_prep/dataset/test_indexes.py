"""Index files of a dataset: built by the commands that prepare one, packed, linked and verified."""

import contextlib
import io
import json
import os
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data_prep import __main__ as command_line
from data_prep.__main__ import main
from data_prep.dataset import Dataset, indexes, open_dataset, verify_dataset
from data_prep.dataset import add_map as mapping
from data_prep.dataset.add_map import add_map
from data_prep.dataset.map_layout import principal_plane
from data_prep.dataset.writer import new_dataset
from data_prep.download.packed_dataset import pack, unpack
from data_prep.errors import InputError, OutputError
from lsh import LSHIndex, load
from lsh.__main__ import main as lsh_main
from tests.data_prep.small_datasets import ABOUT, LABELS, batch, write


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a dataset with the default index, sketches and a graph."""
    path = write(tmp_path_factory.mktemp("indexed") / "d", n=60)
    for words in ([], ["--kind", "sketches"], ["--kind", "graph"]):
        assert lsh_main(["build", str(path), *words]) == 0
    return path


def run_here(command: str, path: Path, *options: str) -> tuple[dict[str, Any], str]:
    """Run a command of `lsh` in this process, which takes a second less than in one of its own."""
    with contextlib.redirect_stdout(io.StringIO()) as printed, contextlib.redirect_stderr(io.StringIO()):
        lsh_main([command, str(path), *options, "--json"])
    return (json.loads(printed.getvalue()) if printed.getvalue() else {}), ""


@pytest.fixture
def dataset(indexed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the dataset; commands of `lsh` run in this process, other than in the tests without it."""
    monkeypatch.setattr(indexes, "_run", run_here)
    return shutil.copytree(indexed, tmp_path / "d")


def damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_files_that_lsh_writes_are_known_by_their_names(dataset: Path) -> None:
    opened = open_dataset(dataset)
    found = [path.name for path in indexes.index_files(opened)]
    digits = opened.sha256("train")[:16]
    assert found == [
        f"graph-cosine-seed0-{digits}.lsh",
        f"sketches-cosine-kmeans-4-seed0-{digits}.lsh",
        f"tables-cosine-hyperplanes-32x24-seed0-{digits}.lsh",
    ]
    assert [path.name for path in indexes.index_files(opened, "tables")] == found[2:]
    assert not indexes.is_index_of("0" * 64, found[0])
    with os.scandir(dataset / "indexes") as entries:
        assert all(map(indexes.is_index_file, entries))


def test_the_help_of_a_command_says_from_which_size_an_index_is_saved(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["folder", "--help"])
    assert f"of {indexes.MIN_ROWS:,} clips or more" in " ".join(capsys.readouterr().out.split())


def test_small_datasets_get_no_index(tmp_path: Path) -> None:
    path = write(tmp_path / "d")
    assert indexes.build_default_index(path) is None
    assert not (path / "indexes").exists()


def test_a_large_dataset_gets_the_index_that_the_app_opens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, indexed: Path
) -> None:
    path = write(tmp_path / "d", n=60)
    monkeypatch.setattr(indexes, "MIN_ROWS", 20)
    assert "MB and took" in str(indexes.build_default_index(path))
    (name,) = names(path / "indexes")
    assert (path / "indexes" / name).read_bytes() == (indexed / "indexes" / name).read_bytes()


def test_an_index_that_cannot_be_saved_leaves_the_dataset_and_exit_code_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "d", n=60)
    (path / "indexes").write_bytes(b"")
    monkeypatch.setattr(indexes, "MIN_ROWS", 20)
    with pytest.raises(OutputError, match=r"d is complete, but its index was not saved: .*indexes.*the app builds it"):
        indexes.build_default_index(path)
    options = command_line._parser().parse_args(["folder", "sounds", "--out", str(path)])
    assert command_line._save_index(path, options) == 1
    assert capsys.readouterr().err.startswith(f"left out: {path} is complete, but its index was not saved")
    assert verify_dataset(path) == []


def later(path: Path, *, n: int = 60, seed: int = 0, **changed: Any) -> Dataset:
    """Write a later version of a dataset of 60 clips in its place."""
    with new_dataset(path, LABELS, overwrite=True, before=open_dataset(path)) as writer:
        writer.add(batch(n - 2, seed=seed, **changed))
        writer.add(batch(2, first=n - 2, seed=1, **changed))
        writer.finish(ABOUT)
    return open_dataset(path)


def test_a_later_version_appears_with_the_index_of_the_earlier_one_of_which_only_new_clips_were_hashed(
    dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = open_dataset(dataset)
    index = LSHIndex(n_tables=32, n_bits=24).fit(np.array(earlier.features("train")))
    after = later(dataset, n=66)
    (saved,) = indexes.index_files(after)
    assert saved.name == f"tables-cosine-hyperplanes-32x24-seed0-{after.sha256('train')[:16]}.lsh"
    assert indexes.problems_of_indexes(after) == []
    X = after.features("train")
    carried, expected = load(saved, X), LSHIndex(n_tables=32, n_bits=24).fit(X, like=index)
    assert isinstance(carried, LSHIndex)
    assert all(map(np.array_equal, carried.tables, expected.tables))
    before = saved.read_bytes()
    monkeypatch.setattr(indexes, "MIN_ROWS", 20)
    assert "only clips that are new were hashed" in str(indexes.build_default_index(dataset))
    assert saved.read_bytes() == before
    assert verify_dataset(dataset) == []


def test_the_features_of_a_later_version_are_those_of_a_dataset_made_anew(dataset: Path, tmp_path: Path) -> None:
    later(dataset, n=66)
    anew = shutil.copytree(write(tmp_path / "anew" / "d", n=60), tmp_path / "fresh" / "d")
    later(anew, n=66)
    for name in ("train.npy", "validation.npy", "test.npy", "clips.parquet", "labels.parquet", "manifest.json"):
        assert (dataset / name).read_bytes() == (anew / name).read_bytes()


@pytest.mark.parametrize("changed", [{"seed": 3}, {"dim": 4}, {"n": 20}])
def test_an_index_that_does_not_fit_a_later_version_is_left_out_and_built_again(
    dataset: Path, changed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    after = later(dataset, **changed)
    assert indexes.index_files(after) == []
    monkeypatch.setattr(indexes, "MIN_ROWS", 1)
    assert "took" in str(indexes.build_default_index(dataset))


def test_a_damaged_index_is_not_carried_over(dataset: Path) -> None:
    (tables,) = indexes.index_files(open_dataset(dataset), "tables")
    damage(tables)
    assert indexes.index_files(later(dataset)) == []


@pytest.mark.parametrize("words", [["convert", "--features", "x", "--labels", "y"], ["audioset"], ["folder", "x"]])
def test_an_option_leaves_the_index_out(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "d", n=60)
    monkeypatch.setattr(indexes, "MIN_ROWS", 20)
    options = command_line._parser().parse_args([*words, "--out", str(path), "--no-index"])
    assert command_line._save_index(path, options) == 0
    assert not (path / "indexes").exists()


def test_verify_counts_the_indexes_and_names_a_damaged_one(dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(dataset)]) == 0
    assert capsys.readouterr().out == f"{dataset} is valid: Thirty clips, 5 files, 3 saved indexes\n"
    _, sketches, tables = indexes.index_files(open_dataset(dataset))
    damage(sketches)
    foreign = tables.with_name(tables.name.replace(tables.stem[-16:], "f" * 16))
    tables.rename(foreign)
    assert main(["verify", str(dataset)]) == 1
    head, *problems, advice = capsys.readouterr().err.splitlines()
    assert head == f"error: {dataset} is valid, but not its indexes:"
    assert f"cannot load {sketches}: its array gaps has sha256" in problems[0]
    assert f"{foreign} belongs to other vectors; expected {tables.name}" in problems[1]
    assert "python -m lsh build" in advice
    assert verify_dataset(dataset) == []  # what a dataset is updated from


def test_an_index_stays_valid_when_a_map_is_added(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapping, "tsne_layout", lambda features, *_: principal_plane(features).project(features))
    (tables,) = indexes.index_files(open_dataset(dataset), "tables")
    (dataset / "indexes" / f".{tables.name}.0a1b2c3d.tmp").write_bytes(b"half")
    inode, before = tables.stat().st_ino, names(dataset / "indexes")
    mapped = add_map(dataset)
    assert tables.stat().st_ino == inode  # a hard link
    assert names(dataset / "indexes") == before[1:]
    assert tables in indexes.index_files(mapped)


def packed_names(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        return [name for name in archive.namelist() if "/" in name]


def test_sketches_are_packed_and_tables_on_request_and_graphs_never(dataset: Path, tmp_path: Path) -> None:
    saved = indexes.index_files(open_dataset(dataset))
    _, sketches, tables = (f"indexes/{path.name}" for path in saved)
    assert main(["pack", str(dataset), "--out", str(tmp_path / "made.zip")]) == 0
    assert packed_names(tmp_path / "made.zip") == [sketches]
    assert main(["pack", str(dataset), "--with-tables", "--out", str(tmp_path / "all.zip")]) == 0
    assert packed_names(tmp_path / "all.zip") == [sketches, tables]
    unpacked = unpack(tmp_path / "all.zip", tmp_path / "again")
    for path in saved[1:]:
        assert (unpacked.indexes / path.name).read_bytes() == path.read_bytes()


def test_a_damaged_index_is_not_packed(dataset: Path, tmp_path: Path) -> None:
    damage(indexes.index_files(open_dataset(dataset), "sketches")[0])
    with pytest.raises(InputError, match=r"an index of .* is damaged, so it is not packed; remove it: cannot load"):
        pack(dataset, tmp_path / "made.zip")
    assert not (tmp_path / "made.zip").exists()


def test_only_indexes_of_the_packed_features_are_unpacked_and_none_is_decompressed(
    dataset: Path, tmp_path: Path
) -> None:
    pack(dataset, tmp_path / "made.zip")
    (kept,) = packed_names(tmp_path / "made.zip")
    with zipfile.ZipFile(tmp_path / "made.zip", "a") as archive:
        archive.writestr(f"indexes/tables-cosine-hyperplanes-32x24-seed0-{'f' * 16}.lsh", b"of other features")
        archive.writestr("indexes/../../evil.lsh", b"")
        archive.writestr("indexes/notes.txt", b"")
        other, bomb = (kept.replace("seed0", seed) for seed in ("seed1", "seed2"))
        archive.writestr(f"/{other}", b"")
        archive.writestr(f"indexes/sub/{Path(other).name}", b"")
        archive.writestr(bomb, b"0" * 10**6, zipfile.ZIP_DEFLATED)
    unpacked = unpack(tmp_path / "made.zip", tmp_path / "out" / "again")
    assert names(unpacked.indexes) == [Path(kept).name]
    assert names(tmp_path / "out") == ["again"]
