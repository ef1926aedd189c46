"""hnswlib: graph index (HNSW)."""

from typing import Any

from benchmarks.methods._base import FEW, Answer, Method, Settings, geometric, grid
from lsh.arrays import Float32Array


class HNSWLib(Method):
    """HNSW graph (Malkov & Yashunin 2018), implemented by its authors."""

    needs = "hnswlib"

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

    def __init__(self, X: Float32Array, metric: str, **build: Any) -> None:
        import hnswlib

        n, d = X.shape
        self.index = hnswlib.Index(space="ip" if metric == "cosine" else "l2", dim=d)
        self.index.init_index(max_elements=n, random_seed=1, **build)
        self.index.set_num_threads(1)
        self.index.add_items(X, num_threads=1)
        self.vector_bytes = X.nbytes

    def use(self, **search: Any) -> None:
        self.index.set_ef(search["ef"])

    def search_one(self, q: Float32Array, k: int) -> Answer:
        return self.index.knn_query(q, k, num_threads=1)[0][0]

    def search_batch(self, Q: Float32Array, k: int) -> Answer:
        return self.index.knn_query(Q, k, num_threads=1)[0]

    def nbytes(self) -> int:
        return int(self.index.index_file_size()) - self.vector_bytes
