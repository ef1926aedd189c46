"""USearch: graph index (HNSW; Unum)."""

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.methods._base import FEW, Answer, Method, Settings, geometric, grid
from lsh.arrays import Float32Array


class USearch(Method):
    """HNSW graph over float32 or 8 bits per value, whose distances rank the answer."""

    needs = "usearch"
    stores = True

    @classmethod
    def builds(cls, n: int) -> list[Settings]:
        return grid(connectivity=(16, 32) if n <= FEW else (16,), dtype=("f32", "bf16", "i8"))

    @classmethod
    def searches(cls, n: int, build: Settings) -> list[Settings]:
        return grid(expansion=geometric(10, 640, 24))

    def __init__(self, X: Float32Array, metric: str, stored: Path | None = None, **build: Any) -> None:
        from usearch.index import Index

        kind = "ip" if metric == "cosine" else "l2sq"
        self.index = Index(ndim=X.shape[1], metric=kind, expansion_add=200, **build)
        if stored:
            self.index.load(stored / "index")
        else:
            self.index.add(np.arange(len(X)), X, threads=1)

    def save(self, folder: Path) -> None:
        self.index.save(folder / "index")

    def use(self, **search: Any) -> None:
        self.index.expansion_search = search["expansion"]

    def search_one(self, q: Float32Array, k: int) -> Answer:
        return self.index.search(q, k, threads=1).keys

    def search_batch(self, Q: Float32Array, k: int) -> Answer:
        return self.index.search(Q, k, threads=1).keys
