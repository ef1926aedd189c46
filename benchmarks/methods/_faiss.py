"""What the FAISS plug-ins share."""

from typing import Any

from benchmarks.methods._base import Answer, Method
from lsh.arrays import Float32Array


class Faiss(Method):
    """An index that `faiss.index_factory` builds: a subclass says which, and how to set it."""

    needs = "faiss"

    def make(self, X: Float32Array, metric: str, factory: str) -> Any:
        """Train and fill the index that a factory string describes."""
        import faiss

        faiss.omp_set_num_threads(1)
        kind = faiss.METRIC_INNER_PRODUCT if metric == "cosine" else faiss.METRIC_L2
        index = faiss.index_factory(X.shape[1], factory, kind)
        index.train(X)
        index.add(X)
        self.vectors = X.nbytes
        return index

    index: Any
    vectors: int

    def search_one(self, q: Float32Array, k: int) -> Answer:
        return self.index.search(q[None], k)[1][0]

    def search_batch(self, Q: Float32Array, k: int) -> Answer:
        return self.index.search(Q, k)[1]

    def nbytes(self) -> int:
        import faiss

        return max(0, len(faiss.serialize_index(self.index)) - self.vectors)
