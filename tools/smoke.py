"""Smoke test: fit, search, save and load an index with an installed `lsh`, on any system."""

import argparse
import tempfile
from pathlib import Path

import numpy as np

import lsh


def main() -> None:
    """Check that a loaded index answers as the saved one, for both kinds of index."""
    X = np.random.default_rng(0).standard_normal((2000, 32), dtype=np.float32)
    with tempfile.TemporaryDirectory() as folder:
        for index in (lsh.LSHIndex("cosine", n_tables=8, n_bits=10).fit(X), lsh.SketchIndex("euclidean").fit(X)):
            path = Path(folder) / "index"
            for _ in range(2):  # the second time in place of a file
                lsh.save(index, path)
            loaded = lsh.load(path, mapped=False)  # Windows cannot remove a file that is mapped
            for before, after in zip(index.search(X[:50], k=5), loaded.search(X[:50], k=5), strict=True):
                np.testing.assert_array_equal(before, after)
    print("fitted, searched, saved and loaded")


if __name__ == "__main__":
    argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0]).parse_args()
    main()
