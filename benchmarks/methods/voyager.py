"""Voyager: graph index (HNSW; Spotify)."""

from pathlib import Path
from typing import Any

from benchmarks.methods._base import FEW, Answer, Method, Settings, geometric, grid
from lsh.arrays import Float32Array


class Voyager(Method):
    """HNSW graph over float32 or 8 bits per value, whose distances rank the answer."""

    needs = "voyager"
    stores = True

    @classmethod
    def builds(cls, n: int) -> list[Settings]:
        return grid(M=(12, 16, 24) if n <= FEW else (16,), storage=("Float32", "E4M3"))

    @classmethod
    def searches(cls, n: int, build: Settings) -> list[Settings]:
        return grid(ef=geometric(10, 640, 24))

    def __init__(self, X: Float32Array, metric: str, stored: Path | None = None, **build: Any) -> None:
        import voyager

        if stored:
            self.index = voyager.Index.load(str(stored / "index"))
            return
        space = voyager.Space.InnerProduct if metric == "cosine" else voyager.Space.Euclidean
        self.index = voyager.Index(
            space,
            num_dimensions=X.shape[1],
            M=build["M"],
            ef_construction=200,
            random_seed=1,
            storage_data_type=getattr(voyager.StorageDataType, build["storage"]),
        )
        self.index.add_items(X, num_threads=1)

    def save(self, folder: Path) -> None:
        self.index.save(str(folder / "index"))

    def search_one(self, q: Float32Array, k: int) -> Answer:
        return self.index.query(q, k=k, num_threads=1, query_ef=self.setting["ef"])[0]

    def search_batch(self, Q: Float32Array, k: int) -> Answer:
        return self.index.query(Q, k=k, num_threads=1, query_ef=self.setting["ef"])[0]
