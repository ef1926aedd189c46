"""FAISS's inverted file with exact distances (IndexIVFFlat)."""

from math import log2
from typing import Any

from benchmarks.methods._base import Settings, grid
from benchmarks.methods._faiss import Faiss


class FaissIVFFlat(Faiss):
    """k-means cells, and exact distances to the vectors in the nearest cells."""

    factory = "IVF{cells},Flat"

    @classmethod
    def builds(cls, n: int) -> list[Settings]:
        return [{"cells": 2 ** (round(log2(n) / 2) + more)} for more in (1, 2)]

    @classmethod
    def searches(cls, n: int, build: Settings) -> list[Settings]:
        return grid(nprobe=[p for p in (1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128) if p <= build["cells"]])

    def use(self, **search: Any) -> None:
        self.index.nprobe = search["nprobe"]
