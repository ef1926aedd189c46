"""PUFFINN: LSH that tunes itself to a recall."""

from typing import Any

from benchmarks.methods._base import Answer, Method, Settings
from lsh.arrays import Float32Array


class Puffinn(Method):
    """PUFFINN: LSH that tunes itself to a recall (Aumüller, Christiani, Pagh & Vesterli 2019)."""

    needs = "puffinn"
    metrics = ("cosine",)

    @classmethod
    def builds(cls, n: int) -> list[Settings]:
        return [{"bytes_a_vector": 1_500}, {"bytes_a_vector": 2_500}]

    @classmethod
    def searches(cls, n: int, build: Settings) -> list[Settings]:
        return [{"recall": r} for r in (0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99)]

    def __init__(self, X: Float32Array, metric: str, **build: Any) -> None:
        del metric
        import puffinn

        room = build["bytes_a_vector"] * len(X) + X.nbytes
        self.index = puffinn.Index("angular", X.shape[1], room, hash_function="simhash", hash_source="pool")
        for x in X:
            self.index.insert(x.tolist())
        self.index.rebuild()
        self.recall = 0.9

    def use(self, **search: Any) -> None:
        self.recall = search["recall"]

    def search_one(self, q: Float32Array, k: int) -> Answer:
        return self.index.search(q.tolist(), k, self.recall)
