"""The worker that builds and searches the index of one method: in this process, and in one of its own."""

import os
from pathlib import Path
from types import SimpleNamespace

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
    now = 100.0

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


@pytest.mark.parametrize(("own", "index_mb"), [(7_000_000, 7.0), (None, 20.0 - 4800 / 1e6)])
def test_memory_is_that_held_since_the_library_was_imported_and_an_index_that_cannot_tell_is_held_less_the_vectors(
    recorded, problem, monkeypatch, own, index_mb
):
    held, highest = iter([30_000_000, 50_000_000]), iter([90_000_000])
    monkeypatch.setattr(worker, "resident", lambda: next(held))
    monkeypatch.setattr(worker, "peak", lambda: next(highest))
    monkeypatch.setattr(recorded, "nbytes", lambda self: own)
    monkeypatch.setattr(recorded, "prepare", classmethod(lambda cls: cls.calls.append("prepared")))
    built = Worker().build("recorded", {"bits": 3}, "cosine", problem, 5)
    assert built == {"build_s": 0.0, "index_mb": index_mb, "resident_mb": 20.0, "peak_mb": 60.0}
    assert recorded.calls[0] == "prepared"
    if own is None:  # the system may hold less than the vectors alone, which are mapped
        held, highest = iter([30_000_000, 29_000_000]), iter([30_000_000])
        built = Worker().build("recorded", {}, "cosine", problem, 5)
        assert (built["index_mb"], built["resident_mb"]) == (0, 0)


def test_the_small_index_is_searched_with_its_own_settings_and_is_gone_before_memory_is_read(
    recorded, problem, monkeypatch
):
    one = Worker()
    monkeypatch.setattr(recorded, "use", lambda self, **search: self.calls.append(("use", search)))
    monkeypatch.setattr(worker, "resident", lambda: hasattr(one, "index") * 1e6)
    assert one.build("recorded", {}, "cosine", problem, 5)["resident_mb"] == 1.0
    assert recorded.calls[1:3] == [("use", {"first": 1000}), ("search", 5)]


def test_no_limit_of_threads_is_left_behind_and_garbage_is_collected_once(recorded, problem, monkeypatch):
    events = []

    class Limits:
        def __init__(self, n):
            events.append(n)

        def __enter__(self):
            recorded.calls.append("limited")

        def __exit__(self, *_):
            recorded.calls.append("free")

    monkeypatch.setattr(worker, "threadpool_limits", Limits)
    monkeypatch.setattr(worker.gc, "collect", lambda: events.append("collected"))
    Worker().build("recorded", {}, "cosine", problem, 5)
    assert events == [1, "collected"]
    assert [call if isinstance(call, str) else call[0] for call in recorded.calls[2:]] == ["limited", "build", "free"]


class Pipe:
    """A connection with requests to read, which keeps what is written."""

    def __init__(self, *requests):
        self.requests, self.sent, self.closed = list(requests), [], False

    def recv(self):
        if not self.requests:
            raise EOFError
        return self.requests.pop(0)

    def send(self, answer):
        self.sent.append(answer)

    def close(self):
        self.closed = True


@pytest.mark.parametrize("library", [None, Path("/of/a/library")])
def test_a_process_answers_requests_until_its_pipe_is_closed(monkeypatch, library):
    class Answering:
        def add(self, a, b):
            return a + b

        def fail(self, kind, text):
            raise kind(text)

    duplicated, limits, paths = [], [], ["usual"]
    monkeypatch.setattr(worker, "Worker", Answering)
    monkeypatch.setattr(worker.os, "dup2", lambda *fds: duplicated.append(fds))
    monkeypatch.setattr(worker.sys, "path", paths)
    limited = worker.threadpool_limits
    monkeypatch.setattr(worker, "threadpool_limits", lambda n: limits.append(n) or limited(n))
    errors = [(kind, "no") for kind in (MethodError, ImportError, ValueError)]
    pipe = Pipe(("add", (3, 4)), *(("fail", error) for error in errors))
    worker._serve(pipe, library)
    assert pipe.sent[0] == 7
    assert [(type(answer), str(answer)) for answer in pipe.sent[1:]] == [
        (MethodError, text) for text in ("no", "no", "ValueError: no")
    ]
    assert (duplicated, limits) == ([(2, 1)], [1])
    assert paths == (["/of/a/library", "usual"] if library else ["usual"])


@pytest.mark.parametrize("numpy_blas", [False, True])
def test_a_process_has_one_thread_and_is_given_time_to_stop_before_it_is_killed(monkeypatch, numpy_blas):
    events, pipes = [], (Pipe(), Pipe())

    class Process:
        def __init__(self, target, args, daemon):
            events.append((target, args, daemon))

        def start(self):
            events.append(dict(os.environ))

        def join(self, seconds):
            assert pipes[0].closed
            events.append(seconds)

        def kill(self):
            events.append("killed")

    contexts = {"spawn": SimpleNamespace(Pipe=lambda: pipes, Process=Process)}
    monkeypatch.setattr(worker, "get_context", contexts.get)
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Prescott")
    monkeypatch.setenv("OPENBLAS_L2_SIZE", "512")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    before = dict(os.environ)
    with WorkerProcess(Path("there"), numpy_blas=numpy_blas):
        assert pipes[1].closed
        assert not pipes[0].closed
    (target, args, daemon), environment, *end = events
    assert (target, args, daemon) == (worker._serve, (pipes[1], Path("there")), True)
    expected = before | dict.fromkeys(worker._ONE_THREAD, "1")
    if numpy_blas:  # which finds the processor by itself
        del expected["OPENBLAS_CORETYPE"], expected["OPENBLAS_L2_SIZE"]
    assert environment == expected
    assert len(worker._ONE_THREAD) == 9
    assert end == [5, "killed"]
    assert dict(os.environ) == before


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


def test_a_process_that_ends_is_reported_with_its_exit_code():
    with WorkerProcess() as process:
        process._process.kill()
        with pytest.raises(MethodError, match="exit code -9"):
            process.call("search_batch", {})
