"""FAISS's inverted file with exact distances (IndexIVFFlat)."""

from math import log2
from typing import Any

from benchmarks.methods._base import Settings
from benchmarks.methods._faiss import Faiss
from lsh.arrays import Float32Array


class FaissIVFFlat(Faiss):
    """FAISS's inverted file: k-means cells, exact distances inside the nearest few."""

    @classmethod
    def builds(cls, n: int) -> list[Settings]:
        return [{"cells": 2 ** (round(log2(n) / 2) + more)} for more in (1, 2)]

    @classmethod
    def searches(cls, n: int, build: Settings) -> list[Settings]:
        return [{"nprobe": p} for p in (1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128) if p <= build["cells"]]

    def __init__(self, X: Float32Array, metric: str, **build: Any) -> None:
        self.index = self.make(X, metric, f"IVF{build['cells']},Flat")

    def use(self, **search: Any) -> None:
        self.index.nprobe = search["nprobe"]
