"""Comparison of this version with another one: here, with itself."""

import io
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.methods._base import grid
from benchmarks.search_problem import SearchProblem
from benchmarks.versions import __main__ as benchmark
from benchmarks.versions import worker
from benchmarks.versions.__main__ import _Setting, _Version, _worth_timing, main
from benchmarks.versions.worker import Worker
from lsh import SketchIndex, exact_search

RNG = np.random.default_rng(0)
X = (RNG.standard_normal((20, 16))[RNG.integers(0, 20, 1400)] + 0.5 * RNG.standard_normal((1400, 16))).astype("f4")
Q = (X[RNG.integers(0, 1400, 33)] + 0.5 * RNG.standard_normal((33, 16))).astype("f4")


@pytest.fixture
def files(tmp_path):
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "Q.npy", Q)
    return tmp_path / "X.npy", tmp_path / "Q.npy"


def test_both_versions_are_measured_at_the_same_recall(files, root, capsys, monkeypatch):
    few = classmethod(lambda *_: grid(n_probes=(2, 8, 32), n_reranked=(15, 200)))
    monkeypatch.setattr(benchmark.Sketch, "searches", few)
    dataset = ",".join(map(str, files))
    assert main([str(root), "--dataset", dataset, "--queries", "33", "--rounds", "1", "--recall", "0.9"]) == 0
    out = capsys.readouterr().out
    row = [cell.strip() for cell in out.splitlines()[-1].split("|")]
    assert row[1] == "0.9"
    this, other, ratio = (float(cell.replace(",", "")) for cell in row[2:5])
    assert abs(ratio - this / other) < 0.01
    assert row[5].split(":")[0].startswith("n_buckets")


class Clock:
    """A clock whose readings are a second apart, and processor time of which a search takes as much as is set."""

    def __init__(self, monkeypatch):
        self.wall, self.busy, self.takes, self.searched = 0.0, 0.0, iter(()), []
        monkeypatch.setattr(worker, "time", self)
        monkeypatch.setattr(SketchIndex, "search", self.search)

    def perf_counter(self):
        self.wall += 1
        return self.wall

    def thread_time(self):
        return self.busy

    def search(self, queries, k, **setting):
        self.searched.append((queries.shape, k, setting))
        self.busy += next(self.takes, 0.0)
        ids = np.tile(np.arange(k), (len(queries), 1))
        return SimpleNamespace(ids=ids, distances=ids + 1.0, n_candidates=np.arange(len(queries)))


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_a_worker_measures_the_recall_and_the_processor_time_of_a_setting(files, monkeypatch, metric):
    one = Worker()
    one.load(*map(str, files), metric, 10)
    assert one.build(4)[0] > 0
    setting = {"n_probes": 1, "n_reranked": 12}
    recall, candidates, seconds = one.measure(4, setting)
    rows = (V / np.linalg.norm(V, axis=1, keepdims=True) if metric == "cosine" else V for V in (X, Q))
    rows, queries = map(np.ascontiguousarray, rows)
    index = SketchIndex(metric, 4).fit(rows)
    found, true = index.search(queries, 10, **setting), exact_search(rows, queries, 10, metric).ids
    assert recall == pytest.approx(np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found.ids, true, strict=True)]))
    assert 0 < recall < 1
    assert candidates == found.n_candidates.mean()
    assert seconds > 0
    clock = Clock(monkeypatch)
    assert one.build(8) == (1.0, one.indexes[8].nbytes)
    assert one.build(4) == (1.0, index.nbytes)
    clock.takes = iter([6.6, 3.3, 9.9])
    assert one.measure(4, setting)[1:] == pytest.approx((16, 0.1))
    assert clock.searched == [((33, 16), 10, setting)] * 3
    clock.searched.clear()
    clock.takes = iter([100.0] * 5 + [1.0] * 20 + [0.5] * 13)
    assert one.time(4, setting) == [10.0, 10.0, 5.0, 1.5]
    assert clock.searched == [((1, 16), 10, setting)] * (5 + 33)  # five before the clock runs


def test_a_worker_answers_each_line_and_keeps_what_is_printed_apart(monkeypatch, capfd):
    asked = []

    class Printing:
        def build(self, n_buckets):
            os.write(1, b"of a library\n")
            asked.append(n_buckets)
            return 1.5, n_buckets

    monkeypatch.setattr(worker, "Worker", Printing)
    monkeypatch.setattr(sys, "stdin", io.StringIO('["build", 4]\n["build", 8]\n'))
    before = os.dup(1)
    try:
        worker.main()
    finally:
        os.dup2(before, 1)
        os.close(before)
    out, err = capfd.readouterr()
    assert (out, err) == ("[1.5, 4]\n[1.5, 8]\n", "of a library\n" * 2)
    assert asked == [4, 8]


def test_a_version_runs_on_one_thread_with_its_own_folder_and_the_processor_that_is_forced(tmp_path, monkeypatch):
    script = (
        "import json, os, sys\n"
        "for line in sys.stdin:\n"
        "    name, *rest = json.loads(line)\n"
        "    if name == 'end': sys.exit(3)\n"
        "    print(json.dumps([name, rest, {n: os.environ.get(n) for n in rest}, sys.path[0]]), flush=True)\n"
    )
    (tmp_path / "worker.py").write_text(script, encoding="utf-8")
    monkeypatch.setattr(benchmark, "__file__", str(tmp_path / "__main__.py"))
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    version = _Version("other", Path("/some/folder"), {"NUMBA_CPU_NAME": "generic"})
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    name, rest, variables, first = version.ask("show", *threads, "NUMBA_CPU_NAME", "PYTHONPATH", "PATH")
    assert (name, rest[:4]) == ("show", list(threads))
    assert variables == dict.fromkeys(threads, "1") | {
        "NUMBA_CPU_NAME": "generic",
        "PYTHONPATH": "/some/folder",
        "PATH": os.environ["PATH"],
    }
    assert first == "/some/folder"  # and not the folder of the script
    with pytest.raises(BenchmarkError, match="the process of other ended with exit code 3"):
        version.ask("end")
    version.end()


class Asked:
    """A version that answers from a table, and records what it is asked for."""

    def __init__(self, name, *_):
        self.name, self.asked, self.ended = name, [], False

    def ask(self, name, *rest):
        self.asked.append((name, *rest))
        if name == "build":
            return 1.5, 1400 * rest[0]
        if name == "measure":
            return min(1.0, rest[1]["n_probes"] / 10), rest[0] * 100.0, 0.001 * rest[1]["n_probes"]
        if name == "time":
            return [0.01 * rest[1]["n_probes"] * (2 if self.name == "other" else 1)] * 2
        return None

    def end(self):
        self.ended = True


def test_every_setting_of_the_method_is_measured(files, capsys):
    version = Asked("this")
    problem = SearchProblem("X", *files)
    found = benchmark._settings(version, problem, "euclidean")
    assert version.asked[0] == ("load", str(files[0]), str(files[1]), "euclidean", 10)
    expected = [(n, s) for n in (32, 64, 128) for s in benchmark.Sketch.searches(1400, {"n_buckets": n})]
    assert [(one.n_buckets, one.search) for one in found] == expected
    assert [rest for name, *rest in version.asked if name == "measure"] == [list(one) for one in expected]
    assert [(one.version, one.recall, one.candidates, one.batch_s, one.rounds) for one in found[:21:7]] == [
        ("this", 0.2, 3200.0, 0.002, []),
        ("this", 0.4, 3200.0, 0.004, []),
        ("this", 0.6, 3200.0, 0.006, []),
    ]
    assert capsys.readouterr().err.splitlines() == [
        f"this: {n} buckets built in 1.5 s, {n} bytes per vector" for n in (32, 64, 128)
    ]


def test_settings_are_timed_by_recall_in_alternating_order_and_each_block_counts_with_its_fastest_round():
    this, other = Asked("this"), Asked("other")
    order = []
    for version in (this, other):
        version.ask = lambda *request, name=version.name: order.append((name, *request[1:])) or [float(len(order))] * 2
    settings = [_Setting(name, 4, {"p": r}, r, 1.0, 0.1) for name, r in (("this", 0.9), ("this", 0.5), ("other", 0.7))]
    benchmark._time([this, other], [settings[:2], settings[2:]], 2)
    once = [("this", 4, {"p": 0.5}), ("other", 4, {"p": 0.7}), ("this", 4, {"p": 0.9})]
    assert order == once + once[::-1]
    assert [one.rounds for one in settings] == [[[3.0] * 2, [4.0] * 2], [[1.0] * 2, [6.0] * 2], [[2.0] * 2, [5.0] * 2]]
    one = _Setting("this", 4, {}, 0.5, 1.0, 0.25)
    assert one.qps == 4
    one.rounds += [[1.0, 3.0, 2.0], [2.0, 1.0, 1.0]]
    assert one.qps == 30 / 3


@pytest.mark.parametrize("forced", [False, True])
def test_the_speeds_of_both_versions_are_printed_beside_each_other(files, root, capsys, monkeypatch, forced):
    made = []

    def version(name, folder, variables):
        made.append(Asked(name))
        expected = {"NUMBA_CPU_NAME": "old", "NUMBA_CPU_FEATURES": "+avx2"} if forced else {}
        assert (folder.resolve(), variables) == (root, expected)
        return made[-1]

    monkeypatch.setattr(benchmark, "_Version", version)
    probes = classmethod(lambda *_: grid(n_probes=(2, 4, 6, 8, 12, 16), n_reranked=(15,)))
    monkeypatch.setattr(benchmark.Sketch, "searches", probes)
    monkeypatch.setattr(benchmark.machine, "describe", lambda: {"cpu": "Some processor", "load": 0.5})
    options = ["--dataset", ",".join(map(str, files)), "--queries", "33", "--rounds", "4", "--metric", "euclidean"]
    options += ["--recall", "0.4", "--recall", "1"] + (["--cpu", "old", "--features", "+avx2"] if forced else [])
    assert main([str(root), *options]) == 0
    out, err = capsys.readouterr()
    title, _, *lines = out.splitlines()
    compiled = ", compiled for old +avx2" if forced else ""
    assert title == f"X, euclidean, 33 queries, 4 rounds; Some processor{compiled}, load 0.5"
    setting = "n_buckets 32, n_probes {}, n_reranked 15: 3,200 sketches"
    assert [[cell.strip() for cell in line.strip("|").split("|")] for line in lines] == [
        ["recall", "this, queries/s", "other, queries/s", "ratio", "this: setting", "other: setting"],
        ["--:", "--:", "--:", "--:", "---", "---"],
        ["0.4", "250", "125", "2.00", setting.format(4), setting.format(4)],
        ["1", "83", "42", "2.00", setting.format(12), setting.format(12)],
    ]
    timed = [sum(name == "time" for name, *_ in one.asked) // 4 for one in made]
    assert err.splitlines()[-1] == f"4 rounds of {timed[0]} + {timed[1]} settings"
    assert [one.ended for one in made] == [True, True]


def test_a_recall_that_no_setting_reaches_has_no_speed(monkeypatch):
    monkeypatch.setattr(benchmark.machine, "describe", lambda: {"cpu": "Some processor", "load": 0.5})
    options = SimpleNamespace(recall=[0.9], metric="cosine", queries=5, rounds=1, cpu=None, features="+avx2")
    settings = [[_Setting("this", 4, {"p": 1}, 0.95, 7.0, 0.5)], [_Setting("other", 4, {"p": 1}, 0.5, 7.0, 0.5)]]
    lines = benchmark._report("X", options, settings).splitlines()
    assert lines[0] == "X, cosine, 5 queries, 1 rounds; Some processor, compiled for this processor +avx2, load 0.5"
    cells = [cell.strip() for cell in lines[-1].strip("|").split("|")]
    assert cells == ["0.9", "2", "-", "-", "n_buckets 4, p 1: 7 sketches", "-"]


def test_a_folder_without_a_version_is_refused(tmp_path, capsys):
    assert main([str(tmp_path), "--dataset", "like:100"]) == 2
    assert "holds no version of this project" in capsys.readouterr().err


def test_a_setting_is_timed_where_it_may_be_on_the_front_at_or_just_below_a_wanted_recall():
    def of(recall, qps):
        return _Setting("this", 4, {}, recall, 100.0, 1 / qps)

    settings = [of(0.95, 100.0), of(0.95, 10.0), of(0.5, 1000.0), of(0.99, 99.0)]
    assert [_worth_timing(setting, settings, [0.9]) for setting in settings] == [True, False, False, True]
    # Of recall 0.9, the lowest is 0.9 - 0.4 * 0.1; a setting of three quarters of the speed is timed, a slower one not.
    edges = [of(0.9, 100.0), of(0.8601, 100.0), of(0.8599, 100.0), of(0.9, 75.1), of(0.9, 74.9), of(0.87, 74.9)]
    assert [_worth_timing(one, edges, [0.9]) for one in edges] == [True, True, False, True, False, False]
    assert _worth_timing(edges[2], edges, [0.9, 0.85])
    low = [of(0.5, 100.0), of(0.4, 200.0)]  # none reaches the recall: those near it are timed, whatever their speed
    assert [_worth_timing(one, low, [0.7]) for one in low] == [False, False]
    assert [_worth_timing(one, low, [0.6]) for one in low] == [True, False]
