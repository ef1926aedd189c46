"""PUFFINN: LSH that adapts the search to a wanted recall."""

from typing import Any

from benchmarks.methods._base import Answer, Method, Settings, grid
from lsh.arrays import Float32Array


class Puffinn(Method):
    """A trie of hashes, searched until a recall is reached (Aumüller, Christiani, Pagh & Vesterli 2019)."""

    needs = "puffinn"
    metrics = ("cosine",)

    @classmethod
    def builds(cls, n: int) -> list[Settings]:
        return grid(bytes_per_vector=(1_000, 1_500, 2_500, 4_000))

    @classmethod
    def searches(cls, n: int, build: Settings) -> list[Settings]:
        return grid(recall=(0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99))

    def __init__(self, X: Float32Array, metric: str, **build: Any) -> None:
        import puffinn

        memory = build["bytes_per_vector"] * len(X) + X.nbytes
        self.index = puffinn.Index("angular", X.shape[1], memory, hash_function="simhash", hash_source="pool")
        for x in X:
            self.index.insert(x.tolist())
        self.index.rebuild()

    def search_one(self, q: Float32Array, k: int) -> Answer:
        return self.index.search(q.tolist(), k, self.setting["recall"])
