"""LSHIndex of this project: hash tables with a sketch filter."""

from math import log2
from typing import Any

from benchmarks.methods._base import Settings, grid
from benchmarks.methods._lsh import LSHMethod
from lsh import LSHIndex
from lsh.arrays import Float32Array


class LSHTables(LSHMethod):
    """Random hyperplanes, for Euclidean distance too; two-bit sketches choose the candidates to rank exactly."""

    @classmethod
    def builds(cls, n: int) -> list[Settings]:
        n_bits = min(24, max(8, round(log2(n)) + 1))
        return [{"n_tables": 32, "n_bits": n_bits, "sketches": True, "family": "hyperplanes"}]

    @classmethod
    def searches(cls, n: int, build: Settings) -> list[Settings]:
        bits = sorted({max(1, build["n_bits"] - fewer) for fewer in (2, 4, 6, 8)}, reverse=True)
        return grid(n_tables=(4, 8, 16, 32), n_bits=bits, n_probes=(4, 16, 64), n_reranked=(30, 90))

    def __init__(self, X: Float32Array, metric: str, **build: Any) -> None:
        self.index = LSHIndex(metric, **build).fit(X)
