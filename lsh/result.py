"""SearchResult: the neighbours that a search returns; RangeResult: all vectors within a radius."""

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np

from lsh.arrays import Float32Array, Int64Array

_INT64, _FLOAT32 = np.dtype(np.int64), np.dtype(np.float32)  # `np.empty` takes longer with the types of the elements


class SearchResult(NamedTuple):
    """Neighbours of nq queries, nearest first, ties broken by the lower id. A k larger than n counts as n.

    ids: int64[nq, k], row numbers of the indexed vectors; -1 where fewer than k were found.
    distances: float32[nq, k]; cosine 1 - cos in [0, 2], or L2 in the units of the data; infinity where id is -1.
    n_candidates: int64[nq], the number of distinct vectors in the buckets searched.
    """

    ids: Int64Array
    distances: Float32Array
    n_candidates: Int64Array

    @property
    def promised(self) -> float | None:
        """Return the probability with which each true neighbour was found, at least; None if none was asked for."""
        return None

    @property
    def n_found(self) -> Int64Array:
        """Return how many neighbours each query has: int64[nq], at most k."""
        return np.asarray((self.ids >= 0).sum(axis=1))

    def without(self, rows: Int64Array) -> "SearchResult":
        """Return the neighbours of queries that are rows of the index, int64[nq], each without itself: [nq, k - 1].

        A query that is not among its neighbours, behind equal vectors with lower ids, leaves out its last one.
        """
        itself = self.ids == rows[:, None]
        n_candidates = self.n_candidates - itself.any(axis=1)
        itself[~itself.any(axis=1), -1] = True
        shape = len(rows), self.ids.shape[1] - 1
        return SearchResult(self.ids[~itself].reshape(shape), self.distances[~itself].reshape(shape), n_candidates)

    def part(self, first: int, last: int) -> "SearchResult":
        """Return the neighbours of queries first to last, as views."""
        return SearchResult(self.ids[first:last], self.distances[first:last], self.n_candidates[first:last])

    @staticmethod
    def empty(n_queries: int, k: int) -> "SearchResult":
        """Return an uninitialised result, for the kernels to fill."""
        shape = n_queries, k
        return SearchResult(np.empty(shape, _INT64), np.empty(shape, _FLOAT32), np.empty(n_queries, _INT64))


class PromisedResult(SearchResult):
    """Neighbours that a search with a wanted recall returns."""

    _promised: float

    @classmethod
    def of(cls, result: SearchResult, promised: float) -> Self:
        """Return a result with the probability of each true neighbour."""
        found = cls(*result)
        found._promised = promised
        return found

    @property
    def promised(self) -> float:
        """Return the probability with which each true neighbour was found, at least."""
        return self._promised

    def without(self, rows: Int64Array) -> "PromisedResult":
        """Return what `SearchResult.without` returns, with the same probability."""
        return self.of(super().without(rows), self._promised)


class RangeResult(NamedTuple):
    """Vectors within a radius of nq queries, in FAISS's form: those of query q are at limits[q] to limits[q + 1].

    limits: int64[nq + 1]; the numbers of vectors, one after another, added up from 0.
    distances: float32[limits[-1]], exact; of each query in rising order, ties by the lower id.
    ids: int64[limits[-1]], row numbers of the indexed vectors.
    """

    limits: Int64Array
    distances: Float32Array
    ids: Int64Array

    @property
    def queries(self) -> Int64Array:
        """Return the number of the query of each vector: int64[limits[-1]]."""
        return np.repeat(np.arange(len(self.limits) - 1), np.diff(self.limits))

    @classmethod
    def of(cls, counts: Int64Array, listed: Sequence[tuple[Int64Array, Float32Array]]) -> Self:
        """Return a result of unsorted (ids, distances) of one query after another; counts: int64[nq]."""
        found = np.concatenate([np.empty(0, _INT64), *(ids for ids, _ in listed)])
        measured = np.concatenate([np.empty(0, _FLOAT32), *(distances for _, distances in listed)])
        order = np.lexsort((found, measured, np.repeat(np.arange(len(counts)), counts)))
        return cls(np.concatenate([[0], np.cumsum(counts)]).astype(_INT64), measured[order], found[order])
