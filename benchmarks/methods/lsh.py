"""Indexes of this project: sketches in buckets or in a graph, hash tables, and exact search."""

from collections.abc import Callable
from math import log2
from pathlib import Path
from typing import Any, ClassVar

from benchmarks.methods._base import Answer, Method, Ranges, Settings, geometric, grid
from lsh import ExactSearch, GraphIndex, LSHIndex, SketchIndex, load, save
from lsh.arrays import BoolArray, Float32Array
from lsh.filters import Filter


class _Index(Method):
    """An index of this project, whose searches take the search setting as keyword arguments."""

    needs = "lsh"
    numpy_blas = True
    compiles = True
    stores = True
    kind: ClassVar[Any]  # class of the index
    index: Any

    def __init__(self, X: Float32Array, metric: str, stored: Path | None = None, **build: Any) -> None:
        self.index = load(stored / "index", X, mapped=False) if stored else self.kind(metric, **build).fit(X)

    def save(self, folder: Path) -> None:
        save(self.index, folder / "index", with_vectors=False)

    def search_one(self, q: Float32Array, k: int) -> Answer:
        return self.index.search(q[None], k, **self.setting).ids[0]

    def search_batch(self, Q: Float32Array, k: int) -> Answer:
        return self.index.search(Q, k, **self.setting).ids

    def nbytes(self) -> int:
        return int(self.index.nbytes)


class _LSH(_Index):
    """One that can search among some rows alone, and for all within a radius."""

    def filtered(self, allowed: BoolArray) -> Callable[[Float32Array, int], Answer]:
        one = Filter.of(allowed, len(allowed))
        return lambda q, k: self.index.search(q[None], k, **self.setting, allowed=one).ids[0]

    def within(self, radius: float) -> Ranges:
        setting = {name: value for name, value in self.setting.items() if name != "n_reranked"}  # all are
        return lambda Q: self.index.range_search(Q, radius, **setting)


class Sketch(_LSH):
    """Learned buckets, two-bit sketches, and exact distances to the best candidates (SketchIndex)."""

    kind = SketchIndex

    @classmethod
    def builds(cls, n: int) -> list[Settings]:
        middle = round(log2(n) / 2)  # as many buckets as vectors per bucket
        return grid(n_buckets=[2**bits for bits in (middle, middle + 1, middle + 2)])

    @classmethod
    def searches(cls, n: int, build: Settings) -> list[Settings]:
        probes = [p for p in (2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128) if p <= build["n_buckets"]]
        return grid(n_probes=probes, n_reranked=(15, 25, 40, 70, 120, 200, 350))


class CrossPolytopes(Sketch):
    """Buckets that do not depend on the data: many small ones, or a single one, which is a scan of all sketches."""

    @classmethod
    def builds(cls, n: int) -> list[Settings]:
        middle = round(log2(n) / 2)
        return grid(family=("crosspolytopes",), n_buckets=[2**bits for bits in (0, middle + 3, middle + 4)])

    @classmethod
    def searches(cls, n: int, build: Settings) -> list[Settings]:
        probes = [p for p in (1, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048) if p <= build["n_buckets"]]
        return grid(n_probes=probes, n_reranked=(25, 40, 70, 120))


class Tables(_LSH):
    """Random hyperplanes, for Euclidean distance too; two-bit sketches choose the candidates to rank exactly."""

    kind = LSHIndex

    @classmethod
    def builds(cls, n: int) -> list[Settings]:
        n_bits = min(24, max(8, round(log2(n)) + 1))
        return [{"n_tables": 32, "n_bits": n_bits, "sketches": True, "family": "hyperplanes"}]

    @classmethod
    def searches(cls, n: int, build: Settings) -> list[Settings]:
        bits = sorted({max(1, build["n_bits"] - fewer) for fewer in (2, 4, 6, 8)}, reverse=True)
        return grid(n_tables=(4, 8, 16, 32), n_bits=bits, n_probes=(4, 16, 64), n_reranked=(30, 90))


class Graph(_Index):
    """Graph whose nodes hold the sketches of their neighbours (GraphIndex)."""

    kind = GraphIndex

    @classmethod
    def searches(cls, n: int, build: Settings) -> list[Settings]:
        return grid(n_kept=geometric(10, 400, 28))


class Exact(_LSH):
    """The baseline that LSH is compared with in the app (`lsh.ExactSearch`)."""

    stores = False  # there is nothing to store

    def __init__(self, X: Float32Array, metric: str) -> None:
        self.index, self.setting = ExactSearch(X, metric), {}
