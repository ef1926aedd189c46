"""PyNNDescent: graph index compiled by numba."""

from typing import Any

from benchmarks.methods._base import FEW, Answer, Method, Settings, grid
from lsh.arrays import Float32Array


class PyNNDescent(Method):
    """Graph found by nearest-neighbour descent (Dong, Moses & Li 2011)."""

    needs = "pynndescent"
    compiles = True

    @classmethod
    def builds(cls, n: int) -> list[Settings]:
        return grid(n_neighbors=(15, 30, 50) if n <= FEW else (30,))

    @classmethod
    def searches(cls, n: int, build: Settings) -> list[Settings]:
        return grid(epsilon=(0.0, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.13, 0.16, 0.2, 0.25, 0.3, 0.4))

    def __init__(self, X: Float32Array, metric: str, **build: Any) -> None:
        from pynndescent import NNDescent

        self.index = NNDescent(X, metric=metric, random_state=1, n_jobs=1, **build)
        self.index.prepare()

    def search_one(self, q: Float32Array, k: int) -> Answer:
        return self.search_batch(q[None], k)[0]

    def search_batch(self, Q: Float32Array, k: int) -> Answer:
        return self.index.query(Q, k, self.setting["epsilon"])[0]
