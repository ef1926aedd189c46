"""SketchIndex of this project with buckets of random cross-polytopes."""

from math import log2

from benchmarks.methods._base import Settings, grid
from benchmarks.methods.lsh_sketch import LSHSketch


class LSHCrossPolytopes(LSHSketch):
    """Buckets that do not depend on the data: many small ones, or a single one, which is a scan of all sketches."""

    @classmethod
    def builds(cls, n: int) -> list[Settings]:
        middle = round(log2(n) / 2)
        return grid(family=("crosspolytopes",), n_buckets=[2**bits for bits in (0, middle + 3, middle + 4)])

    @classmethod
    def searches(cls, n: int, build: Settings) -> list[Settings]:
        probes = [p for p in (1, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048) if p <= build["n_buckets"]]
        return grid(n_probes=probes, n_reranked=(25, 40, 70, 120))
