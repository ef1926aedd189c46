from typing import Any

from benchmarks.methods._faiss import Faiss
from benchmarks.peers.method import Floats


class FaissFlat(Faiss):
    """FAISS's exact search."""

    def __init__(self, X: Floats, metric: str, **build: Any) -> None:
        del build
        self.index = self.make(X, metric, "Flat")
