from typing import Any

from benchmarks.peers.method import Answer, Floats, Method


class Exact(Method):
    """Our own exact search: what LSH must beat, and the app's baseline."""

    needs = "lsh"
    compiles = True

    def __init__(self, X: Floats, metric: str, **build: Any) -> None:
        from lsh import ExactSearch

        self.index = ExactSearch(X, metric, **build)

    def search_one(self, q: Floats, k: int) -> Answer:
        return self.index.search(q[None], k).ids[0]

    def search_batch(self, Q: Floats, k: int) -> Answer:
        return self.index.search(Q, k).ids

    def nbytes(self) -> int:
        return self.index.nbytes
