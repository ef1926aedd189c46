"""Ground truth of a search problem: true neighbours by brute force in float64, and the recall of given answers."""

from dataclasses import dataclass

import numpy as np

from lsh.arrays import Float32Array, Float64Array, Int64Array, StoredVectors

TOLERANCE = 1e-6  # relative: two float32 computations of the same distance differ by some 1e-7

_BLOCK_ROWS = 16_384
_BLOCK_QUERIES = 256


@dataclass(frozen=True, slots=True)
class GroundTruth:
    """Vectors X, queries Q float32[nq, d], and kth_distances float64[nq], from each query to its k-th neighbour.

    X: float32[n, d], or encoded; then the distances are those of the values that it stands for.
    """

    X: StoredVectors
    Q: Float32Array
    metric: str
    k: int
    kth_distances: Float64Array

    @classmethod
    def compute(cls, X: StoredVectors, Q: Float32Array, metric: str, k: int) -> "GroundTruth":
        """Compute all distances; with fewer than k vectors, kth_distances is the farthest's."""
        kth_distances = np.empty(len(Q))
        for first in range(0, len(Q), _BLOCK_QUERIES):
            block = Q[first : first + _BLOCK_QUERIES].astype(np.float64)
            nearest = np.full((len(block), min(k, len(X))), np.inf)
            for start in range(0, len(X), _BLOCK_ROWS):
                distances = _all_distances(X[start : start + _BLOCK_ROWS].astype(np.float64), block, metric)
                both = np.concatenate([nearest, distances], axis=1)
                nearest = np.partition(both, nearest.shape[1] - 1, axis=1)[:, : nearest.shape[1]]
            kth_distances[first : first + len(block)] = nearest.max(axis=1)
        return cls(X, Q, metric, k, kth_distances)

    def recalls(self, ids: Int64Array) -> Float64Array:
        """Return recall@k of answers to the first m queries: int64[m, any number] -> float64[m].

        Ties count: an id is correct if its vector is no farther than the true k-th neighbour (Aumüller, Bernhardsson &
        Faithfull 2020). A repeated id counts once; -1 and ids outside the collection count as not found.
        """
        available = min(self.k, len(self.X))
        recalls = np.empty(len(ids))
        for query, row in enumerate(ids):
            valid = np.unique(row[(row >= 0) & (row < len(self.X))])
            distances = _distances(self.X[valid].astype(np.float64), self.Q[query].astype(np.float64), self.metric)
            limit = self.kth_distances[query] + TOLERANCE * max(1.0, self.kth_distances[query])
            recalls[query] = min(int((distances <= limit).sum()), available) / available
        return recalls


def pairs_within(X: StoredVectors, Q: Float32Array, metric: str, radius: float) -> Int64Array:
    """Return the pairs of a query and a row at a distance of at most `radius`: query * len(X) + row, ascending."""
    found = [np.empty(0, np.int64)]
    for first in range(0, len(Q), _BLOCK_QUERIES):
        block = Q[first : first + _BLOCK_QUERIES].astype(np.float64)
        for start in range(0, len(X), _BLOCK_ROWS):
            distances = _all_distances(X[start : start + _BLOCK_ROWS].astype(np.float64), block, metric)
            queries, rows = np.nonzero(distances <= radius)
            found.append((first + queries) * len(X) + start + rows)
    return np.sort(np.concatenate(found))


def _distances(X: Float64Array, q: Float64Array, metric: str) -> Float64Array:
    """Return the distance of each row of X to one query by its definition: float64[m, d], float64[d] -> float64[m]."""
    if metric == "euclidean":
        return np.asarray(np.sqrt(((X - q) ** 2).sum(axis=1)))
    norms = np.linalg.norm(X, axis=1) * np.linalg.norm(q)
    return np.asarray(1 - np.divide(X @ q, norms, out=np.zeros(len(X)), where=norms > 0))


def _all_distances(X: Float64Array, Q: Float64Array, metric: str) -> Float64Array:
    """Return the same for nq queries, by one matrix product: float64[nq, m]."""
    products = Q @ X.T
    if metric == "euclidean":
        squares = (Q * Q).sum(axis=1)[:, None] + (X * X).sum(axis=1) - 2 * products
        return np.asarray(np.sqrt(np.maximum(squares, 0)))
    norms = np.linalg.norm(Q, axis=1)[:, None] * np.linalg.norm(X, axis=1)
    return np.asarray(1 - np.divide(products, norms, out=np.zeros_like(products), where=norms > 0))
