"""PyNNDescent: a graph index compiled by numba."""

from typing import Any

from benchmarks.methods._base import Answer, Method, Settings
from lsh.arrays import Float32Array


class PyNNDescent(Method):
    """Nearest-neighbour descent (Dong, Moses & Li 2011), compiled by numba as ours is."""

    needs = "pynndescent"
    compiles = True

    @classmethod
    def builds(cls, n: int) -> list[Settings]:
        return [{"n_neighbors": 30}]

    @classmethod
    def searches(cls, n: int, build: Settings) -> list[Settings]:
        return [{"epsilon": e} for e in (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4)]

    def __init__(self, X: Float32Array, metric: str, **build: Any) -> None:
        from pynndescent import NNDescent

        self.index = NNDescent(X, metric=metric, random_state=1, n_jobs=1, **build)
        self.index.prepare()
        self.epsilon = 0.1

    def use(self, **search: Any) -> None:
        self.epsilon = search["epsilon"]

    def search_one(self, q: Float32Array, k: int) -> Answer:
        return self.index.query(q[None], k, self.epsilon)[0][0]

    def search_batch(self, Q: Float32Array, k: int) -> Answer:
        return self.index.query(Q, k, self.epsilon)[0]
