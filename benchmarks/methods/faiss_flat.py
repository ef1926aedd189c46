from typing import Any

from benchmarks.method import Floats
from benchmarks.methods._faiss import Faiss


class FaissFlat(Faiss):
    """FAISS's exact search."""

    def __init__(self, X: Floats, metric: str, **build: Any) -> None:
        del build
        self.index = self.make(X, metric, "Flat")
