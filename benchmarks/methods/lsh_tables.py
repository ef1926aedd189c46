"""LSHIndex of this project: hash tables."""

from math import log2
from typing import Any

from benchmarks.methods._base import Answer, Method, Settings
from lsh.arrays import Float32Array


class LSHTables(Method):
    """Our LSHIndex: random hyperplanes, for Euclidean distance too, and sketches that sort the candidates."""

    needs = "lsh"
    compiles = True

    @classmethod
    def builds(cls, n: int) -> list[Settings]:
        n_bits = min(24, max(8, round(log2(n)) + 1))
        return [{"n_tables": 32, "n_bits": n_bits, "sketches": True, "family": "hyperplanes"}]

    @classmethod
    def searches(cls, n: int, build: Settings) -> list[Settings]:
        most = build["n_bits"]
        bits = sorted({max(1, most - fewer) for fewer in (2, 4, 6, 8)}, reverse=True)
        return [
            {"n_tables": t, "n_bits": b, "n_probes": p, "n_reranked": r}
            for t in (4, 8, 16, 32)
            for b in bits
            for p in (4, 16, 64)
            for r in (30, 90)
        ]

    def __init__(self, X: Float32Array, metric: str, **build: Any) -> None:
        from lsh import LSHIndex

        self.index = LSHIndex(metric, **build).fit(X)
        self.setting: Settings = {}

    def use(self, **search: Any) -> None:
        self.setting = search

    def search_one(self, q: Float32Array, k: int) -> Answer:
        return self.index.search(q[None], k, **self.setting).ids[0]

    def search_batch(self, Q: Float32Array, k: int) -> Answer:
        return self.index.search(Q, k, **self.setting).ids

    def nbytes(self) -> int:
        return self.index.nbytes
