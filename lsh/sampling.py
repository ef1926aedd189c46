"""Evenly spaced samples of rows."""

import numpy as np

from lsh.arrays import Float32Array, Int64Array, StoredVectors


def evenly_spaced_rows(n: int, max_rows: int) -> Int64Array:
    """Return up to `max_rows` distinct rows of 0 to n - 1, evenly spaced from the first to the last: int64[m]."""
    return np.unique(np.linspace(0, n - 1, min(max_rows, n)).round().astype(np.int64))


def evenly_spaced(X: StoredVectors, max_rows: int) -> Float32Array:
    """Return at most `max_rows` rows of X, float32[n, d], evenly spaced from the first to the last."""
    return np.ascontiguousarray(X[evenly_spaced_rows(len(X), max_rows)])
