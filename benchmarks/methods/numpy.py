"""Brute force in NumPy: one matrix product per query, then a partial sort."""

import numpy as np

from benchmarks.methods._base import Answer, Method
from lsh.arrays import Float32Array

_BLOCK = 64  # queries a product: at 500,000 vectors it takes 128 MB


class NumPy(Method):
    """What anybody writes first: a matrix product and argpartition."""

    def __init__(self, X: Float32Array, metric: str) -> None:
        self.X = X
        # Half the squared length turns the greatest inner product into the least Euclidean distance.
        self.penalty = np.einsum("ij,ij->i", X, X) / 2 if metric == "euclidean" else np.zeros(len(X), np.float32)

    def search_one(self, q: Float32Array, k: int) -> Answer:
        scores = self.X @ q - self.penalty
        best = np.argpartition(scores, -k)[-k:]
        return best[np.argsort(-scores[best])]

    def search_batch(self, Q: Float32Array, k: int) -> Answer:
        found = []
        for start in range(0, len(Q), _BLOCK):
            scores = Q[start : start + _BLOCK] @ self.X.T - self.penalty
            best = np.argpartition(scores, -k, axis=1)[:, -k:]
            order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1)
            found.append(np.take_along_axis(best, order, axis=1))
        return np.concatenate(found)

    def nbytes(self) -> int:
        return self.penalty.nbytes
