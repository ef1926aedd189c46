"""Worker process: builds and searches one index of one method, on one thread, when the benchmark's process asks.

No library can affect another one's threads, memory or settings, a crash ends one method only, and a process that waits
for its turn uses no processor time.
"""

import gc
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from benchmarks.errors import MethodError
from benchmarks.machine import peak, resident
from benchmarks.methods import load
from benchmarks.methods._base import Method, Settings
from benchmarks.search_problem import SearchProblem
from lsh.arrays import Float32Array, Int64Array

BLOCK = 10  # queries timed together: long compared with reading the clock, short compared with a busy moment
_WARM_UP_QUERIES = 5
_SMALL = 1000
_STOP_TIMEOUT_S = 5
# Environment variables that limit threads: most libraries read theirs when they are loaded.
_ONE_THREAD = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "PARLAY_NUM_THREADS",
)
# Environment variables that name another processor to OpenBLAS, often set for an old one that a library brings: NumPy's
# finds the processor by itself.
_OTHER_PROCESSOR = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


class Searched(NamedTuple):
    """Queries searched one at a time: seconds per block of `BLOCK` queries, ids int64[m, k], threads kept busy."""

    blocks: list[float]
    ids: Int64Array
    threads: float


class Worker:
    """The index of one method, in the process that holds it."""

    index: Method
    queries: list[Float32Array]
    k: int

    def build(
        self, method: str, build: Settings, metric: str, problem: SearchProblem, k: int, stored: Path | None = None
    ) -> dict[str, float]:
        """Build the index; return its build_s, index_mb, resident_mb and peak_mb (see `measure.Point`).

        stored: a folder that `save` filled, from which the index is read instead, if the library can.
        """
        kind = load(method)
        kind.prepare()
        if kind.compiles:
            small = _prepared(np.random.default_rng(0).standard_normal((_SMALL, 16), dtype=np.float32), metric)
            self.index = kind(small, metric, **kind.builds(_SMALL)[0])
            self.index.use(**kind.searches(_SMALL, kind.builds(_SMALL)[0])[0])
            self.index.search_one(small[0], k)
            del self.index
        before = resident()
        self.k = k
        self.queries = list(_prepared(np.load(problem.queries, allow_pickle=False), metric))
        X = _prepared(np.load(problem.base, allow_pickle=False), metric)
        vector_bytes = X.nbytes
        start = time.perf_counter()
        with threadpool_limits(1):  # the libraries that were loaded after the process started, too
            self.index = kind(X, metric, **build, **({"stored": stored} if stored and kind.stores else {}))
        seconds = time.perf_counter() - start
        del X  # an index that copied the vectors does not need them any more
        gc.collect()
        gc.disable()  # no collection during a timed search
        # The system may have taken back more pages of before than a small index holds.
        held, highest = max(0, resident() - before), peak() - before
        own = self.index.nbytes()  # after the memory is read: some libraries serialise the index to know its size
        index = max(0, held - vector_bytes) if own is None else own
        return {"build_s": seconds, "index_mb": index / 1e6, "resident_mb": held / 1e6, "peak_mb": highest / 1e6}

    def save(self, folder: Path) -> None:
        """Write the index to an empty folder, if the library can."""
        if self.index.stores:
            self.index.save(folder)

    def search_singly(self, search: Settings, seconds: float, min_queries: int) -> Searched:
        """Search with one query at a time, until all are done or `seconds` have passed (but with `min_queries`)."""
        self.index.use(**search)
        for q in self.queries[-_WARM_UP_QUERIES:]:
            self.index.search_one(q, self.k)
        found: list[npt.ArrayLike] = []
        blocks: list[float] = []
        cpu_start, begin = time.process_time(), time.perf_counter()
        for first in range(0, len(self.queries), BLOCK):
            start = time.perf_counter()
            for q in self.queries[first : first + BLOCK]:
                found.append(self.index.search_one(q, self.k))  # noqa: PERF401  the loop of a typical caller
            blocks.append(time.perf_counter() - start)
            if time.perf_counter() > begin + seconds and len(found) >= min_queries:
                break
        threads = (time.process_time() - cpu_start) / max(time.perf_counter() - begin, 1e-9)
        return Searched(blocks, _padded(found, self.k), threads)

    def search_batch(self, search: Settings) -> float | None:
        """Search with all queries in one call; return its seconds, None if the library has no such call."""
        self.index.use(**search)
        Q = np.array(self.queries)
        start = time.perf_counter()
        answer = self.index.search_batch(Q, self.k)
        return None if answer is None else time.perf_counter() - start


class WorkerProcess:
    """A process with a `Worker`. Use it in a `with` statement: the process ends with the block.

    library: the folder of a library whose module has another one's name, or None. numpy_blas: see `Method`.
    """

    def __init__(self, library: Path | None = None, *, numpy_blas: bool = False) -> None:
        context = get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other, library), daemon=True)
        with _environment(dict.fromkeys(_ONE_THREAD, "1"), without=_OTHER_PROCESSOR if numpy_blas else ()):
            self._process.start()
        other.close()

    def call(self, name: str, *arguments: Any) -> Any:
        """Call a method of the worker and return its result; raise MethodError if it fails or the process ends."""
        try:
            self._pipe.send((name, arguments))
            answer = self._pipe.recv()
        except (EOFError, OSError):
            self._process.join()
            raise MethodError(f"its process ended with exit code {self._process.exitcode}") from None
        if isinstance(answer, MethodError):
            raise answer
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.end()

    def end(self) -> None:
        """End the process, and free its memory."""
        self._pipe.close()  # the process stops when there is nothing more to read
        self._process.join(_STOP_TIMEOUT_S)
        self._process.kill()


def _serve(pipe: Connection, library: Path | None) -> None:
    """Call the methods that are read from the pipe, and write their results to it, until it is closed."""
    if library is not None:
        sys.path.insert(0, str(library))
    os.dup2(2, 1)  # what a library prints must not be mixed with the benchmark's results on stdout
    worker = Worker()
    with threadpool_limits(1):
        while True:
            try:
                name, arguments = pipe.recv()
            except EOFError:
                return
            try:
                answer = getattr(worker, name)(*arguments)
            except (MethodError, ImportError) as error:
                answer = MethodError(str(error))
            except Exception as error:  # noqa: BLE001  any error of a library ends the measurement of its method only
                answer = MethodError(f"{type(error).__name__}: {error}")
            pipe.send(answer)


@contextmanager
def _environment(variables: dict[str, str], without: Sequence[str] = ()) -> Iterator[None]:
    """Set environment variables for the block, and remove others."""
    before = dict(os.environ)
    os.environ.update(variables)
    for name in without:
        os.environ.pop(name, None)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _prepared(X: Float32Array, metric: str) -> Float32Array:
    """Return vectors in C order, for cosine distance scaled to unit length; zero vectors stay zero."""
    X = np.ascontiguousarray(X, np.float32)
    if metric == "cosine":
        norms = np.linalg.norm(X, axis=1, keepdims=True)
        X /= np.where(norms > 0, norms, 1)
    return X


def _padded(found: Sequence[npt.ArrayLike], k: int) -> Int64Array:
    """Return id lists of any length as int64[n, k], padded with -1."""
    padded = np.full((len(found), k), -1, np.int64)
    for row, ids in enumerate(found):
        first = np.asarray(ids, np.int64)[:k]
        padded[row, : len(first)] = first
    return padded
