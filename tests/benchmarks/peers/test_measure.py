"""Measurement of methods in processes of their own."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.methods._base import Method
from benchmarks.peers import measure
from benchmarks.peers.measure import _Trial, _worth_timing
from benchmarks.peers.worker import Searched
from benchmarks.search_problem import SearchProblem


def trial(rounds, recall=1.0, queries=20, method="some"):
    return _Trial(None, method, {}, {}, {}, np.full(queries, recall), rounds)


def test_each_block_of_ten_counts_with_its_fastest_round():
    assert trial([[1.0, 3.0], [2.0, 1.0]]).qps() == pytest.approx(20 / 2)


def test_the_median_speed_counts_each_block_with_its_median_round():
    assert trial([[1.0, 3.0], [2.0, 1.0], [4.0, 2.0]]).qps(np.median) == pytest.approx(20 / 4)


def test_only_blocks_that_every_round_reached_count():
    assert trial([[1.0, 5.0], [2.0]]).qps() == pytest.approx(10 / 1)


def test_a_last_block_with_fewer_queries_counts_those():
    assert trial([[1.0, 0.5]], queries=15).qps() == pytest.approx(15 / 1.5)


class Asked:
    """A worker that answers each round in `seconds` a block, and batches in the seconds of a list."""

    def __init__(self, seconds, batches):
        self.seconds, self.batches = seconds, iter(batches)

    def call(self, name, search, *limits):
        assert search == {"probes": 2}
        if name == "search_batch":
            return next(self.batches)
        assert (name, limits) == ("search_singly", (0.2, 20))
        return Searched([self.seconds, self.seconds], np.zeros((20, 10)), 1.0)


@pytest.mark.parametrize(
    ("seconds", "batches", "expected"),
    [
        (0.01, [0.5, 0.25], [40, 80]),
        (0.5, [0.5, 0.25], [40, 80]),  # a batch that is expected to take a second is timed again
        (0.51, [0.5], [40]),
        (0.51, [None, None], []),
    ],
)
def test_a_batch_is_timed_in_each_round_if_it_is_expected_to_be_short(seconds, batches, expected):
    built = {"build_s": 1.0, "index_mb": 2.0, "resident_mb": 3.0, "peak_mb": 4.0}
    recalls = np.array([0.0, 1.0] * 10)
    measured = _Trial(Asked(seconds, batches), "some", {"bits": 8}, {"probes": 2}, built, recalls, [])
    for _ in range(2):
        measured.measure(20)
    assert measured.batches == expected
    point = measured.point()
    assert (point.method, point.build, point.search) == ("some", {"bits": 8}, {"probes": 2})
    assert (point.recall, point.recall_error, point.queries) == (0.5, pytest.approx(0.5 / np.sqrt(20)), 20)
    assert (point.qps, point.median_qps) == (pytest.approx(10 / seconds), pytest.approx(10 / seconds))
    assert point.batch_qps == (max(expected) if expected else None)
    assert {name: getattr(point, name) for name in built} == built


def test_a_setting_is_not_timed_again_if_one_of_its_method_with_more_recall_is_much_faster():
    best, near, beaten = trial([[1.0]], 0.9, 10), trial([[1.3]], 0.9, 10), trial([[2.0]], 0.8, 10)
    trials = [best, near, beaten]
    assert [_worth_timing(t, trials) for t in trials] == [True, True, False]


def test_a_setting_is_timed_again_if_only_other_methods_or_lower_recalls_are_faster():
    slow, fast, other = trial([[9.0]], 0.99, 10), trial([[1.0]], 0.9, 10), trial([[1.0]], 1.0, 10, method="other")
    assert _worth_timing(slow, [slow, fast, other])


X, Q = np.arange(12, dtype=np.float32)[:, None] ** 2, np.array([[0.0], [16.0]], np.float32)
BUILT = {"build_s": 1.25, "index_mb": 2.5, "resident_mb": 3.0, "peak_mb": 4.0}


class Some(Method):
    """A method with three builds, the second of which fails and the third of which is slow and finds little."""

    numpy_blas = True

    @classmethod
    def builds(cls, n):
        return [{"bits": n}, {"bits": 0}, {"bits": 1}]

    @classmethod
    def searches(cls, n, build):
        return [{"probes": build["bits"]}, {}]


class Answering:
    """A worker that answers as its build says: of the three nearest, so many as it has bits, in seconds of its own."""

    made: list

    def __init__(self, library, *, numpy_blas):
        self.library, self.numpy_blas, self.asked, self.ended = library, numpy_blas, [], 0
        self.made.append(self)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ended += 1

    def end(self):
        self.ended += 1

    def call(self, name, *arguments):
        self.asked.append((name, *arguments))
        if name == "build":
            self.bits = arguments[1]["bits"]
            if not self.bits:
                raise measure.MethodError("it needs bits")
            return BUILT
        if name == "search_batch":
            return 0.5
        ids = np.array([[0, 1, 2], [4, 5, 3]])
        if self.bits == 1:
            ids[:, 1:] = -1
        return Searched([0.02 if self.bits > 1 else 0.04], ids, 1.4 if self.bits == 1 else 1.2)


def test_builds_are_searched_once_and_those_that_may_be_on_the_front_in_every_round(tmp_path, monkeypatch):
    for name, vectors in (("X", X), ("Q", Q)):
        np.save(tmp_path / f"{name}.npy", vectors)
    problem, said = SearchProblem("squares", tmp_path / "X.npy", tmp_path / "Q.npy"), []
    monkeypatch.setattr(Answering, "made", [], raising=False)
    monkeypatch.setattr(measure, "WorkerProcess", Answering)
    monkeypatch.setattr(measure.methods, "load", lambda name: Some)
    monkeypatch.setattr(measure.machine, "describe", lambda: {"cpu": "some", "load": 1.0})
    monkeypatch.setattr(measure.machine, "load", lambda: 2.0)
    found = measure.measure(problem, ["some"], "euclidean", 3, 2, said.append, {"some": Path("there")})
    assert said == [
        "squares: 12 vectors, 2 queries, euclidean; computing the true neighbours",
        "some bits 12: built in 1.2 s, 2.5 MB",
        "  probes 12: recall 1.000, 100 queries/s",
        "  default: recall 1.000, 100 queries/s",
        "some bits 1: built in 1.2 s, 2.5 MB",
        "some: warning: it used 1.4 threads, but 1 is allowed",
        "  probes 1: recall 0.333, 50 queries/s",
        "some: warning: it used 1.4 threads, but 1 is allowed",
        "  default: recall 0.333, 50 queries/s",
        "some bits 0: skipped, it needs bits",
        "2 rounds: 2 settings, interleaved",
        "round 1 of 2 is done",
        "round 2 of 2 is done",
    ]
    asked = [[(name, *rest) for name, *rest in one.asked] for one in Answering.made]
    first = [("search_singly", search, 2.0, 100) for search in ({"probes": 12}, {})]
    again = [[("search_singly", search, 0.2, 20), ("search_batch", search)] for search in ({"probes": 12}, {})]
    assert asked[0] == [
        ("build", "some", {"bits": 12}, "euclidean", problem, 3),
        *(*first, *again[0], *again[1], *again[1], *again[0]),  # every second round in reverse order
    ]
    assert [one[0][2] for one in asked] == [{"bits": 12}, {"bits": 0}, {"bits": 1}]
    assert [len(one) for one in asked[1:]] == [1, 3]
    assert [(one.library, one.numpy_blas) for one in Answering.made] == [(Path("there"), True)] * 3
    assert [one.ended for one in Answering.made] == [1, 2, 2]  # at the end, and before as it failed or is not timed
    assert found.skipped == {"some bits 0": "it needs bits"}
    assert (found.machine, found.dataset) == ({"cpu": "some", "load": 1.0, "load_after": 2.0}, "squares")
    assert (found.metric, found.n, found.dim, found.k) == ("euclidean", 12, 1, 3)
    assert [(p.build, p.search, p.recall, p.batch_qps, p.queries) for p in found.points] == [
        *(({"bits": 12}, search, 1.0, 4.0, 2) for search in ({"probes": 12}, {})),
        *(({"bits": 1}, search, pytest.approx(1 / 3), None, 2) for search in ({"probes": 1}, {})),
    ]
