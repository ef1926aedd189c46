"""The benchmark of duplicates: what it plants, and what it says that was found."""

import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import duplicates as benchmark
from benchmarks.duplicates import PARTS, main, plant, shares
from benchmarks.ground_truth import pairs_within
from benchmarks.search_problem import prepare, unit
from lsh import ExactSearch, duplicates
from lsh.pairs.distances import distances_from
from lsh.pairs.duplicates import usual_radius
from tests.commands import runner


@pytest.mark.parametrize(("metric", "radius"), [("cosine", 0.05), ("euclidean", 1.5)])
def test_copies_are_planted_at_their_distances(metric, radius, monkeypatch):
    monkeypatch.setattr(benchmark, "_BLOCK", 4)
    X = np.random.default_rng(0).standard_normal((900, 16)).astype(np.float32)
    before = X.copy()
    pairs, part = plant(X, radius, metric, np.random.default_rng(1))
    exact = ExactSearch(X, metric)
    measured = np.array([distances_from(exact, a, np.array([b]))[0] for a, b in pairs.tolist()])
    assert len(set(pairs.ravel().tolist())) == 2 * 9
    assert measured == pytest.approx(radius * np.array(PARTS)[part], rel=1e-3)
    changed = np.flatnonzero((before != X).any(axis=1))
    assert len(changed) == 9
    assert set(changed.tolist()) < set(pairs.ravel().tolist())
    assert (pairs[:, 0] < pairs[:, 1]).all()
    assert part.tolist() == [0, 1, 2] * 3
    if metric == "cosine":  # a copy has the length of its original
        lengths = np.linalg.norm(X, axis=1)
        assert lengths[pairs[:, 0]] == pytest.approx(lengths[pairs[:, 1]], rel=1e-5)


def test_the_share_found_is_counted_by_distance():
    X = np.random.default_rng(0).standard_normal((600, 16)).astype(np.float32)
    pairs, part = plant(X, 0.01, "cosine", np.random.default_rng(1))
    found = duplicates(X, 0.01, recall=0.9999)
    assert shares(found, pairs, part, 600) == [1, 1, 1]
    assert shares(found, np.where(part[:, None] == 1, [[0, 1]], pairs), part, 600) == [1, 0, 1]
    assert shares(found, np.array([[0, 1], [0, 2], [0, 3]]), np.arange(3), 600) == [0, 0, 0]
    reversed_ = pairs[:, ::-1]  # other pairs: the first of each is the smaller number
    assert shares(found, reversed_, part, 600) == [0, 0, 0]


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Let vectors be kept in a temporary folder, a clock tick 2 s, and the machine be known; no FAISS."""
    monkeypatch.setattr("benchmarks.search_problem.CACHE", tmp_path)
    ticks = iter(range(100, 200, 2))
    monkeypatch.setattr(benchmark, "time", SimpleNamespace(perf_counter=lambda: float(next(ticks))))
    monkeypatch.setattr(benchmark, "describe", dict)
    monkeypatch.setattr(benchmark, "on_machine", lambda _: "some machine")
    monkeypatch.setitem(sys.modules, "faiss", None)


@pytest.mark.usefixtures("machine")
def test_the_command_prints_what_it_planted_and_the_share_that_was_found_by_distance(tmp_path, capsys):
    code, out, _ = runner(main, capsys)("--rows", 3000, "--threads", 1, "--metric", "euclidean")
    X = prepare("like:3000", 1, tmp_path, print).vectors()[0].copy()
    radius = usual_radius(ExactSearch(X, "euclidean"))
    pairs, part = plant(X, radius, "euclidean", np.random.default_rng(0))
    found = duplicates(X, radius, "euclidean", n_threads=1)
    listed = {(a, b) for a, b in found.pairs.tolist()}
    share = [np.mean([tuple(pair) in listed for pair in pairs[part == p].tolist()]) for p in range(3)]
    first, _, title, _, head, ruler, *rows, _, last = out.splitlines()
    assert (code, first) == (0, "some machine")
    assert title == (
        f"3,000 vectors of 128, euclidean, radius {radius:.4g}: 2.0 s on 1 threads, {found.n_tables} tables of "
        f"{found.n_bits} bits; {len(found.pairs):,} pairs, {len(found.groups):,} groups; promised {found.recall:g}"
    )
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in (head, ruler, *rows)]
    assert cells[:2] == [["distance of copies", "planted", "found"], ["---", "--:", "--:"]]
    assert cells[2:] == [[f"{PARTS[p]:g} of the radius", "10", f"{share[p]:.4f}"] for p in range(3)]
    assert last == "FAISS is not installed, and was not measured"


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize("n", [300, 1600])
@pytest.mark.parametrize(("metric", "index", "limit"), [("cosine", "IP", 0.75), ("euclidean", "L2", 0.0625)])
def test_faiss_searches_some_of_the_rows_and_its_time_for_all_is_in_proportion(monkeypatch, metric, index, limit, n):
    X, asked = np.random.default_rng(0).standard_normal((n, 4)).astype(np.float32) + 1, []
    every = max(1, n // 500)
    rows = X / np.linalg.norm(X, axis=1, keepdims=True) if metric == "cosine" else X

    class Index:
        def add(self, vectors):
            np.testing.assert_array_equal(vectors, rows)

        def range_search(self, Q, radius):
            np.testing.assert_array_equal(Q, rows[::every])
            assert Q.flags.c_contiguous
            asked.append(radius)

    makers = {f"IndexFlat{index}": lambda d: Index() if d == 4 else None}
    monkeypatch.setitem(sys.modules, "faiss", SimpleNamespace(omp_set_num_threads=asked.append, **makers))
    searched = "300 rows, so 2 s" if n == 300 else "534 rows, so 6 s"
    assert benchmark._faiss(X, 0.25, metric, 3) == (
        f"FAISS IndexFlat.range_search, 3 threads: 2.0 s for {searched} for all"
    )
    assert asked == [3, limit]


class Ranged:
    """A method that finds of each query the first rows within a radius, as many as its setting says, and takes time."""

    clock = 0.0

    def __init__(self, X):
        self.X = X

    def use(self, n, seconds):
        self.n, self.seconds = n, seconds

    def within(self, radius):
        n, seconds = self.n, self.seconds

        def search(Q):
            Ranged.clock += seconds * len(Q)
            rows = [np.flatnonzero(np.linalg.norm(self.X - q, axis=1) <= radius)[:n] for q in Q]
            limits = np.cumsum([0, *map(len, rows)]).astype(np.uint64)  # as FAISS has them
            return limits, None, np.concatenate(rows)

        return search


@pytest.fixture
def ranged(monkeypatch):
    """Let searches take the times of `Ranged`; return vectors, queries and the pairs within 1."""
    clock = SimpleNamespace(process_time=lambda: Ranged.clock, perf_counter=lambda: Ranged.clock)
    monkeypatch.setattr(benchmark, "time", clock)
    X = np.tile(np.arange(20, dtype=np.float32), 10)[:, None]  # ten of each
    Q = np.arange(150, dtype=np.float32)[:, None] % 20
    return X, Q, pairs_within(X, Q, "euclidean", 0.5)


def test_of_each_method_the_fastest_setting_that_finds_the_wanted_share_is_chosen(ranged, capsys):
    X, Q, true = ranged
    settings = [{"n": 8, "seconds": 1}, {"n": 9, "seconds": 3}, {"n": 10, "seconds": 2}, {"n": 99, "seconds": 2}]
    every = {"one": (Ranged(X), settings), "poor": (Ranged(X), settings[:1])}
    found = benchmark.chosen(every, X, Q, 0.5, true, 0.9)
    assert list(found) == ["one"]
    search, setting = found["one"]
    assert setting == "n 10, seconds 2"
    assert benchmark.share(benchmark.codes_of(search(Q), len(X)), true) == 1
    assert capsys.readouterr().out == "- poor: not measured within 0.5: no setting finds 0.9\n\n"
    assert [one[1] for one in benchmark.chosen(every, X, Q, 0.5, true, 0.8).values()] == ["n 8, seconds 1"] * 2


def test_the_share_found_is_that_of_the_true_pairs(ranged):
    X, Q, true = ranged
    search = Ranged(X)
    search.use(3, 0)
    codes = benchmark.codes_of(search.within(0.5)(Q), len(X))
    assert benchmark.share(codes, true) == 0.3
    assert benchmark.share(np.concatenate([codes, codes, [7]]), true) == 0.3  # once, and no wrong ones
    assert benchmark.share(codes, true[:0]) == 1


def test_a_time_is_the_median_of_the_rounds_per_query_one_at_a_time_and_in_a_batch(monkeypatch):
    now, taken = [0.0], iter([1, 1, 1, 1, 5, 3, 2, 9, 4, 60, 10, 20])

    def search(Q):
        now[0] += next(taken)

    monkeypatch.setattr(benchmark, "time", SimpleNamespace(process_time=lambda: now[0]))
    ((one, batch),) = benchmark.times([search], np.zeros((3, 2), np.float32), 3)
    assert (one, batch) == ((np.median([1, 1, 2]) + np.median([1, 5, 9]) + np.median([1, 3, 4])) / 3, 20)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_a_dataset_is_searched_within_radii_and_for_all_pairs(arrays, metric, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(benchmark, "on_machine", lambda _: "some machine")
    monkeypatch.setattr(benchmark, "_MOST_TRIED", 12)
    usual = 0.0 if metric == "cosine" else 3.0  # two vectors are equal, so that it is 0
    monkeypatch.setattr(benchmark, "usual_radius", lambda _: usual)
    monkeypatch.setitem(sys.modules, "faiss", None)
    code, out, _ = runner(main, capsys)(arrays, "--metric", metric, "--recall", "0.8", "--rounds", "1")
    assert code == 0
    assert out.startswith(f"base: 400 vectors, 30 queries, {metric}; some machine\n")
    assert out.count("not measured: the package faiss is not installed") == 2
    (head, _, *rows), (pairs_head, _, *pairs_rows) = (
        [[cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines()]
        for part in re.findall(r"(?:^\|.*\n)+", out, re.MULTILINE)
    )
    X, Q = (vectors.astype(np.float32) for vectors in prepare(arrays, 500, tmp_path, print).vectors())
    X, Q = (unit(X), unit(Q)) if metric == "cosine" else (X, Q)
    away = ExactSearch(X, metric).search(Q, 100).distances
    assert head[:5] == ["radius", "of neighbour", "within it", "method", "found"]
    assert [row[3] for row in rows] == ["lsh-sketch", "lsh-tables", "exact"] * 3
    for rank, three in zip(benchmark.RANKS, (rows[:3], rows[3:6], rows[6:]), strict=True):
        radius = float(np.median(away[:, rank - 1]))
        within = len(pairs_within(X, Q, metric, radius)) / 30
        assert {tuple(row[:3]) for row in three} == {(f"{radius:.4g}", str(rank), f"{within:,.1f}")}
    assert all(row[4] == "1.000" for row in rows[2::3])
    assert all(float(row[4]) > 0.7 for row in rows)  # of all queries, not of those that were tried
    assert pairs_head == ["radius", "", "pairs", "method", "found", "seconds", "setting"]
    assert [row[1] for row in pairs_rows] == ["usual"] * 2 * bool(usual) + ["of neighbour 1"] * 2
    near = pairs_within(X, X, metric, float(np.median(away[:, 0])))
    assert {row[2] for row in pairs_rows[-2:]} == {f"{(near // 400 < near % 400).sum():,}"}
    assert [(row[3], row[4]) for row in pairs_rows[1::2]] == [("exact", "1.0000")] * (1 + bool(usual))
    assert {row[3] for row in pairs_rows[::2]} == {"duplicates"}
    assert all(float(row[4]) > 0.7 for row in pairs_rows)
