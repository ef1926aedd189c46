"""Exact distances between rows of one collection, as a search with the first row as its query has them."""

import numpy as np

from lsh.arrays import Float32Array, Int64Array
from lsh.exact import ExactSearch
from lsh.hasher import prepare
from lsh.kernels.ranking import decode_rows, distances_to

_ROUNDING = 1e-5  # more than the cosine distance of a vector to itself differs from 0


def distances_from(exact: ExactSearch, row: int, others: Int64Array) -> Float32Array:
    """Return the distances of a row to others, int64[m]: float32[m]."""
    vector = np.empty((1, exact.X.shape[1]), np.float32)
    decode_rows(tuple(exact.vectors), row, vector)
    q, out = prepare(vector, exact.metric, np.zeros(vector.shape[1], np.float32)), np.empty(len(others), np.float32)
    distances_to(q[0], tuple(exact.vectors), others, out)
    return out


def pairs_of_all(exact: ExactSearch, rows: Int64Array, radius: float) -> Int64Array:
    """Return every pair of some rows, int64[m] in rising order, within a radius: int64[p, 2], by comparing all.

    Rows of equal values are within any radius, whatever the rounding of their cosine, which depends on the processor.
    """
    found, stored = [np.empty((0, 2), np.int64)], exact.vectors.rows
    for place in range(len(rows) - 1):
        row, others = int(rows[place]), rows[place + 1 :]
        distances = distances_from(exact, row, others)
        within = distances <= radius
        (nearly,) = np.nonzero(~within & (distances <= radius + _ROUNDING))
        within[nearly] = (stored[others[nearly]] == stored[row]).all(axis=1)
        near = others[within]
        found.append(np.column_stack([np.full(len(near), row), near]))
    return np.concatenate(found)
