"""Exact search of this project."""

from typing import Any

from benchmarks.methods._base import Answer, Method
from lsh.arrays import Float32Array


class Exact(Method):
    """Our own exact search: what LSH must beat, and the app's baseline."""

    needs = "lsh"
    compiles = True

    def __init__(self, X: Float32Array, metric: str, **build: Any) -> None:
        from lsh import ExactSearch

        self.index = ExactSearch(X, metric, **build)

    def search_one(self, q: Float32Array, k: int) -> Answer:
        return self.index.search(q[None], k).ids[0]

    def search_batch(self, Q: Float32Array, k: int) -> Answer:
        return self.index.search(Q, k).ids

    def nbytes(self) -> int:
        return self.index.nbytes
