"""First passes and indexes that are kept on disk for later calls."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

import lsh as package
from benchmarks import methods
from benchmarks.errors import MethodError
from benchmarks.methods import lsh, numpy
from benchmarks.peers import cache
from benchmarks.peers.worker import Worker

X = np.random.default_rng(0).standard_normal((1000, 64)).astype(np.float32)
X /= np.linalg.norm(X, axis=1, keepdims=True)
Q = np.random.default_rng(1).standard_normal((20, 64)).astype(np.float32)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("name", [name for name in methods.names() if methods._CLASSES[name] != "scann.ScaNNCore"])
def test_a_stored_index_answers_as_the_one_that_was_built(name, metric, tmp_path, monkeypatch):
    try:
        kind = methods.load(name)
    except MethodError as error:
        pytest.skip(str(error))
    if not kind.stores:
        pytest.skip("this library stores no index")
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    kind.prepare()
    for number, build in enumerate((kind.builds(len(X))[0], kind.builds(len(X))[-1])):
        built = kind(X, metric, **build)
        (folder := tmp_path / f"new{number}").mkdir()
        built.save(folder)
        stored = kind(X, metric, stored=folder.rename(tmp_path / f"kept{number}"), **build)
        for search in kind.searches(len(X), build)[::20]:
            built.use(**search)
            stored.use(**search)
            for k in (1, 10):
                for q in Q:
                    np.testing.assert_array_equal(stored.search_one(q, k), built.search_one(q, k))
                batches = [index.search_batch(Q, k) for index in (stored, built)]
                np.testing.assert_array_equal(*(np.array(batch) for batch in batches))
        assert stored.nbytes() == built.nbytes()


@pytest.fixture
def call(arrays, workers, run, monkeypatch, tmp_path):
    """Let two methods be measured with a cache, in this process; return what calls the command with further options."""
    monkeypatch.setattr(lsh.Sketch, "builds", classmethod(lambda *_: [{"n_buckets": 4}, {"n_buckets": 8}]))
    settings = [{"n_probes": 4, "n_reranked": 15}, {"n_probes": 4, "n_reranked": 200}]
    monkeypatch.setattr(lsh.Sketch, "searches", classmethod(lambda *_: settings))
    monkeypatch.setattr("benchmarks.peers.measure._MIN_SPEED", 0.0)  # each build has a setting worth timing

    def call(*options, data=arrays):
        workers.clear()
        out = tmp_path / "out.json"
        common = "--dataset", data, "--methods", "numpy,lsh-sketch", "--rounds", 1, "--cache", tmp_path / "cache"
        code, _, err = run(*common, "--out", out, *options)
        assert code in {0, 130}, err
        asked = [[name for name, *_ in worker.asked] for worker in workers]
        return asked, json.loads(out.read_text(encoding="utf-8")) if code == 0 else None

    call.folder = tmp_path / "cache"
    return call


FIRST, ROUND = "search_singly", ["search_singly", "search_batch"]
BUILT = [["build", FIRST, "save", *ROUND], *[["build", FIRST, FIRST, "save", *ROUND, *ROUND]] * 2]
READ = [["build", *ROUND], *[["build", *ROUND, *ROUND]] * 2]


def names_in(folder):
    return sorted(path.name.rpartition("-")[0] for path in folder.iterdir())


def test_a_second_call_searches_in_its_rounds_alone_and_has_the_figures_of_the_first(call, workers):
    asked, first = call()
    assert asked == BUILT
    assert names_in(call.folder) == ["lsh-sketch", "lsh-sketch", "numpy"]
    asked, second = call()
    assert asked == READ
    assert [worker.asked[0][-1].parent for worker in workers] == [call.folder] * 3
    same = ("method", "build", "search", "recall", "recall_error", "queries", "build_s", "index_mb", "resident_mb")
    assert [[p[name] for name in same] for p in first["points"]] == [
        [p[name] for name in same] for p in second["points"]
    ]


def test_an_index_that_can_be_stored_is_read_and_not_built_again(call, monkeypatch):
    call()
    monkeypatch.setattr(lsh.SketchIndex, "fit", None)
    monkeypatch.setattr(lsh.Sketch, "compiles", False)
    assert call()[0] == READ


def test_builds_without_a_setting_worth_timing_start_no_process(call, monkeypatch):
    call()
    monkeypatch.setattr("benchmarks.peers.measure._worth_timing", lambda trial, _: trial.method == "numpy")
    asked, results = call()
    assert asked == READ[:1]
    assert len(results["points"]) == 5


@pytest.mark.parametrize("stage", ["search_singly", "save"])
def test_an_interrupted_call_keeps_the_builds_that_were_complete_and_the_next_one_makes_the_rest(
    call, stage, monkeypatch
):
    do, n = getattr(Worker, stage), 0

    def interrupted(self, *arguments):
        nonlocal n
        if hasattr(self.index, "index") and self.index.index.n_buckets == 8:
            raise KeyboardInterrupt
        return do(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Worker, stage, interrupted)
        assert call()[1] is None
    assert names_in(call.folder) == ["lsh-sketch", "numpy"]
    asked = call()[0]
    assert sorted(asked) == sorted([READ[0], READ[1], BUILT[2]])


def test_a_process_that_ends_while_it_saves_leaves_no_record(call, monkeypatch):
    def killed(self, folder):
        (folder / "index").write_text("half of it", encoding="utf-8")
        raise MethodError("its process ended with exit code -9")

    with monkeypatch.context() as patch:
        patch.setattr(lsh.Sketch, "save", killed)
        results = call()[1]
    assert results["skipped"] == dict.fromkeys(
        (f"lsh-sketch n_buckets {n}" for n in (4, 8)), "its process ended with exit code -9"
    )
    assert names_in(call.folder) == ["numpy"]
    assert call()[0] == [READ[0], *BUILT[1:]]


def test_other_vectors_queries_neighbours_or_distances_are_measured_anew(call, arrays, tmp_path):
    call()
    for number, changed in enumerate(("base.npy", "queries.npy")):
        base, queries = (shutil.copy(path, tmp_path) for path in arrays.split(","))
        vectors = np.load(tmp_path / changed)
        vectors[5, 5] += 1
        np.save(tmp_path / changed, vectors)
        assert call(data=f"{base},{queries}")[0] == BUILT
        assert len(names_in(call.folder)) == 6 + 3 * number
    assert call("--k", 9)[0] == call("--metric", "euclidean")[0] == BUILT
    assert call()[0] == READ


def test_another_machine_version_of_numpy_or_code_that_measures_is_measured_anew(call, tmp_path, monkeypatch):
    call()
    (tmp_path / "other.py").write_text("another worker", encoding="utf-8")
    for changed, value in (("summary", lambda: "another machine"), ("worker.__file__", str(tmp_path / "other.py"))):
        with monkeypatch.context() as patch:
            patch.setattr(f"benchmarks.peers.cache.{changed}", value)
            assert call()[0] == BUILT
    assert call()[0] == READ


def test_the_rest_of_a_changed_grid_is_measured_and_nothing_that_it_lacks(call, monkeypatch):
    call()
    builds, searches = [{"n_buckets": 8}, {"n_buckets": 16}], [{"n_probes": 4, "n_reranked": 200}]
    monkeypatch.setattr(lsh.Sketch, "builds", classmethod(lambda *_: builds))
    asked, results = call()
    assert sorted(asked) == sorted([READ[0], READ[1], BUILT[1]])
    assert [p["build"] for p in results["points"][1:]] == [builds[0]] * 2 + [builds[1]] * 2
    monkeypatch.setattr(lsh.Sketch, "searches", classmethod(lambda *_: searches))
    asked, results = call()
    assert asked == [READ[0], *[["build", FIRST, "save", *ROUND]] * 2]
    assert [p["search"] for p in results["points"][1:]] == searches * 2


def test_the_code_of_this_project_is_the_library_of_its_methods():
    sources = Path(package.__file__).parent
    found = cache._library_files(lsh.Sketch.needs, None)
    assert {sources / "__init__.py", sources / "kernels" / "jit.py", sources / "sketches" / "partition.py"} <= set(
        found
    )


def test_another_version_of_a_library_or_a_plug_in_is_measured_anew(call, tmp_path, monkeypatch):
    for name in ("library", "plug_in"):
        (tmp_path / f"some_{name}.py").write_text("version = 1", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(numpy.NumPy, "needs", "some_library")
    of = "benchmarks.peers.cache.inspect.getfile"
    monkeypatch.setattr(of, lambda kind: tmp_path / "some_plug_in.py" if kind is numpy.NumPy else lsh.__file__)
    call()
    for name in ("library", "plug_in"):
        assert call()[0] == READ
        (tmp_path / f"some_{name}.py").write_text("version = 2", encoding="utf-8")
        assert call()[0] == [BUILT[0], *READ[1:]]


def test_a_library_in_a_folder_of_its_own_is_the_one_whose_bytes_count(call, tmp_path, monkeypatch):
    monkeypatch.setattr(numpy.NumPy, "needs", "some_library")
    for version in (1, 2):
        package = tmp_path / str(version) / "some_library"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("", encoding="utf-8")
        (package / "code.py").write_text(f"version = {version}", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path / "1")
    call()
    assert call("--library", f"numpy={tmp_path / '1'}")[0] == READ
    assert call("--library", f"numpy={tmp_path / '2'}")[0] == [BUILT[0], *READ[1:]]


def test_a_damaged_record_or_index_is_measured_anew(call):
    call()
    numpy_place, *sketches = sorted(call.folder.iterdir(), key=lambda path: path.name.startswith("lsh"))
    (numpy_place / "first_pass.json").write_text("{", encoding="utf-8")
    with (sketches[0] / "index").open("rb+") as file:
        file.seek(-1, 2)
        file.truncate()
    (sketches[1] / "index").unlink()
    assert call()[0] == BUILT
    assert call()[0] == READ


def test_a_folder_whose_index_the_library_cannot_read_is_named(call, monkeypatch):
    monkeypatch.setattr(
        lsh.Sketch, "save", lambda _, folder: (folder / "index").write_text("no index", encoding="utf-8")
    )
    call()
    sketches = sorted(path for path in call.folder.iterdir() if path.name.startswith("lsh"))
    results = call()[1]
    named = [path for path in sketches if str(path) in results["skipped"]["lsh-sketch"]]
    assert len(named) == 1
    assert f"its index in {named[0]} cannot be used" in results["skipped"]["lsh-sketch"]
    assert "remove that folder" in results["skipped"]["lsh-sketch"]
