"""The benchmark of duplicates: what it plants, and what it says that was found."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import duplicates as benchmark
from benchmarks.duplicates import PARTS, main, plant, shares
from benchmarks.search_problem import prepare
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
