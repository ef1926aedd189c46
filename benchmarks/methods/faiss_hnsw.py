"""FAISS's graph index (IndexHNSWFlat)."""

from typing import Any

from benchmarks.methods._base import Settings
from benchmarks.methods._faiss import Faiss
from lsh.arrays import Float32Array


class FaissHNSW(Faiss):
    """FAISS's own navigable small worlds."""

    @classmethod
    def builds(cls, n: int) -> list[Settings]:
        return [{"M": 16}]

    @classmethod
    def searches(cls, n: int, build: Settings) -> list[Settings]:
        return [{"efSearch": ef} for ef in (10, 15, 20, 30, 40, 60, 80, 120, 160, 240, 320, 480)]

    def __init__(self, X: Float32Array, metric: str, **build: Any) -> None:
        self.index = self.make(X, metric, f"HNSW{build['M']},Flat")

    def use(self, **search: Any) -> None:
        self.index.hnsw.efSearch = search["efSearch"]
