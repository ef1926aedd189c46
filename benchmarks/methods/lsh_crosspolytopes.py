"""SketchIndex of this project, with buckets of cross-polytopes."""

from math import log2

from benchmarks.methods._base import Settings
from benchmarks.methods.lsh_sketch import LSHSketch


class LSHCrossPolytopes(LSHSketch):
    """Our SketchIndex with buckets that know nothing of the data, many and small ones, or one that holds everything."""

    @classmethod
    def builds(cls, n: int) -> list[Settings]:
        middle = round(log2(n) / 2)
        return [{"family": "crosspolytopes", "n_buckets": 2**b} for b in (0, middle + 3, middle + 4)]

    @classmethod
    def searches(cls, n: int, build: Settings) -> list[Settings]:
        probes = [p for p in (1, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048) if p <= build["n_buckets"]]
        return [{"n_probes": p, "n_reranked": r} for p in probes for r in (25, 40, 70, 120)]
