"""FAISS's inverted file with RaBitQ codes (IndexIVFRaBitQFastScan)."""

from typing import Any

from benchmarks.methods._base import Settings, grid
from benchmarks.methods.faiss_ivf_flat import FaissIVFFlat


class FaissRaBitQ(FaissIVFFlat):
    """k-means cells, one-bit RaBitQ codes (Gao & Long 2024) and exact re-ranking, much as in lsh-sketch."""

    factory = "IVF{cells},RaBitQfs,RFlat"

    @classmethod
    def searches(cls, n: int, build: Settings) -> list[Settings]:
        return grid(nprobe=[p for p in (4, 8, 16, 32, 64, 128) if p <= build["cells"]], factor=(5, 10, 20))

    def use(self, **search: Any) -> None:
        import faiss

        faiss.extract_index_ivf(self.index.base_index).nprobe = search["nprobe"]
        self.index.k_factor = search["factor"]
