"""Kernel warm-up: compile every kernel into numba's cache before the first search (`python -m lsh.warm`).

LLVM keeps some 150 MB in a process that compiles, so an app with little memory runs this as a separate process.
"""

import contextlib
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from earshot_common import command_line
from earshot_common.encoded_vectors import EncodedVectors
from earshot_common.locks import lock_file
from lsh.analysis.recall_grid import recall_grid
from lsh.arrays import read_only
from lsh.exact import ExactSearch
from lsh.graphs.index import GraphIndex
from lsh.index import LSHIndex
from lsh.kernels.jit import CACHE_FOLDER, READY, reported_progress
from lsh.quality import label_precision_at_k
from lsh.sketch_index import SketchIndex
from lsh.validate import METRICS

SEARCHABLE = "searching is ready, the other kernels follow"
WAITING = "waiting for another process that compiles the kernels"


def warm(
    searchable: Callable[[], object] = lambda: None, report: Callable[[int, int], object] = lambda _done, _total: None
) -> float:
    """Run each kernel on a few random vectors; return the seconds that it took.

    The kernels of `LSHIndex` come first; then `searchable` is called. After each compilation, `report` is called with
    the numbers of kernels compiled and of all; kernels that another process has compiled are counted as they are used.
    """
    start = time.perf_counter()
    X = np.random.default_rng(0).standard_normal((64, 8)).astype(np.float32)
    labels = np.arange(65), np.zeros(64, np.int16)
    read_only(mapped := X[:2].copy(), *labels)  # as they are in a dataset
    with reported_progress(report):
        for metric in METRICS:
            index = LSHIndex(metric, n_tables=2, n_bits=4).fit(X)
            index.exact.search(X[:1], k=2)
            label_precision_at_k(index.search(X, k=2).ids, labels, labels)
            for n_probes in (1, 2):
                recall_grid(index, X[:2], k=2, n_probes=n_probes)
        searchable()
        for metric in METRICS:
            index = LSHIndex(metric, n_tables=2, n_bits=4, sketches=True).fit(X)
            for queries in (X[:2], mapped):
                index.search(queries, k=2)
                index.range_search(queries, 1.0)
            many = np.tile(X, (32, 1))  # few allowed vectors would be ranked by exact search
            index.fit(many)
            sketches, graph = SketchIndex(metric).fit(many), GraphIndex(metric).fit(many)
            for allowed in (None, np.arange(1_600)):
                index.search(X[:2], k=2, allowed=allowed)
                index.search(X[:2], k=2, recall=0.5, allowed=allowed)
                sketches.search(X[:2], k=2, allowed=allowed)
                graph.search(X[:2], k=2, n_kept=2, allowed=allowed)
            index.exact.range_search(X[:1], 1.0)
        encoded = ExactSearch(EncodedVectors.encode(X, np.uint8), "cosine")
        found = encoded.search(X, k=2)  # a batch decodes rows, a single query does not
        label_precision_at_k(found.ids, (labels[0], labels[1].copy()), labels)
    if marker := _marker():
        with contextlib.suppress(OSError):  # nothing can be written there, and nothing is cached either
            marker.touch()
    return time.perf_counter() - start


def is_warm() -> bool:
    """Return whether `warm` has run with the present kernels, and their compiled code is cached."""
    marker = _marker()
    return marker is not None and marker.exists()


def main() -> None:
    """Compile what is not cached yet, one process at a time, and print the progress."""
    with contextlib.ExitStack() as stack:
        if CACHE_FOLDER is not None:
            _lock(stack, CACHE_FOLDER / "compiling.lock")
        if is_warm():
            return
        seconds = warm(
            lambda: print(SEARCHABLE, flush=True), lambda done, total: print(f"{done} of {total} kernels", flush=True)
        )
    print(f"the search kernels are ready, after {seconds:.1f} s", file=sys.stderr)


def _lock(stack: contextlib.ExitStack, path: Path) -> None:
    """Hold the lock file `path` until `stack` ends, as far as the disk allows."""
    with contextlib.suppress(OSError):
        try:
            stack.enter_context(lock_file(path))
        except BlockingIOError:
            print(WAITING, flush=True)
            stack.enter_context(lock_file(path, wait=True))


def _marker() -> Path | None:
    return CACHE_FOLDER and CACHE_FOLDER / READY


if __name__ == "__main__":
    sys.exit(command_line.run(main, ()))
