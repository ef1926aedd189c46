"""Glass: a graph over quantised vectors, refined by vectors of 16 bits per value (Zilliz)."""

import shutil
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any
from weakref import finalize

from benchmarks.methods._base import FEW, Answer, Method, Settings, geometric, grid
from lsh.arrays import Float32Array


class Glass(Method):
    """HNSW graph, searched by codes of 8 or 4 bits per value."""

    needs = "glass"
    stores = True

    @classmethod
    def builds(cls, n: int) -> list[Settings]:
        return grid(R=(16, 24, 32, 48) if n <= FEW else (32,), quantizer=("SQ8U", "SQ4U"))

    @classmethod
    def searches(cls, n: int, build: Settings) -> list[Settings]:
        return grid(ef=geometric(10, 400, 28))

    def __init__(self, X: Float32Array, metric: str, stored: Path | None = None, **build: Any) -> None:
        import glass

        glass.set_num_threads(1)
        kind = "IP" if metric == "cosine" else "L2"
        if stored:
            graph = glass.Graph(str(stored / "graph"))
        else:
            graph = glass.Index(index_type="HNSW", metric=kind, quant="SQ8U", R=build["R"], L=200).build(X)
            self.graph = TemporaryFile()  # noqa: SIM115  a searcher empties its graph, so that it cannot be saved later
            finalize(self, self.graph.close)
            graph.save(f"/dev/fd/{self.graph.fileno()}")
        self.index = glass.Searcher(
            graph=graph, data=X, metric=kind, quantizer=build["quantizer"], refine_quant="FP16"
        )  # one per graph: a second one answers nothing
        self.index.optimize(num_threads=1)  # it chooses how far to prefetch by timing itself

    def save(self, folder: Path) -> None:
        self.graph.seek(0)
        with (folder / "graph").open("wb") as file:
            shutil.copyfileobj(self.graph, file)

    def use(self, **search: Any) -> None:
        self.index.set_ef(search["ef"])

    def search_one(self, q: Float32Array, k: int) -> Answer:
        return self.index.search(q, k)[0]
