"""Compile every kernel once, so that nobody waits for it later: `python -m lsh.warm`."""

import sys
import time

import numpy as np

from lsh.index import LSHIndex
from lsh.sketch_index import SketchIndex
from lsh.surface import surface
from lsh.validate import METRICS


def warm() -> float:
    """Run each kernel on a few random vectors; return the seconds it took."""
    start = time.perf_counter()
    X = np.random.default_rng(0).standard_normal((64, 8)).astype(np.float32)
    for metric in METRICS:
        index = LSHIndex(metric, n_tables=2, n_bits=4).fit(X)
        index.search(X[:2], k=2)
        for n_probes in (1, 2):
            surface(index, X[:2], k=2, n_probes=n_probes)
        SketchIndex(metric).fit(X).search(X[:2], k=2)
    return time.perf_counter() - start


if __name__ == "__main__":
    print(f"the search kernels are ready, after {warm():.1f} s", file=sys.stderr)
