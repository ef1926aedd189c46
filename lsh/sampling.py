"""Samples of rows: evenly spaced, the first, or given ones."""

import numpy as np

from earshot_common.encoded_vectors import EncodedVectors
from lsh.arrays import Float32Array, Int64Array, StoredVectors


def evenly_spaced_rows(n: int, max_rows: int) -> Int64Array:
    """Return up to `max_rows` distinct rows of 0 to n - 1, evenly spaced from the first to the last: int64[m]."""
    return np.unique(np.linspace(0, n - 1, min(max_rows, n)).round().astype(np.int64))


def first_rows(X: StoredVectors, n: int) -> StoredVectors:
    """Return the first n vectors as they are stored, without a copy."""
    return EncodedVectors(X.stored[:n], X.scale, X.offset) if isinstance(X, EncodedVectors) else X[:n]


def some_rows(X: StoredVectors, rows: Int64Array) -> StoredVectors:
    """Return a copy of some vectors, int64[m], as they are stored."""
    if isinstance(X, EncodedVectors):
        return EncodedVectors(X.stored[rows], X.scale, X.offset)
    return np.ascontiguousarray(X[rows])


def evenly_spaced(X: StoredVectors, max_rows: int) -> Float32Array:
    """Return at most `max_rows` rows of X, float32[n, d], evenly spaced from the first to the last."""
    return np.ascontiguousarray(X[evenly_spaced_rows(len(X), max_rows)])
