"""The benchmark of filtered searches: what is measured, and what is marked."""

from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.errors import MethodError
from benchmarks.filters import __main__ as benchmark
from benchmarks.filters.__main__ import SHARES, Cell, filters, is_below, main, measure
from benchmarks.methods import load
from lsh.analysis import timing


def test_filters_are_random_have_a_label_or_are_farthest_of_about_each_share(root):
    folder, rng = str(root / "data" / "sample"), np.random.default_rng(0)
    dataset = benchmark.open_dataset(folder)
    X, Q = (np.asarray(dataset.features(split)[:]) for split in ("train", "test"))
    found = list(filters(folder, X, Q, "euclidean"))
    for kind in ("random", "farthest"):
        sizes = [one.allowed.sum() for one in found if one.kind == kind]
        assert sizes == [max(1, round(share * len(X))) for share in SHARES]
    labels = [one for one in found if one.kind.startswith("label ")]
    assert len({one.kind for one in labels}) == len(labels) > 1
    for one in labels:
        label = dataset.label_names.index(one.kind.removeprefix("label "))
        assert np.array_equal(np.flatnonzero(one.allowed), dataset.rows_with_label("train", label))
    away = ((X - Q.mean(axis=0)) ** 2).sum(axis=1)
    for one in found:
        if one.kind == "farthest":
            assert away[one.allowed].min() >= away[~one.allowed].max()
    far = [one for one in filters("like:9", X, rng.permutation(Q), "cosine") if one.kind != "random"]
    assert {one.kind for one in far} == {"farthest"}
    products = X @ Q.astype(np.float64).mean(axis=0)
    assert all(products[one.allowed].max() <= products[~one.allowed].min() for one in far)
    counts = dataset.label_counts("train")
    nearest = [np.abs(np.log(np.maximum(counts, 1e-9) / max(1, round(share * len(X))))).min() for share in SHARES]
    off = [np.abs(np.log(one.allowed.sum() / max(1, round(share * len(X))))) for one in labels for share in SHARES]
    assert set(np.round(nearest, 9)) <= set(np.round(off, 9))


@pytest.mark.parametrize("name", ["exact", "lsh-sketch", "lsh-tables", "faiss-ivf-flat", "faiss-hnsw", "hnswlib"])
def test_a_method_with_a_filter_finds_the_allowed_vectors_alone(name):
    try:
        method = load(name)
    except MethodError as error:
        pytest.skip(str(error))
    rng = np.random.default_rng(0)
    X = rng.standard_normal((400, 8)).astype(np.float32)
    index = method(X, "euclidean", **benchmark.builds(400)[name])
    index.use(**method.searches(400, benchmark.builds(400)[name])[-1])
    allowed = rng.random(400) < 0.3
    found = measure([index.filtered(allowed), index.search_one], X, X[:20], "euclidean", allowed, 1)
    assert found[0].recalls.mean() > 0.9
    assert found[1].recalls.mean() < 0.6  # most of what it finds is not allowed
    assert min(one.microseconds for one in found) > 0


def test_a_mean_is_below_another_by_two_standard_errors_of_the_differences():
    before = np.random.default_rng(0).random(100)
    noise = np.random.default_rng(1).standard_normal(100)
    noise -= noise.mean()
    error = noise.std(ddof=1) / 10
    assert not is_below(before + noise - 1.99 * error, before)
    assert is_below(before + noise - 2.01 * error, before)
    assert not is_below(before, before)


class Timed:
    """A method with four settings, of which the first finds the farthest, and all take known times of a clock."""

    now, asked = 0.0, None

    def __init__(self, X, metric, **build):
        self.X, self.build = X, build
        assert metric == "euclidean"

    @classmethod
    def searches(cls, n, build):
        return [{"p": p} for p in ((1,) if build.get("bad") else (1, 2, 3, 4))]

    def use(self, **setting):
        self.setting = setting

    def search_one(self, q, k):
        Timed.now += (1, 3, 2, 2)[self.setting["p"] - 1]
        Timed.asked.append(self.setting["p"])
        order = np.argsort(((self.X - q) ** 2).sum(axis=1))
        return (order[::-1] if self.setting["p"] == 1 else order)[: k + 2]

    def filtered(self, allowed):
        assert (allowed.shape, allowed.all()) == ((len(self.X),), True)
        return None if self.build.get("plain") else self.search_one


@pytest.fixture
def clock(monkeypatch):
    """Let searches take the times of `Timed`."""
    monkeypatch.setattr(timing, "clock", lambda: Timed.now)
    monkeypatch.setattr(Timed, "asked", [])


@pytest.mark.usefixtures("clock")
def test_each_method_searches_with_its_fastest_setting_of_the_wanted_recall(monkeypatch, capsys):
    def load(name):
        if name == "missing":
            raise MethodError("the package missing is not installed")
        return Timed

    kinds = {"one": {"bits": 8}, "missing": {}, "bad": {"bad": 1}, "plain": {"plain": 1}}
    monkeypatch.setattr(benchmark, "builds", lambda n: kinds if n == 40 else None)
    monkeypatch.setattr(benchmark, "load", load)
    X = np.random.default_rng(0).standard_normal((40, 3)).astype(np.float32)
    found = benchmark._built(X, np.tile(X, (3, 1)), "euclidean", 1.0)
    assert capsys.readouterr().out.splitlines() == [
        "- one: bits 8, p 3",  # 4 is as fast, and later
        "- missing: not measured: the package missing is not installed",
        "- bad: not measured: no setting has a recall of 1",
        "- plain: not measured: its Python package has no filter for searches",
    ]
    assert list(found) == ["one"]
    assert found["one"].setting == {"p": 3}
    assert [Timed.asked.count(p) for p in (1, 2, 3, 4)] == [2 * 105, 105, 105, 105]  # five, then a hundred of 120


@pytest.mark.usefixtures("clock")
def test_recalls_are_of_what_is_allowed_and_a_query_counts_with_its_median_round(monkeypatch):
    X, rounds = np.arange(30, dtype=np.float32)[:, None], iter([9, 1, 6, 2])  # the first call is not timed

    def slow(q, k):
        Timed.now += next(rounds)
        return np.array([0, 1, 2, 3, 4, 29, 31, 99][:k])

    def fast(q, k):
        Timed.now += 0.5
        assert k == 6
        return [4, 4]

    allowed = np.zeros(30, bool)
    allowed[[2, 4, 6, 8, 10, 29]] = True
    found = measure([slow, fast], X, X[:1], "euclidean", allowed, 3)
    assert [one.recalls.tolist() for one in found] == [[3 / 6], [1 / 6]]
    assert [one.microseconds for one in found] == pytest.approx([2e6, 0.5e6])
    (every,) = measure([lambda q, k: [*range(5), -1, -2, 30, 31, 99, 5]], X, X[:2], "euclidean", None, 1)
    assert every.recalls.tolist() == [0.5, 0.5]


OUT = """\
made: 4 vectors, 3 queries; some machine


Recall of 10 neighbours; marked < where it is below that without a filter by two standard errors:

| filter | allowed | able  | other   |
|    --: |     --: | ---   | ---     |
|   none |         | 0.500 | 0.500   |
|    odd |    50 % | 0.500 | < 0.400 |
|  small |  0.01 % | 0.500 | < 0.400 |

Microseconds per query:

| filter | allowed |  able | other |
|   none |         | 1,234 | 5,678 |
|    odd |    50 % | 1,235 | 5,679 |
|  small |  0.01 % | 1,236 | 5,680 |
"""


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_the_command_prints_a_row_per_filter(monkeypatch, tmp_path, capsys, metric):
    X = np.array([[3, 4], [0, 0], [1, 0], [0, 2]], np.float32)
    rows, asked = {"euclidean": X, "cosine": np.array([[0.6, 0.8], [0, 0], [1, 0], [0, 1]], np.float32)}[metric], []
    mask, few = np.array([False, True, False, True]), np.zeros(10_000, bool)
    few[3] = True

    class Method:
        def __init__(self, name):
            self.name = name

        def search_one(self, q, k):
            raise NotImplementedError

        def filtered(self, allowed):
            return None if self.name == "without" else (self.name, allowed)

    def prepare(dataset, n_queries, folder, progress):
        progress(f"{dataset} {n_queries} {folder.is_dir()}")
        return SimpleNamespace(name="made", vectors=lambda: (X, X[:3]))

    def measured(searches, given, Q, metric_, allowed, rounds):
        np.testing.assert_array_equal(given, rows)
        np.testing.assert_array_equal(Q, rows[:3])
        assert (metric_, rounds) == (metric, 2)
        asked.append(searches if allowed is not None else [search.__self__.name for search in searches])
        own = np.array([0.4, 0.5, 0.6]) - (0 if allowed is None else 0.1)
        cells = [Cell(np.array([0.4, 0.5, 0.6]), 1233.0 + len(asked)), Cell(own, 5677.0 + len(asked))]
        return cells if allowed is not None else [*cells, Cell(own, 1.0)]

    def built(given, Q, metric_, recall):
        np.testing.assert_array_equal(given, rows)
        np.testing.assert_array_equal(Q, rows[:3])
        assert (metric_, recall) == (metric, 0.75)
        return {name: Method(name) for name in ("able", "other", "without")}

    def filters_of(dataset, given, Q, metric_):
        np.testing.assert_array_equal(given, rows)
        np.testing.assert_array_equal(Q, rows[:3])
        assert (dataset, metric_) == ("there", metric)
        return [benchmark.Filter("odd", mask), benchmark.Filter("small", few)]

    fakes = {"prepare": prepare, "measure": measured, "_built": built, "filters": filters_of, "describe": dict}
    for name, fake in fakes.items():
        monkeypatch.setattr(benchmark, name, fake)
    monkeypatch.setattr(benchmark, "on_machine", lambda _: "some machine")
    assert main(["there", "--queries", "9", "--rounds", "2", "--recall", "0.75", "--metric", metric]) == 0
    out, err = capsys.readouterr()
    assert err == "there 9 True\n"
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in out.splitlines() if "--" not in line]
    assert cells == [
        [cell.strip() for cell in line.strip("|").split("|")] for line in OUT.splitlines() if "--" not in line
    ]
    assert asked == [
        ["able", "other", "without"],
        *([(name, one) for name in ("able", "other")] for one in (mask, few)),
    ]


def test_the_builds_are_those_of_the_middle_size():
    cells = {"lsh-sketch": {"n_buckets": 256}, "faiss-ivf-flat": {"cells": 256}}
    found = benchmark.builds(50_000)
    assert {name: found[name] for name in cells} == cells
    assert found["lsh-tables"] == load("lsh-tables").builds(50_000)[0]
    graphs = {"hnswlib": {"M": 16, "ef_construction": 200}, "faiss-hnsw": {"M": 16}, "exact": {}}
    assert {name: found[name] for name in graphs} == graphs
    assert found["usearch"] == {"connectivity": 16, "dtype": "f32"}
