"""FAISS's inverted file with RaBitQ codes (IndexIVFRaBitQ)."""

from math import log2
from typing import Any

from benchmarks.methods._base import Settings
from benchmarks.methods._faiss import Faiss
from lsh.arrays import Float32Array


class FaissRaBitQ(Faiss):
    """FAISS's RaBitQ (Gao & Long 2024) behind k-means cells, the best few ranked exactly: the nearest kin of ours."""

    @classmethod
    def builds(cls, n: int) -> list[Settings]:
        return [{"cells": 2 ** (round(log2(n) / 2) + more)} for more in (1, 2)]

    @classmethod
    def searches(cls, n: int, build: Settings) -> list[Settings]:
        probes = [p for p in (4, 8, 16, 32, 64, 128) if p <= build["cells"]]
        return [{"nprobe": p, "factor": f} for p in probes for f in (5, 10, 20)]

    def __init__(self, X: Float32Array, metric: str, **build: Any) -> None:
        self.index = self.make(X, metric, f"IVF{build['cells']},RaBitQfs,RFlat")

    def use(self, **search: Any) -> None:
        import faiss

        faiss.extract_index_ivf(self.index.base_index).nprobe = search["nprobe"]
        self.index.k_factor = search["factor"]
