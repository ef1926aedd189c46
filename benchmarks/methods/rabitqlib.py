"""RaBitQ-Library: a graph over RaBitQ codes, and k-means cells with them, by the authors of RaBitQ."""

from math import log2
from pathlib import Path
from typing import Any

from benchmarks.methods._base import FEW, Answer, Method, Settings, geometric, grid
from lsh.arrays import Float32Array


class _RaBitQLib(Method):
    """An index ranked by L2 for both metrics: it ranks unit vectors as cosine distance does."""

    needs = "rabitqlib"
    stores = True
    index: Any

    def save(self, folder: Path) -> None:
        self.index.save(str(folder / "index"))

    def search_one(self, q: Float32Array, k: int) -> Answer:
        return self.index.search(q[None], k=k, num_threads=1, **self.setting)[0][0]

    def search_batch(self, Q: Float32Array, k: int) -> Answer:
        return self.index.search(Q, k=k, num_threads=1, **self.setting)[0]


class SymphonyQG(_RaBitQLib):
    """Graph whose nodes hold the codes of their neighbours in one block (SymphonyQG, Gou et al. 2025)."""

    @classmethod
    def builds(cls, n: int) -> list[Settings]:
        return grid(max_degree=(32, 64) if n <= FEW else (32,), ef_construction=(200, 400) if n <= FEW else (200,))

    @classmethod
    def searches(cls, n: int, build: Settings) -> list[Settings]:
        return grid(ef=geometric(10, 400, 28))

    def __init__(self, X: Float32Array, metric: str, stored: Path | None = None, **build: Any) -> None:
        import rabitqlib

        if stored:
            self.index = rabitqlib.SymqgIndex.load(str(stored / "index"))
            return
        self.index = rabitqlib.SymqgIndex(dim=X.shape[1], max_degree=build["max_degree"], metric="l2")
        self.index.build(X, ef_construction=build["ef_construction"], num_threads=1)


class IVF(_RaBitQLib):
    """k-means cells, RaBitQ codes, and exact distances to what their error bound does not exclude."""

    @classmethod
    def builds(cls, n: int) -> list[Settings]:
        return [{"cells": 2 ** (round(log2(n) / 2) + more)} for more in (0, 1, 2)]

    @classmethod
    def searches(cls, n: int, build: Settings) -> list[Settings]:
        return grid(nprobe=geometric(1, min(256, build["cells"]), 28))

    def __init__(self, X: Float32Array, metric: str, stored: Path | None = None, **build: Any) -> None:
        import rabitqlib

        if stored:
            self.index = rabitqlib.IvfIndex.load(str(stored / "index"))
            return
        (n, dim), cells = X.shape, build["cells"]
        means = rabitqlib.RaBitQKMeans(dim, cells, num_threads=1)
        means.train(X)
        # 32 bits keep the vectors themselves for the last ranking: codes alone end at a recall of some 0.97.
        self.index = rabitqlib.IvfIndex(dim=dim, max_elements=n, num_clusters=cells, nbits=32, metric="l2")
        self.index.build(X, means.centroids, means.assignments, num_threads=1)
