"""Samples of rows: evenly spaced, of all rows or of marked ones, the first, or given ones; parts joined."""

from collections.abc import Sequence

import numpy as np

from earshot_common.encoded_vectors import EncodedVectors
from lsh.arrays import BoolArray, Float32Array, Int64Array, Rows, StoredVectors

_BLOCK_ROWS = 65_536  # marks read at a time


def evenly_spaced_rows(n: int, max_rows: int) -> Int64Array:
    """Return up to `max_rows` distinct rows of 0 to n - 1, evenly spaced from the first to the last: int64[m]."""
    return np.unique(np.linspace(0, n - 1, min(max_rows, n)).round().astype(np.int64))


def evenly_spaced_marked(marks: BoolArray, max_rows: int) -> Int64Array:
    """Return up to `max_rows` of the rows that bool[n] marks, evenly spaced among these, ascending: int64[m]."""
    places = evenly_spaced_rows(int(np.count_nonzero(marks)), max_rows)
    chosen, before = [np.empty(0, np.int64)], 0
    for start in range(0, len(marks), _BLOCK_ROWS):
        rows = np.flatnonzero(marks[start : start + _BLOCK_ROWS])
        first, last = np.searchsorted(places, [before, before + len(rows)])
        chosen.append(start + rows[places[first:last] - before])
        before += len(rows)
    return np.concatenate(chosen)


def first_rows(X: StoredVectors, n: int) -> StoredVectors:
    """Return the first n vectors as they are stored, without a copy."""
    return EncodedVectors(X.stored[:n], X.scale, X.offset) if isinstance(X, EncodedVectors) else X[:n]


def some_rows(X: StoredVectors, rows: Int64Array) -> StoredVectors:
    """Return a copy of some vectors, int64[m], as they are stored."""
    if isinstance(X, EncodedVectors):
        return EncodedVectors(X.stored[rows], X.scale, X.offset)
    return np.ascontiguousarray(X[rows])


def joined(parts: Sequence[StoredVectors]) -> StoredVectors:
    """Return vectors one part after another, as they are stored; of a single part, that part itself."""
    if len(parts) == 1:
        return parts[0]
    if isinstance(first := parts[0], EncodedVectors):
        stored = [part.stored for part in parts if isinstance(part, EncodedVectors)]
        return EncodedVectors(np.concatenate(stored), first.scale, first.offset)
    return np.concatenate([np.asarray(part) for part in parts])


def evenly_spaced(X: Rows, max_rows: int) -> Float32Array:
    """Return at most `max_rows` rows of X, float32[n, d], evenly spaced from the first to the last."""
    return np.ascontiguousarray(X[evenly_spaced_rows(len(X), max_rows)])
