"""FAISS: exact search, graphs, cells with and without compressed codes, and its LSH (Meta)."""

from collections.abc import Callable
from math import log2
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from benchmarks.methods._base import FEW, Answer, Method, Ranges, Settings, geometric, grid
from lsh.arrays import BoolArray, Float32Array


class _Faiss(Method):
    """An index made by `faiss.index_factory`."""

    needs = "faiss"
    stores = True
    factory: ClassVar[str]  # its description, with the names of build settings in braces
    index: Any
    vector_bytes: int

    def __init__(self, X: Float32Array, metric: str, stored: Path | None = None, **build: Any) -> None:
        import faiss

        kind = faiss.METRIC_INNER_PRODUCT if metric == "cosine" else faiss.METRIC_L2
        self.fill(faiss.index_factory(X.shape[1], self.factory.format(**build), kind), X, stored)

    def fill(self, index: Any, X: Float32Array, stored: Path | None) -> None:
        """Train an empty index on X, and add X to it; or take the stored one in its place."""
        import faiss

        faiss.omp_set_num_threads(1)
        if stored:
            index = faiss.read_index(str(stored / "index"))
        else:
            index.train(X)
            index.add(X)
        self.index, self.vector_bytes = index, X.nbytes

    def save(self, folder: Path) -> None:
        import faiss

        faiss.write_index(self.index, str(folder / "index"))

    def search_one(self, q: Float32Array, k: int) -> Answer:
        return self.index.search(q[None], k)[1][0]

    def search_batch(self, Q: Float32Array, k: int) -> Answer:
        return self.index.search(Q, k)[1]

    def _among(self, allowed: BoolArray, kind: Any, **setting: int) -> Callable[[Float32Array, int], Answer]:
        """Return a search with an IDSelectorBitmap; kind: of its parameters, which replace those of the index."""
        import faiss

        bits = np.packbits(allowed, bitorder="little")
        parameters = kind(sel=faiss.IDSelectorBitmap(bits), **setting)

        def search(q: Float32Array, k: int) -> Answer:
            return self.index.search(q[None], k, params=parameters)[1][0]

        return search

    def _within(self, radius: float) -> Ranges:
        import faiss

        limit = 1 - radius if self.index.metric_type == faiss.METRIC_INNER_PRODUCT else radius**2
        return lambda Q: self.index.range_search(Q, limit)

    def nbytes(self) -> int:
        import faiss

        return max(0, len(faiss.serialize_index(self.index)) - self.vector_bytes)


class Flat(_Faiss):
    """All distances, without an index structure (IndexFlat)."""

    factory = "Flat"

    def within(self, radius: float) -> Ranges:
        return self._within(radius)


class HNSW(_Faiss):
    """HNSW graph (Malkov & Yashunin 2018), as FAISS implements it (IndexHNSWFlat)."""

    factory = "HNSW{M},Flat"

    @classmethod
    def builds(cls, n: int) -> list[Settings]:
        return grid(M=(12, 16, 24, 32) if n <= FEW else (16,))

    @classmethod
    def searches(cls, n: int, build: Settings) -> list[Settings]:
        return grid(efSearch=geometric(10, 640, 24))

    def use(self, **search: Any) -> None:
        self.index.hnsw.efSearch = search["efSearch"]

    def filtered(self, allowed: BoolArray) -> Callable[[Float32Array, int], Answer]:
        import faiss

        return self._among(allowed, faiss.SearchParametersHNSW, efSearch=self.index.hnsw.efSearch)


class HNSWSQ8(HNSW):
    """The same graph over codes of 8 bits per value (IndexHNSWSQ); their distances rank the answer."""

    factory = "HNSW{M},SQ8"


class IVFFlat(_Faiss):
    """k-means cells, and exact distances to the vectors in the nearest cells (IndexIVFFlat)."""

    factory = "IVF{cells},Flat"

    @classmethod
    def builds(cls, n: int) -> list[Settings]:
        return [{"cells": 2 ** (round(log2(n) / 2) + more)} for more in (0, 1, 2)]

    @classmethod
    def searches(cls, n: int, build: Settings) -> list[Settings]:
        return grid(nprobe=_probes(build, 24))

    def use(self, **search: Any) -> None:
        self.index.nprobe = search["nprobe"]

    def filtered(self, allowed: BoolArray) -> Callable[[Float32Array, int], Answer]:
        import faiss

        return self._among(allowed, faiss.SearchParametersIVF, nprobe=self.index.nprobe)

    def within(self, radius: float) -> Ranges:
        return self._within(radius)


class _Refined(IVFFlat):
    """Cells whose vectors are scanned as codes, and exact distances to the best of them."""

    @classmethod
    def searches(cls, n: int, build: Settings) -> list[Settings]:
        return grid(nprobe=_probes(build, 16), factor=(2, 3, 5, 8, 12, 20))

    def use(self, **search: Any) -> None:
        import faiss

        faiss.extract_index_ivf(self.index.base_index).nprobe = search["nprobe"]
        self.index.k_factor = search["factor"]


class RaBitQ(_Refined):
    """One-bit RaBitQ codes (Gao & Long 2024; IndexIVFRaBitQFastScan), much as in lsh-sketch."""

    factory = "IVF{cells},RaBitQfs,RFlat"


class PQFastScan(_Refined):
    """Product codes of 4 bits, scanned in registers (André et al. 2015; IndexIVFPQFastScan)."""

    factory = "IVF{cells},PQ64x4fs,RFlat"


class IndexLSH(_Faiss):
    """Scan of all binary codes by Hamming distance, with exact re-ranking of the best."""

    @classmethod
    def builds(cls, n: int) -> list[Settings]:
        return grid(bits=(128, 256, 512, 1024))

    @classmethod
    def searches(cls, n: int, build: Settings) -> list[Settings]:
        return grid(factor=(2, 3, 5, 8, 12, 20, 32, 50, 80, 120))

    def __init__(self, X: Float32Array, metric: str, stored: Path | None = None, **build: Any) -> None:
        import faiss

        # IndexLSH supports L2 only, which ranks unit vectors as cosine distance does. Subtracting the mean of the
        # vectors first increases the angles between them, which the codes tell apart.
        self.centre = X.mean(axis=0) if metric == "cosine" else np.zeros(X.shape[1], np.float32)
        self.codes = faiss.IndexLSH(X.shape[1], build["bits"])  # the next index keeps no reference to it
        self.fill(faiss.IndexRefineFlat(self.codes), X - self.centre, stored)

    def use(self, **search: Any) -> None:
        self.index.k_factor = search["factor"]

    def search_one(self, q: Float32Array, k: int) -> Answer:
        return super().search_one(q - self.centre, k)

    def search_batch(self, Q: Float32Array, k: int) -> Answer:
        return super().search_batch(Q - self.centre, k)


def _probes(build: Settings, count: int) -> list[int]:
    return geometric(1, min(256, build["cells"]), count)
