"""Which rows stand for all of them where measuring all would take too long."""

import numpy as np

from lsh.arrays import Float32Array, Int64Array


def evenly_spaced_rows(n: int, most: int) -> Int64Array:
    """Return at most `most` of the rows 0 to n - 1, distinct, evenly spaced from the first to the last: int64[m]."""
    return np.unique(np.linspace(0, n - 1, min(most, n)).round().astype(np.int64))


def evenly_spaced(X: Float32Array, most: int) -> Float32Array:
    """Return at most `most` rows of X, float32[n, d], evenly spaced from the first to the last."""
    return np.ascontiguousarray(X[evenly_spaced_rows(len(X), most)])
