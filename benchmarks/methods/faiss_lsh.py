"""FAISS's LSH (IndexLSH)."""

from typing import Any

import numpy as np

from benchmarks.methods._base import Answer, Settings
from benchmarks.methods._faiss import Faiss
from lsh.arrays import Float32Array


class FaissLSH(Faiss):
    """FAISS's IndexLSH: every code scanned by Hamming distance, the best few ranked exactly."""

    @classmethod
    def builds(cls, n: int) -> list[Settings]:
        return [{"bits": 256}, {"bits": 512}]

    @classmethod
    def searches(cls, n: int, build: Settings) -> list[Settings]:
        return [{"factor": f} for f in (2, 5, 10, 20, 50, 100)]

    def __init__(self, X: Float32Array, metric: str, **build: Any) -> None:
        import faiss

        faiss.omp_set_num_threads(1)
        # Its codes know only L2, which ranks vectors of length one as cosine does. Centring makes their angles wider.
        self.centre = X.mean(axis=0) if metric == "cosine" else np.zeros(X.shape[1], np.float32)
        self.codes = faiss.IndexLSH(X.shape[1], build["bits"])
        self.index = faiss.IndexRefineFlat(self.codes)
        self.index.train(X - self.centre)
        self.index.add(X - self.centre)
        self.vectors = X.nbytes

    def use(self, **search: Any) -> None:
        self.index.k_factor = search["factor"]

    def search_one(self, q: Float32Array, k: int) -> Answer:
        return super().search_one(q - self.centre, k)

    def search_batch(self, Q: Float32Array, k: int) -> Answer:
        return super().search_batch(Q - self.centre, k)
