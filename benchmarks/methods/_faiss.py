"""Base class of the FAISS methods."""

from typing import Any, ClassVar

from benchmarks.methods._base import Answer, Method
from lsh.arrays import Float32Array


class Faiss(Method):
    """An index made by `faiss.index_factory`."""

    needs = "faiss"
    factory: ClassVar[str]  # its description, with the names of build settings in braces
    index: Any
    vector_bytes: int

    def __init__(self, X: Float32Array, metric: str, **build: Any) -> None:
        import faiss

        kind = faiss.METRIC_INNER_PRODUCT if metric == "cosine" else faiss.METRIC_L2
        self.fill(faiss.index_factory(X.shape[1], self.factory.format(**build), kind), X)

    def fill(self, index: Any, X: Float32Array) -> None:
        """Train an empty index on X, and add X to it."""
        import faiss

        faiss.omp_set_num_threads(1)
        index.train(X)
        index.add(X)
        self.index, self.vector_bytes = index, X.nbytes

    def search_one(self, q: Float32Array, k: int) -> Answer:
        return self.index.search(q[None], k)[1][0]

    def search_batch(self, Q: Float32Array, k: int) -> Answer:
        return self.index.search(Q, k)[1]

    def nbytes(self) -> int:
        import faiss

        return max(0, len(faiss.serialize_index(self.index)) - self.vector_bytes)
