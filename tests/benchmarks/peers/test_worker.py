"""The worker that builds and searches the index of one method: in this process, and in one of its own."""

import os
from pathlib import Path

import numpy as np
import pytest

from benchmarks.errors import MethodError
from benchmarks.methods._base import Method
from benchmarks.peers import worker
from benchmarks.peers.worker import Worker, WorkerProcess
from benchmarks.search_problem import SearchProblem

X = np.random.default_rng(0).standard_normal((300, 4)).astype(np.float32)
Q = np.random.default_rng(1).standard_normal((34, 4)).astype(np.float32)


class Recorded(Method):
    """A method that writes down what it is asked, and takes `seconds` of a clock for each search."""

    compiles = True
    calls: list
    seconds = 0.0

    def __init__(self, X, metric, **build):
        self.calls.append(("build", X.shape, round(float(np.abs(X).max()), 3), build))

    @classmethod
    def builds(cls, n):
        return [{"n": n}]

    @classmethod
    def searches(cls, n, build):
        return [{"first": n}]

    def search_one(self, q, k):
        self.calls.append(("search", k))
        worker.time.now += self.seconds
        return [7] * (k - 1)

    def search_batch(self, Q, k):
        self.calls.append(("batch", Q.shape, k))
        worker.time.now += 5
        return np.zeros((len(Q), k), int)


class Clock:
    now = 0.0

    def perf_counter(self):
        return self.now

    def process_time(self):
        return 2 * self.now


@pytest.fixture
def problem(tmp_path):
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "Q.npy", Q)
    return SearchProblem("made", tmp_path / "X.npy", tmp_path / "Q.npy")


@pytest.fixture
def recorded(monkeypatch):
    monkeypatch.setattr(Recorded, "calls", [], raising=False)
    monkeypatch.setattr(worker, "time", Clock())
    monkeypatch.setattr(worker, "load", lambda _: Recorded)
    monkeypatch.setattr(worker.gc, "disable", lambda: None)
    return Recorded


@pytest.mark.parametrize(("metric", "largest"), [("cosine", 1.0), ("euclidean", round(float(np.abs(X).max()), 3))])
def test_a_method_that_compiles_is_first_tried_on_a_small_index_that_is_not_timed(recorded, problem, metric, largest):
    built = Worker().build("recorded", {"bits": 3}, metric, problem, 5)
    assert set(built) == {"build_s", "index_mb", "resident_mb", "peak_mb"}
    assert all(value >= 0 for value in built.values())
    small, search, own = recorded.calls
    assert (small[0], small[1], small[3], search) == ("build", (1000, 16), {"n": 1000}, ("search", 5))
    assert own[:2] == ("build", X.shape)
    assert own[2] <= largest
    assert own[3] == {"bits": 3}


@pytest.mark.parametrize(
    ("seconds", "limit", "at_least", "searched"),
    [
        (0.0, 1, 1, 34),
        (0.125, 1.25, 1, 20),
        (0.125, 1.3, 1, 20),
        (0.125, 0.5, 30, 30),
        (0.125, 0.5, 10, 10),
        (1, 0.5, 31, 34),
    ],
)
def test_queries_are_timed_in_tens_until_the_time_is_over_and_there_are_enough(
    recorded, problem, monkeypatch, seconds, limit, at_least, searched
):
    one = Worker()
    one.build("recorded", {}, "cosine", problem, 5)
    recorded.calls.clear()
    monkeypatch.setattr(recorded, "seconds", seconds)
    found = one.search_singly({"probes": 1}, limit, at_least)
    assert len(recorded.calls) == 5 + searched  # five before the clock runs
    assert found.blocks == pytest.approx([seconds * min(10, 34 - at) for at in range(0, searched, 10)])
    assert found.ids.tolist() == [[7, 7, 7, 7, -1]] * searched
    assert found.threads == pytest.approx(2 if seconds else 0)
    assert one.index.setting == {"probes": 1}


def test_building_is_timed_and_no_garbage_is_collected_afterwards(recorded, problem, monkeypatch):
    disabled = []
    monkeypatch.setattr(worker.gc, "disable", lambda: disabled.append(True))

    def build(self, X, metric, **build):
        worker.time.now += 2.5

    monkeypatch.setattr(recorded, "__init__", build)
    assert Worker().build("recorded", {}, "cosine", problem, 5)["build_s"] == 2.5
    assert disabled == [True]


def test_a_batch_is_all_queries_in_one_call_or_none(recorded, problem, monkeypatch):
    one = Worker()
    one.build("recorded", {}, "cosine", problem, 5)
    assert one.search_batch({"probes": 2}) == 5
    assert one.index.setting == {"probes": 2}
    assert recorded.calls[-1] == ("batch", Q.shape, 5)
    monkeypatch.setattr(recorded, "search_batch", lambda *_: None)
    assert one.search_batch({}) is None


def test_vectors_are_scaled_for_cosine_distance_alone_and_zero_stays_zero():
    rows = np.array([[3, 4], [0, 0]], np.float64)
    assert worker._prepared(rows, "cosine").tolist() == [[np.float32(0.6), np.float32(0.8)], [0, 0]]
    assert worker._prepared(rows, "euclidean").tolist() == rows.tolist()
    assert worker._prepared(rows, "cosine").dtype == np.float32


def test_answers_of_any_length_are_cut_or_padded():
    assert worker._padded([[1, 2, 3, 4], np.array([5]), []], 3).tolist() == [[1, 2, 3], [5, -1, -1], [-1, -1, -1]]


def test_a_process_answers_raises_what_the_worker_raises_and_has_one_thread(problem, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    with WorkerProcess() as process:
        assert (os.environ["OMP_NUM_THREADS"], "MKL_NUM_THREADS" in os.environ) == ("7", False)
        with pytest.raises(MethodError, match="AttributeError"):
            process.call("no_such_method")
        assert process.call("build", "numpy", {}, "euclidean", problem, 3)["index_mb"] == len(X) * 4 / 1e6
        found = process.call("search_singly", {}, 60.0, 1)
        expected = np.argsort(np.linalg.norm(X - Q[:, None], axis=2), axis=1)[:, :3]
        np.testing.assert_array_equal(found.ids, expected)
        assert process.call("search_batch", {}) > 0
    assert not process._process.is_alive()


def test_only_where_the_blas_is_that_of_numpy_no_other_processor_is_named_to_it(monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Prescott")
    before = dict(os.environ)
    for numpy_blas, expected in ((True, None), (False, "Prescott")):
        with WorkerProcess(numpy_blas=numpy_blas) as process:
            with pytest.raises(MethodError):  # an answer: before, the process may still have its parent's environment
                process.call("no_such_method")
            environment = Path(f"/proc/{process._process.pid}/environ").read_bytes().split(b"\0")
        named = [entry.partition(b"=")[2].decode() for entry in environment if entry.startswith(b"OPENBLAS_CORETYPE=")]
        assert named == ([expected] if expected else [])
    assert dict(os.environ) == before


def test_a_process_that_ends_is_reported_with_its_exit_code():
    with WorkerProcess() as process:
        process._process.kill()
        with pytest.raises(MethodError, match="exit code -9"):
            process.call("search_batch", {})
