"""FAISS's exact search (IndexFlat)."""

from typing import Any

from benchmarks.methods._faiss import Faiss
from lsh.arrays import Float32Array


class FaissFlat(Faiss):
    """FAISS's exact search."""

    def __init__(self, X: Float32Array, metric: str, **build: Any) -> None:
        del build
        self.index = self.make(X, metric, "Flat")
