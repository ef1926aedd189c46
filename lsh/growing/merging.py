"""Merging of answers: what the parts of a collection found becomes the answer of the whole, bit for bit."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lsh.arrays import BoolArray, Float32Array, Int64Array
from lsh.result import RangeResult, SearchResult

# Of each part the id of its first row, from which ids are counted, or the ids of all its rows, int64[n], ascending.
Places = Sequence[int | Int64Array] | Int64Array


def merged(found: list[SearchResult], places: Places, k: int) -> SearchResult:
    """Return the k nearest of what the parts found, ties by id."""
    return _nearest(*_all(found, places), k)


def merged_best(found: list[tuple[SearchResult, Float32Array]], places: Places, k: int, n_ranked: int) -> SearchResult:
    """Return the k nearest of the `n_ranked` candidates that have the best estimates of all parts, ties by id."""
    every = _all([one for one, _ in found], places)
    estimates = np.concatenate([one for _, one in found], axis=1)
    best = np.lexsort((_last(every.ids), -estimates), axis=1)[:, :n_ranked]
    rows = np.arange(len(best))[:, None]  # a third of the time of `np.take_along_axis`
    return _nearest(every.ids[rows, best], every.distances[rows, best], every.n_candidates, k)


def merged_ranges(
    found: Sequence[RangeResult], places: Places, present: Sequence[BoolArray] | None = None
) -> RangeResult:
    """Return all that the parts found within a radius; present: bool[n] of each part, which rows were not removed."""
    columns = []
    for i, (part, place) in enumerate(zip(found, places, strict=True)):
        own = slice(None) if present is None else present[i][part.ids]
        columns.append((part.queries[own], part.distances[own], _global(part.ids[own], place)))
    of, distances, ids = (np.concatenate(column) for column in zip(*columns, strict=True))
    order = np.argsort(of, kind="stable")
    counts = np.bincount(of, minlength=len(found[0].limits) - 1)
    return RangeResult.of(counts, [(ids[order], distances[order])])


def joined(batches: list[SearchResult]) -> SearchResult:
    """Return the results of batches of queries as one."""
    return SearchResult(*(np.concatenate(arrays) for arrays in zip(*batches, strict=True)))


def _all(found: list[SearchResult], places: Places) -> SearchResult:
    """Return all that the parts found, unsorted, with the ids of the collection."""
    ids = np.concatenate([_global(one.ids, place) for one, place in zip(found, places, strict=True)], axis=1)
    distances = np.concatenate([one.distances for one in found], axis=1)
    n_candidates: Any = np.sum([one.n_candidates for one in found], axis=0, dtype=np.int64)
    return SearchResult(ids, distances, n_candidates)


def _nearest(ids: Int64Array, distances: Float32Array, n_candidates: Int64Array, k: int) -> SearchResult:
    order = np.lexsort((_last(ids), distances), axis=1)[:, :k]
    rows = np.arange(len(order))[:, None]
    ids, distances = ids[rows, order], distances[rows, order]
    if order.shape[1] < k:  # parts have fewer vectors
        missing = ((0, 0), (0, k - order.shape[1]))
        ids, distances = np.pad(ids, missing, constant_values=-1), np.pad(distances, missing, constant_values=np.inf)
    return SearchResult(ids, distances, n_candidates)


def _global(rows: Int64Array, place: int | Int64Array) -> Int64Array:
    """Return the ids of rows of a part; -1 stays."""
    return np.where(rows < 0, rows, place[rows] if isinstance(place, np.ndarray) else rows + place)


def _last(ids: Int64Array) -> Int64Array:
    """Return ids for sorting: those that are missing, -1, after all others."""
    return np.where(ids < 0, np.iinfo(np.int64).max, ids)
