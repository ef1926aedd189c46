"""One method in a process of its own: a request a line on stdin, an answer a line on stdout.

So no library's threads, memory or settings touch another's, one that crashes takes only itself down, and between its
turns a process waits without using the processor.
"""

import gc
import json
import os
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from benchmarks.errors import MethodError
from benchmarks.machine import peak, resident
from benchmarks.methods import load
from benchmarks.methods._base import Method, Settings
from lsh.arrays import Float32Array

BLOCK = 10  # queries timed together: long against the clock's own cost, short against a machine's busy moments
_WARM_QUERIES = 5
_SMALL = 1000


class Worker:
    """Builds one index and answers requests about it."""

    def __init__(self, method: str, build: Settings, metric: str, base: str, queries: str, k: int) -> None:
        kind = load(method)
        kind.get_ready()
        if kind.compiles:
            small = _ready(np.random.default_rng(0).standard_normal((_SMALL, 16), dtype=np.float32), metric)
            kind(small, metric, **kind.builds(_SMALL)[0]).search_one(small[0], k)
        before = resident()
        self.k = k
        self.rows = list(_ready(np.load(queries, allow_pickle=False), metric))
        X = _ready(np.load(base, allow_pickle=False), metric)
        vectors = X.nbytes
        start = time.perf_counter()
        with threadpool_limits(1):  # also the libraries loaded since the process started
            self.index: Method = kind(X, metric, **build)
        seconds = time.perf_counter() - start
        del X  # an index that copied the vectors needs these no more
        gc.collect()
        held, most = resident() - before, peak() - before
        own = self.index.nbytes()  # asked last: some libraries write themselves out to tell
        index = max(0, held - vectors) if own is None else own
        megabytes = {"index_mb": index / 1e6, "resident_mb": held / 1e6, "peak_mb": most / 1e6}
        self.report = {"build_s": seconds} | megabytes

    def one_by_one(self, search: Settings, seconds: float, at_least: int, ids: str | None = None) -> dict[str, Any]:
        """Ask query after query until the time is up; return the seconds of each block, and save the ids if asked."""
        self.index.use(**search)
        for q in self.rows[-_WARM_QUERIES:]:
            self.index.search_one(q, self.k)
        found: list[npt.ArrayLike] = []
        blocks, deadline = [], time.perf_counter() + seconds
        busy = time.process_time()
        began = time.perf_counter()
        for first in range(0, len(self.rows), BLOCK):
            start = time.perf_counter()
            for q in self.rows[first : first + BLOCK]:
                found.append(self.index.search_one(q, self.k))  # noqa: PERF401  as a person would write it
            blocks.append(time.perf_counter() - start)
            if time.perf_counter() > deadline and len(found) >= at_least:
                break
        threads = (time.process_time() - busy) / max(time.perf_counter() - began, 1e-9)
        if ids is not None:
            np.save(ids, _table(found, self.k))
        return {"blocks": blocks, "queries": len(found), "threads": threads}

    def at_once(self, search: Settings) -> dict[str, Any]:
        """Ask all queries in one call; return its seconds, None when the library has no such call."""
        self.index.use(**search)
        Q = np.array(self.rows)
        start = time.perf_counter()
        answer = self.index.search_batch(Q, self.k)
        return {"seconds": None if answer is None else time.perf_counter() - start}


def _ready(X: Float32Array, metric: str) -> Float32Array:
    """Return vectors in C order, scaled to length one under cosine; zeros stay zeros."""
    X = np.ascontiguousarray(X, np.float32)
    if metric == "cosine":
        lengths = np.linalg.norm(X, axis=1, keepdims=True)
        X /= np.where(lengths > 0, lengths, 1)
    return X


def _table(found: Sequence[npt.ArrayLike], k: int) -> npt.NDArray[np.int64]:
    """Return answers of any length as int64[n, k], filled up with -1."""
    table = np.full((len(found), k), -1, np.int64)
    for row, ids in enumerate(found):
        some = np.asarray(ids, np.int64)[:k]
        table[row, : len(some)] = some
    return table


def main() -> None:
    """Build what the first request says, then serve the others until stdin ends or something fails."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints must not be taken for an answer
    worker: Worker | None = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if worker is None:
                worker = Worker(**request)
                reply: dict[str, Any] = worker.report
                gc.disable()  # no search may wait for it
            else:
                reply = getattr(worker, request.pop("call"))(**request)
        except (MethodError, ImportError) as error:
            reply = {"trouble": str(error)}
        except Exception as error:  # noqa: BLE001  whatever a library raises ends its own part only
            reply = {"trouble": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), file=answers, flush=True)
        if "trouble" in reply:
            return


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
