"""Exact search in NumPy: a matrix product and a partial sort."""

import numpy as np

from benchmarks.methods._base import Answer, Method
from lsh.arrays import Float32Array

_BLOCK = 64  # queries per matrix product: the scores of 500,000 vectors take 128 MB


class NumPy(Method):
    """The shortest exact search in NumPy, by `argpartition` of inner products."""

    numpy_blas = True

    def __init__(self, X: Float32Array, metric: str) -> None:
        self.X = X
        # |x - q|² = |x|² - 2 x·q + |q|²: ranking by x·q - |x|²/2 is ranking by Euclidean distance.
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
