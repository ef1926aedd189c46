"""The benchmark of growing indexes: the segments that it makes, what it times, and the tables that it prints."""

from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.growing import __main__ as benchmark
from benchmarks.growing.__main__ import SEGMENTS, add_segments, main
from lsh import ExactSearch, LSHIndex, SketchIndex


@pytest.mark.parametrize("count", SEGMENTS)
def test_vectors_are_added_in_as_many_segments_as_are_measured(count):
    X = np.random.default_rng(0).standard_normal((260_000, 2)).astype(np.float32)
    index = LSHIndex("cosine", 1, 4).fit(X[:200_000])
    add_segments(index, X[200_000:], count)
    assert index.n_segments == count
    sizes, size = [], 200_000
    for _ in range(count - 1):  # each, cut to a whole number, is contained 4.5 times in the one before
        sizes.append(max(1, int(size / 4.5)))
        size = sizes[-1]
    added = index.ids[200_000:]
    np.testing.assert_array_equal(index.vectors_of(added), X[200_000 : 200_000 + sum(sizes)])
    few = LSHIndex("cosine", 1, 4).fit(X[:50])
    if count > 5:
        with pytest.raises(BenchmarkError, match=r"vectors lie in \d segments; expected 8: add --rows"):
            add_segments(few, X, count)


class Slow:
    """An index whose methods take known times of a clock."""

    kind = "tables"
    now = 0.0
    seconds = iter(())

    def fit(self, X):
        self.n, self.removed, self.exact = len(X), [], SimpleNamespace(X=X)
        Slow.now += 1.25
        return self

    def add(self, X):
        assert (np.arange(self.n - 500, self.n - 400)[:, None] == X).all()
        self.n += len(X)
        Slow.now += next(Slow.seconds)

    def remove(self, ids):
        self.removed = ids.tolist()
        Slow.now += 0.5

    def compact(self):
        assert self.removed
        Slow.now += 3.0


def test_changes_are_timed_on_an_index_that_is_fitted_anew(monkeypatch):
    monkeypatch.setattr(benchmark, "_BATCH", 100)
    exact = ExactSearch(np.ones((500, 2), np.float32))
    assert len(benchmark._changes(exact, np.ones((2000, 2), np.float32))) == 5
    assert exact.n == 500
    monkeypatch.setattr(benchmark, "time", SimpleNamespace(perf_counter=lambda: Slow.now))
    Slow.seconds = iter([0.5] * 19 + [2.5])
    index, more = Slow().fit(np.zeros((500, 1))), np.arange(3000)[:, None]
    found = benchmark._changes(index, more)
    assert index.n == 500
    removed = len(range(0, 2500, 100))
    assert found == ["1.25", f"{2000 / 12:,.0f}", "2.50", f"{removed / 0.5:,.0f}", "3.00"]


def test_searches_in_each_number_of_segments_and_with_removed_rows_are_compared_with_those_after_compact(monkeypatch):
    monkeypatch.setattr(benchmark, "SEGMENTS", (1, 3))
    timed = []

    def ms_and_spread(searches, Q, rounds):
        grown, compacted = (search.__self__ for search in searches)
        timed.append((grown.n_segments, compacted.n_segments, len(grown.ids), len(compacted.ids), len(Q), rounds))
        return [3.0, 2.0 * len(timed)], [0.0, 0.0]

    monkeypatch.setattr(benchmark, "ms_and_spread", ms_and_spread)
    X = np.random.default_rng(0).standard_normal((3000, 4)).astype(np.float32)
    index = LSHIndex("cosine", 2, 4).fit(X[:1000])
    assert benchmark._ratios(index, X[1000:], X[:7]) == [1.5, 0.75, 0.5]
    assert [one[:2] for one in timed] == [(1, 1), (3, 1), (1, 1)]
    assert [one[2] for one in timed] == [one[3] for one in timed] == [1000, 1000 + 222 + 49, 990]
    assert {one[4:] for one in timed} == {(7, 5)}
    assert (index.n, index.n_segments) == (1000, 1)


NAMES = ["hash tables", "sketches", "exact search"]
OUT = """\
some machine

3,000 vectors of 2, cosine; 20 batches of 1,000 added, one in 100 removed

| index        | fit, s | rows added per s | slowest batch, s | removed per s | compact, s |
| ---          |    --: |              --: |              --: |           --: |        --: |
| hash tables  |      a |                b |                c |             d |          e |
| sketches     |      a |                b |                c |             d |          e |
| exact search |      a |                b |                c |             d |          e |

Time per query, one at a time, as a multiple of that after `compact` (5 rounds, interleaved)

| index        | 1 segment | 2 segments | 8 segments | 1 in 100 removed |
| ---          |       --: |        --: |        --: |              --: |
| hash tables  |      1.25 |       1.50 |       3.00 |             1.00 |
| sketches     |      1.25 |       1.50 |       3.00 |             1.00 |
| exact search |      1.25 |       1.50 |       3.00 |             1.00 |
"""


@pytest.mark.parametrize(("rows", "total"), [(3000, 23_000), (50_000, 75_000)])
def test_the_command_prints_a_row_per_index(monkeypatch, tmp_path, capsys, rows, total):
    seen = []

    def prepare(text, n_queries, folder, progress):
        progress(f"{text} {n_queries}")
        for name, n in (("X", total), ("Q", 9)):
            np.save(tmp_path / f"{name}.npy", np.arange(n * 2, dtype=np.float32).reshape(n, 2))
        return SimpleNamespace(base=tmp_path / "X.npy", queries=tmp_path / "Q.npy")

    def changes(index, more):
        seen.append((index.name, index.n, len(more), more[0, 0]))
        index.n = 0  # of a copy
        return list("abcde")

    def ratios(index, more, Q):
        seen.append((index.name, index.n, len(more), more[0, 0]))
        assert len(Q) == 9
        return [1.25, 1.5, 3.0, 1.0]

    for name, fake in {"prepare": prepare, "_changes": changes, "_ratios": ratios, "describe": dict}.items():
        monkeypatch.setattr(benchmark, name, fake)
    monkeypatch.setattr(benchmark, "on_machine", lambda _: "some machine")
    monkeypatch.setattr(benchmark, "_indexes", lambda X: {n: SimpleNamespace(name=n, n=len(X)) for n in NAMES})
    assert main(["--rows", str(rows)]) == 0
    out, err = capsys.readouterr()
    assert out == OUT.replace("3,000 vectors", f"{rows:,} vectors")
    assert err.splitlines() == [f"like:{total} 100", *NAMES]
    assert seen == [(name, rows, total - rows, rows * 2) for name in NAMES for _ in range(2)]


def test_the_indexes_are_those_of_default_settings():
    X = np.random.default_rng(0).standard_normal((300, 4)).astype(np.float32)
    found = benchmark._indexes(X)
    assert list(found) == NAMES
    for index, other in zip(found.values(), (LSHIndex().fit(X), SketchIndex().fit(X), ExactSearch(X)), strict=True):
        assert type(index) is type(other)
        np.testing.assert_array_equal(index.search(X[:5], 3).ids, other.search(X[:5], 3).ids)
