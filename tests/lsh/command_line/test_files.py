"""`python -m lsh build` and `search` on files of vectors."""

import json

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from lsh import GraphIndex, LSHIndex, SketchIndex, load
from lsh.__main__ import main
from lsh.command_line import vector_files
from lsh.errors import LSHError
from tests.commands import runner


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return runner(main, capsys)


def data(n=200, dim=8):
    rng = np.random.default_rng(5)
    return rng.standard_normal((n, dim)).astype(np.float32), rng.standard_normal((9, dim)).astype(np.float32)


def write(path, X):
    """Write vectors in the format that the ending of a path stands for."""
    if path.suffix == ".npy":
        np.save(path, X)
    elif path.suffix == ".parquet":
        parquet.write_table(pa.table({"id": list(range(len(X))), "vector": list(X)}), path)
    elif path.suffix == ".hdf5":
        h5py = pytest.importorskip("h5py")
        with h5py.File(path, "w") as file:
            file.attrs["distance"] = "euclidean"
            file["train"] = file["test"] = X
    else:
        rows = [np.int32(len(row)).tobytes() + row.tobytes() for row in X]
        path.write_bytes(b"".join(rows))


@pytest.mark.parametrize("ending", [".npy", ".fvecs", ".bvecs", ".ivecs", ".parquet", ".hdf5"])
def test_an_index_of_a_file_answers_as_one_of_the_array(ending, run, tmp_path):
    X, Q = data()
    if ending in {".bvecs", ".ivecs"}:
        dtype = np.uint8 if ending == ".bvecs" else np.int32
        X, Q = ((100 + 30 * values).astype(dtype) for values in (X, Q))
    write(tmp_path / f"X{ending}", X)
    write(tmp_path / f"Q{ending}", Q)
    column = ["--column", "vector"] if ending == ".parquet" else []
    code, out, _ = run("build", f"X{ending}", "--out", "index.lsh", "--json", *column)
    report = json.loads(out)
    metric = "euclidean" if ending == ".hdf5" else "cosine"
    assert (code, report["vectors"], report["dimensions"], report["metric"]) == (0, 200, 8, metric)
    assert report["bytes"] == (tmp_path / "index.lsh").stat().st_size
    code, out, _ = run("search", "index.lsh", f"Q{ending}", "--k", "4", "--out", "found.npz", "--json", *column)
    assert (code, json.loads(out)["queries"]) == (0, 9)
    index = load("index.lsh")
    with np.load("found.npz") as found:
        assert {name: array.tolist() for name, array in found.items()} == {
            name: array.tolist() for name, array in index.search(Q, 4)._asdict().items()
        }
    assert index.default_setting == LSHIndex(metric, index.params.n_tables).fit(X).default_setting
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [f"X{ending}", f"Q{ending}", "index.lsh", "found.npz"]
    )


def test_the_setting_and_the_kind_of_search_can_be_given(run):
    X, Q = data()
    np.save("X.npy", X)
    np.save("Q.npy", Q)
    for kind, options, setting in (
        ("tables", ["--tables", "3", "--bits", "4", "--probes", "2"], {"n_tables": 3, "n_bits": 4, "n_probes": 2}),
        ("sketches", ["--probes", "2", "--reranked", "15"], {"n_probes": 2, "n_reranked": 15}),
        ("graph", ["--index", "graph", "--kept", "13"], {"n_kept": 13}),
    ):
        assert run("build", "X.npy", "--kind", kind, "--out", "i.lsh", "--metric", "euclidean", "--seed", "2")[0] == 0
        index = load("i.lsh")
        assert isinstance(index, {"sketches": SketchIndex, "graph": GraphIndex, "tables": LSHIndex}[kind])
        for more, expected in (
            (options, index.search(Q, 3, **setting)),
            (["--index", "exact"], index.exact.search(Q, 3)),
        ):
            code, out, _ = run("search", "i.lsh", "Q.npy", "--k", "3", "--out", "f.npz", *more)
            assert (code, "3 neighbours of 9 queries" in out) == (0, True)
            with np.load("f.npz") as found:
                assert found["ids"].tolist() == expected.ids.tolist()
    for option, with_ in (("tables", "hash tables"), ("bits", "hash tables"), ("probes", "hash tables and sketches")):
        said = run("search", "i.lsh", "Q.npy", f"--{option}", "3", "--out", "f.npz")[2]
        assert f"--{option} goes with {with_}; i.lsh has a graph: leave it out" in said
    assert run("build", "X.npy", "--kind", "sketches", "--out", "i.lsh")[0] == 0
    said = run("search", "i.lsh", "Q.npy", "--kept", "3", "--out", "f.npz")[2]
    assert "--kept goes with a graph; i.lsh has sketches: leave it out" in said
    said = run("search", "i.lsh", "Q.npy", "--index", "graph", "--out", "f.npz")[2]
    assert "--index graph does not go with i.lsh, which has sketches: leave it out" in said
    said = run("search", "i.lsh", "Q.npy", "--index", "exact", "--probes", "3", "--out", "f.npz")[2]
    assert "--probes does not go with --index exact; leave one of them out" in said


def test_what_cannot_be_done_is_said_in_one_message_and_leaves_no_file(run, tmp_path):
    X, Q = data()
    np.save("X.npy", X)
    np.save("Q.npy", Q[:, :5])
    np.save("empty.npy", X[:0])
    np.save("objects.npy", np.array([{}], object), allow_pickle=True)
    (tmp_path / "cut.npy").write_bytes((tmp_path / "X.npy").read_bytes()[:200])
    (tmp_path / "cut.fvecs").write_bytes(b"\x03\x00\x00\x00\x00")
    (tmp_path / "text.parquet").write_text("no table")
    (tmp_path / "text.hdf5").write_text("no table")
    (tmp_path / "dims.fvecs").write_bytes((np.int32([1, 0, 2, 0])).tobytes())
    write(tmp_path / "p.parquet", X)
    assert run("build", "X.npy", "--out", "index.lsh")[0] == 0
    before = sorted(tmp_path.iterdir())
    for words, message in (
        (["build", "X.npy"], "--out"),
        (["build", "empty.npy", "--out", "o"], "no vectors"),
        (["build", "objects.npy", "--out", "o"], "objects.npy"),
        (["build", "cut.npy", "--out", "o"], "cut.npy"),
        (["build", "cut.fvecs", "--out", "o"], "cut.fvecs"),
        (["build", "dims.fvecs", "--out", "o"], "row 1"),
        (["build", "text.parquet", "--out", "o"], "text.parquet"),
        (["build", "text.hdf5", "--out", "o"], "text.hdf5"),
        (["build", "p.parquet", "--column", "other", "--out", "o"], "'other'"),
        (["build", "X.npy", "--column", "a", "--out", "o"], "--column"),
        (["search", "index.lsh", "Q.npy", "--out", "o"], "5 features"),
        (["search", "index.lsh", "X.npy"], "--out"),
        (["search", "index.lsh", "--out", "o"], "queries"),
        (["search", "index.lsh", "X.npy", "--out", "o", "--metric", "cosine"], "--metric"),
        (["search", "index.lsh", "X.npy", "--out", "o", "--reranked", "5"], "sketches"),
        (["search", "index.lsh", "X.npy", "--out", "o", "--seed", "1"], "--seed 1"),
        (["search", "index.lsh", "X.npy", "--out", "o", "--index", "sketches"], "--index sketches"),
        (["search", "X.npy", "X.npy", "--out", "o"], "X.npy"),
        (["search", "index.lsh", "X.txt", "--out", "o"], "X.txt"),
    ):
        code, out, err = run(*words)
        assert (code, out, err.count("error: ")) == (2, "", 1), words
        assert message in err.splitlines()[-1]
        assert "Traceback" not in err
    assert sorted(tmp_path.iterdir()) == before


def test_hdf5_without_h5py_and_with_another_distance_is_refused(tmp_path, monkeypatch):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "j.hdf5", "w") as file:
        file.attrs["distance"] = "jaccard"
    with pytest.raises(LSHError, match="jaccard"):
        vector_files.metric_of(tmp_path / "j.hdf5")
    with pytest.raises(LSHError, match="no dataset 'train'"):
        vector_files.read(tmp_path / "j.hdf5", [], "train")
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(LSHError, match="pip install h5py"):
        vector_files.read(tmp_path / "j.hdf5", [], "train")
