"""What the right answer is, and how much of it a method found: computed here from the vectors, by definition."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lsh.arrays import Float32Array

Doubles = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]

# Two float32 computations of one distance differ by some 1e-7 of it: a neighbour is not wrong for that.
SLACK = 1e-6

_BLOCK_ROWS = 16_384
_BLOCK_QUERIES = 256


@dataclass(frozen=True, slots=True)
class GroundTruth:
    """The vectors, the queries and, for each query, the float64 distance of its true k-th neighbour."""

    X: Float32Array
    Q: Float32Array
    metric: str
    k: int
    last: Doubles

    @classmethod
    def compute(cls, X: Float32Array, Q: Float32Array, metric: str, k: int) -> "GroundTruth":
        """Find the k-th distances by brute force in float64; with fewer than k vectors, that of the farthest."""
        last = np.empty(len(Q))
        for first in range(0, len(Q), _BLOCK_QUERIES):
            block = Q[first : first + _BLOCK_QUERIES].astype(np.float64)
            nearest = np.full((len(block), min(k, len(X))), np.inf)
            for start in range(0, len(X), _BLOCK_ROWS):
                far = _all_distances(X[start : start + _BLOCK_ROWS].astype(np.float64), block, metric)
                both = np.concatenate([nearest, far], axis=1)
                nearest = np.partition(both, nearest.shape[1] - 1, axis=1)[:, : nearest.shape[1]]
            last[first : first + len(block)] = nearest.max(axis=1)
        return cls(X, Q, metric, k, last)

    def recalls(self, ids: Ids) -> Doubles:
        """Return, for each of the first queries, which share of its k nearest was found: int64[m, k] -> float64[m].

        Ties count: an id is right when it is no farther than the true k-th neighbour (Aumüller, Bernhardsson &
        Faithfull 2020). An id given twice counts once; -1 and ids of no row count as not found.
        """
        available = min(self.k, len(self.X))
        recalls = np.empty(len(ids))
        for query, row in enumerate(ids):
            valid = np.unique(row[(row >= 0) & (row < len(self.X))])
            far = _distances(self.X[valid].astype(np.float64), self.Q[query].astype(np.float64), self.metric)
            limit = self.last[query] + SLACK * max(1.0, self.last[query])
            recalls[query] = min(int((far <= limit).sum()), available) / available
        return recalls


def _distances(X: Doubles, q: Doubles, metric: str) -> Doubles:
    """Return the distance of each row of X to one query by its definition: float64[m, d], float64[d] -> float64[m]."""
    if metric == "euclidean":
        return np.asarray(np.sqrt(((X - q) ** 2).sum(axis=1)))
    lengths = np.linalg.norm(X, axis=1) * np.linalg.norm(q)
    return np.asarray(1 - np.divide(X @ q, lengths, out=np.zeros(len(X)), where=lengths > 0))


def _all_distances(X: Doubles, Q: Doubles, metric: str) -> Doubles:
    """Return the same for many queries by one matrix product: float64[nq, m]."""
    products = Q @ X.T
    if metric == "euclidean":
        squares = (Q * Q).sum(axis=1)[:, None] + (X * X).sum(axis=1) - 2 * products
        return np.asarray(np.sqrt(np.maximum(squares, 0)))
    lengths = np.linalg.norm(Q, axis=1)[:, None] * np.linalg.norm(X, axis=1)
    return np.asarray(1 - np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 0))
