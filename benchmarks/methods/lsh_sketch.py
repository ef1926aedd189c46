"""SketchIndex of this project, with k-means buckets."""

from math import log2
from typing import Any

from benchmarks.methods._base import Answer, Method, Settings
from lsh.arrays import Float32Array


class LSHSketch(Method):
    """Our SketchIndex: learned buckets, two-bit sketches, exact distances for the best few."""

    needs = "lsh"
    compiles = True

    @classmethod
    def builds(cls, n: int) -> list[Settings]:
        middle = round(log2(n) / 2)  # buckets as many as vectors in one of them
        return [{"n_buckets": 2**b} for b in (middle, middle + 1, middle + 2)]

    @classmethod
    def searches(cls, n: int, build: Settings) -> list[Settings]:
        probes = [p for p in (2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128) if p <= build["n_buckets"]]
        return [{"n_probes": p, "n_reranked": r} for p in probes for r in (15, 25, 40, 70, 120, 200, 350)]

    def __init__(self, X: Float32Array, metric: str, **build: Any) -> None:
        from lsh.sketch_index import SketchIndex

        self.index = SketchIndex(metric, **build).fit(X)
        self.setting: Settings = {}

    def use(self, **search: Any) -> None:
        self.setting = search

    def search_one(self, q: Float32Array, k: int) -> Answer:
        return self.index.search(q[None], k, **self.setting).ids[0]

    def search_batch(self, Q: Float32Array, k: int) -> Answer:
        return self.index.search(Q, k, **self.setting).ids

    def nbytes(self) -> int:
        return self.index.nbytes
