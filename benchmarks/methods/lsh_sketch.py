"""SketchIndex of this project with k-means buckets."""

from math import log2
from typing import Any

from benchmarks.methods._base import Settings, grid
from benchmarks.methods._lsh import LSHMethod
from lsh import SketchIndex
from lsh.arrays import Float32Array


class LSHSketch(LSHMethod):
    """Learned buckets, two-bit sketches, and exact distances to the best candidates."""

    @classmethod
    def builds(cls, n: int) -> list[Settings]:
        middle = round(log2(n) / 2)  # as many buckets as vectors per bucket
        return grid(n_buckets=[2**bits for bits in (middle, middle + 1, middle + 2)])

    @classmethod
    def searches(cls, n: int, build: Settings) -> list[Settings]:
        probes = [p for p in (2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128) if p <= build["n_buckets"]]
        return grid(n_probes=probes, n_reranked=(15, 25, 40, 70, 120, 200, 350))

    def __init__(self, X: Float32Array, metric: str, **build: Any) -> None:
        self.index = SketchIndex(metric, **build).fit(X)
