"""FAISS's LSH (IndexLSH)."""

from typing import Any

import numpy as np

from benchmarks.methods._base import Answer, Settings, grid
from benchmarks.methods._faiss import Faiss
from lsh.arrays import Float32Array


class FaissLSH(Faiss):
    """Scan of all binary codes by Hamming distance, with exact re-ranking of the best."""

    @classmethod
    def builds(cls, n: int) -> list[Settings]:
        return grid(bits=(256, 512))

    @classmethod
    def searches(cls, n: int, build: Settings) -> list[Settings]:
        return grid(factor=(2, 5, 10, 20, 50, 100))

    def __init__(self, X: Float32Array, metric: str, **build: Any) -> None:
        import faiss

        # IndexLSH supports L2 only, which ranks unit vectors as cosine distance does. Subtracting the mean of the
        # vectors first increases the angles between them, which the codes tell apart.
        self.centre = X.mean(axis=0) if metric == "cosine" else np.zeros(X.shape[1], np.float32)
        self.codes = faiss.IndexLSH(X.shape[1], build["bits"])  # the next index keeps no reference to it
        self.fill(faiss.IndexRefineFlat(self.codes), X - self.centre)

    def use(self, **search: Any) -> None:
        self.index.k_factor = search["factor"]

    def search_one(self, q: Float32Array, k: int) -> Answer:
        return super().search_one(q - self.centre, k)

    def search_batch(self, Q: Float32Array, k: int) -> Answer:
        return super().search_batch(Q - self.centre, k)
