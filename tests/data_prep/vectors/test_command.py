"""The command `python -m data_prep vectors`: report, exit code, a second run, and an index of its own."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_prep.__main__ import main
from data_prep.dataset import open_dataset
from tests.commands import runner
from tests.data_prep.vectors.prepared import vectors


@pytest.fixture
def run(capsys):
    """Return a function that runs the command and returns (exit code, stdout, stderr)."""
    command = runner(main, capsys)
    return lambda *arguments: command("vectors", *arguments)


@pytest.fixture
def table(tmp_path):
    rows = vectors(30, 8).tolist()
    rows[3] = None
    pq.write_table(
        pa.table({"key": [f"k{n}" for n in range(30)], "emb": rows, "note": ["\033[31m"] * 30}), tmp_path / "x.parquet"
    )
    return tmp_path / "x.parquet"


def test_the_report_says_what_was_guessed_and_names_the_rows_left_out(run, table, tmp_path):
    code, out, err = run(table, "--out", tmp_path / "out")
    assert code == 1
    assert "29 of 30 rows, 8 numbers each" in out
    assert "vectors: column 'emb' (the one column of lists of numbers)" in out
    assert "id: column 'key', by its name" in out
    assert "left out: row 3: the vector is missing" in err
    dataset = open_dataset(tmp_path / "out")
    assert dataset.manifest["skipped"] == [{"where": "x.parquet, row 3", "reason": "the vector is missing"}]
    assert "id: column 'key', by its name" in dataset.manifest["notes"]


def test_many_rows_left_out_are_counted_and_not_all_listed(run, tmp_path, monkeypatch):
    monkeypatch.setattr("data_prep.vectors.collection._MAX_SKIPPED", 50)
    x = vectors(200, 4)
    x[10:110] = np.nan
    np.save(tmp_path / "x.npy", x)
    code, _, err = run(tmp_path / "x.npy", "--out", tmp_path / "out")
    assert (code, err.count("left out: row"), "left out: 80 more rows" in err) == (1, 20, True)
    manifest = open_dataset(tmp_path / "out").manifest
    assert (len(manifest["skipped"]), manifest["notes"][-1]) == (50, "50 more rows were left out than are listed")


def test_a_second_run_over_a_changed_file_writes_the_dataset_anew(run, tmp_path):
    path, out = tmp_path / "x.npy", tmp_path / "out"
    for n in (5, 7):
        np.save(path, vectors(n, 4))
        assert run(path, "--out", out)[0] == 0
        assert open_dataset(out).n_rows("train") == n
    before = {file.name: file.read_bytes() for file in out.iterdir()}
    path.write_bytes(path.read_bytes()[:-1])
    assert run(path, "--out", out)[0] == 2
    assert {file.name: file.read_bytes() for file in out.iterdir()} == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["out", "x.npy"]


def test_a_dataset_of_another_file_is_replaced_only_when_asked(run, tmp_path):
    for name in ("x.npy", "y.npy"):
        np.save(tmp_path / name, vectors(5, 4))
    assert run(tmp_path / "x.npy", "--out", tmp_path / "out")[0] == 0
    code, _, err = run(tmp_path / "y.npy", "--out", tmp_path / "out")
    assert (code, "exists already" in err) == (2, True)
    assert run(tmp_path / "y.npy", "--out", tmp_path / "out", "--overwrite")[0] == 0


def test_the_same_file_gives_the_same_bytes(run, table, tmp_path):
    for name in ("a/out", "b/out"):
        (tmp_path / name).parent.mkdir()
        run(table, "--out", tmp_path / name)
    for file in (tmp_path / "a/out").iterdir():
        assert file.read_bytes() == (tmp_path / "b/out" / file.name).read_bytes()


@pytest.mark.parametrize("dtype", ["float32", "float16", "uint8"])
def test_vectors_are_stored_in_the_dtype_that_was_asked_for(dtype, run, table, tmp_path):
    run(table, "--out", tmp_path / "out", "--dtype", dtype)
    assert open_dataset(tmp_path / "out").dtype == dtype


def test_a_missing_file_and_a_folder_are_refused_in_one_line(run, tmp_path):
    for path in (tmp_path / "none.npy", tmp_path):
        code, out, err = run(path, "--out", tmp_path / "out")
        assert (code, out) == (2, "")
        assert err.splitlines()[-1].startswith("error: ")
        assert not (tmp_path / "out").exists()


def test_recall_is_measured_with_rows_of_its_own_each_left_out_of_its_answer(run, tmp_path, capsys):
    from lsh.__main__ import main as lsh

    np.save(tmp_path / "x.npy", vectors(300, 8))
    run(tmp_path / "x.npy", "--out", tmp_path / "out")
    code, out, _ = runner(lsh, capsys)("evaluate", tmp_path / "out", "--tables", 4, "--bits", 6, "--json")
    report = json.loads(out)
    assert code == 0
    assert (report["split"], report["queries"]) == ("train", 300)
    assert 0 < report["recall"] < 1
