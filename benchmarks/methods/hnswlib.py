"""hnswlib: graph index (HNSW)."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.methods._base import FEW, Answer, Method, Settings, geometric, grid
from lsh.arrays import BoolArray, Float32Array


class HNSWLib(Method):
    """HNSW graph (Malkov & Yashunin 2018), implemented by its authors."""

    needs = "hnswlib"
    stores = True

    @classmethod
    def builds(cls, n: int) -> list[Settings]:
        return (
            grid(M=(8, 12, 16, 24, 32), ef_construction=(200, 500))
            if n <= FEW
            else grid(M=(16, 24), ef_construction=(200,))
        )

    @classmethod
    def searches(cls, n: int, build: Settings) -> list[Settings]:
        return grid(ef=geometric(10, 800, 32))

    def __init__(self, X: Float32Array, metric: str, stored: Path | None = None, **build: Any) -> None:
        import hnswlib

        n, d = X.shape
        self.index = hnswlib.Index(space="ip" if metric == "cosine" else "l2", dim=d)
        if stored:
            self.index.load_index(str(stored / "index"))
        else:
            self.index.init_index(max_elements=n, random_seed=1, **build)
        self.index.set_num_threads(1)
        if not stored:
            self.index.add_items(X, num_threads=1)
        self.vector_bytes = X.nbytes

    def save(self, folder: Path) -> None:
        self.index.save_index(str(folder / "index"))

    def use(self, **search: Any) -> None:
        self.index.set_ef(search["ef"])

    def search_one(self, q: Float32Array, k: int) -> Answer:
        return self.index.knn_query(q, k, num_threads=1)[0][0]

    def search_batch(self, Q: Float32Array, k: int) -> Answer:
        return self.index.knn_query(Q, k, num_threads=1)[0]

    def filtered(self, allowed: BoolArray) -> Callable[[Float32Array, int], Answer]:
        is_allowed = allowed.tolist().__getitem__  # the library calls it for each vector that it visits

        def search(q: Float32Array, k: int) -> Answer:
            for fewer in range(k, 0, -1):  # it raises an error where it finds fewer than it is asked for
                with contextlib.suppress(RuntimeError):
                    return self.index.knn_query(q, fewer, num_threads=1, filter=is_allowed)[0][0]
            return []

        return search

    def nbytes(self) -> int:
        return int(self.index.index_file_size()) - self.vector_bytes
