"""Kernel warm-up: compile every kernel into numba's cache before the first search (`python -m lsh.warm`).

LLVM keeps some 150 MB in a process that compiles, so an app with little memory runs this as a separate process.
"""

import contextlib
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from lsh.analysis.recall_grid import recall_grid
from lsh.arrays import read_only
from lsh.index import LSHIndex
from lsh.kernels.jit import CACHE_FOLDER, READY
from lsh.quality import label_precision_at_k
from lsh.sketch_index import SketchIndex
from lsh.validate import METRICS

SEARCHABLE = "searching is ready, the other kernels follow"


def warm(searchable: Callable[[], object] = lambda: None) -> float:
    """Run each kernel on a few random vectors; return the seconds that it took.

    The kernels of a search come first; then `searchable` is called.
    """
    start = time.perf_counter()
    X = np.random.default_rng(0).standard_normal((64, 8)).astype(np.float32)
    labels = np.arange(65), np.zeros(64, np.int16)
    read_only(mapped := X[:2].copy(), *labels)  # as they are in a dataset
    index = LSHIndex("cosine", n_tables=2, n_bits=4).fit(X)
    label_precision_at_k(index.search(X, k=2).ids, labels, labels)
    recall_grid(index, X[:2], k=2)
    searchable()
    for metric in METRICS:
        index = LSHIndex(metric, n_tables=2, n_bits=4, sketches=True).fit(X)
        for queries in (X[:2], mapped):
            index.search(queries, k=2)
        for n_probes in (1, 2):
            recall_grid(index, X[:2], k=2, n_probes=n_probes)
        SketchIndex(metric).fit(X).search(X[:2], k=2)
    if marker := _marker():
        with contextlib.suppress(OSError):  # nothing can be written there, and nothing is cached either
            marker.touch()
    return time.perf_counter() - start


def is_warm() -> bool:
    """Return whether `warm` has run with the present kernels, and their compiled code is cached."""
    marker = _marker()
    return marker is not None and marker.exists()


def _marker() -> Path | None:
    return CACHE_FOLDER and CACHE_FOLDER / READY


if __name__ == "__main__":
    seconds = warm(lambda: print(SEARCHABLE, flush=True))
    print(f"the search kernels are ready, after {seconds:.1f} s", file=sys.stderr)
