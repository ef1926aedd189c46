"""FAISS's graph index (IndexHNSWFlat)."""

from typing import Any

from benchmarks.methods._base import Settings, grid
from benchmarks.methods._faiss import Faiss


class FaissHNSW(Faiss):
    """HNSW graph (Malkov & Yashunin 2018), as FAISS implements it."""

    factory = "HNSW{M},Flat"

    @classmethod
    def builds(cls, n: int) -> list[Settings]:
        return [{"M": 16}]

    @classmethod
    def searches(cls, n: int, build: Settings) -> list[Settings]:
        return grid(efSearch=(10, 15, 20, 30, 40, 60, 80, 120, 160, 240, 320, 480))

    def use(self, **search: Any) -> None:
        self.index.hnsw.efSearch = search["efSearch"]
