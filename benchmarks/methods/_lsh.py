"""Base class of this project's methods."""

from benchmarks.methods._base import Answer, Method
from lsh import ExactSearch, LSHIndex, SketchIndex
from lsh.arrays import Float32Array


class LSHMethod(Method):
    """An index of this project, whose searches take the search setting as keyword arguments."""

    needs = "lsh"
    compiles = True
    index: LSHIndex | SketchIndex | ExactSearch

    def search_one(self, q: Float32Array, k: int) -> Answer:
        return self.index.search(q[None], k, **self.setting).ids[0]

    def search_batch(self, Q: Float32Array, k: int) -> Answer:
        return self.index.search(Q, k, **self.setting).ids

    def nbytes(self) -> int:
        return self.index.nbytes
