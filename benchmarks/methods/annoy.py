"""Annoy: random projection trees (Spotify)."""

from pathlib import Path
from typing import Any

from benchmarks.methods._base import FEW, Answer, Method, Settings, geometric, grid
from lsh.arrays import Float32Array


class Annoy(Method):
    """A forest of trees that split the vectors by random hyperplanes."""

    needs = "annoy"
    stores = True

    @classmethod
    def builds(cls, n: int) -> list[Settings]:
        return grid(trees=(25, 50, 100, 200) if n <= FEW else (50,))

    @classmethod
    def searches(cls, n: int, build: Settings) -> list[Settings]:
        return grid(search_k=geometric(300, 200_000, 24))

    def __init__(self, X: Float32Array, metric: str, stored: Path | None = None, **build: Any) -> None:
        from annoy import AnnoyIndex

        self.index = AnnoyIndex(X.shape[1], "angular" if metric == "cosine" else "euclidean")
        if stored:
            self.index.load(str(stored / "index"), prefault=True)  # mapped, but read at once
            return
        self.index.set_seed(1)
        for row, x in enumerate(X):
            self.index.add_item(row, x)
        self.index.build(build["trees"], n_jobs=1)

    def save(self, folder: Path) -> None:
        self.index.save(str(folder / "index"))

    def search_one(self, q: Float32Array, k: int) -> Answer:
        return self.index.get_nns_by_vector(q, k, self.setting["search_k"])
