"""Search every index of a folder without verifying it: `python -m tests.lsh.storage.search_unverified FOLDER`.

Run with NUMBA_BOUNDSCHECK=1, so that a kernel that reads outside an array raises an error.
"""

import sys
from pathlib import Path

import numpy as np

import lsh
from lsh.sketch_index import SketchIndex


def search(index, Q):
    """Search in every way that an index has."""
    if isinstance(index, SketchIndex):
        for n_probes in (1, 3, 99):
            for n_reranked in (1, 5, 99):
                index.search(Q, k=4, n_probes=n_probes, n_reranked=n_reranked)
    else:
        for n_bits in (1, 5, 9):
            for n_probes in (1, 8):
                for n_reranked in (None, 4) if index.params.sketches else (None,):
                    index.search(Q, k=4, n_bits=n_bits, n_probes=n_probes, n_reranked=n_reranked)


def main(folder):
    searched = 0
    for path in sorted(Path(folder).glob("*.lsh")):
        index = lsh.load(path, verify=False)
        search(index, np.random.default_rng(0).standard_normal((8, index.exact.X.shape[1])).astype(np.float32))
        searched += 1
    print(searched)


if __name__ == "__main__":
    main(sys.argv[1])
