"""SVS: Vamana graph over compressed vectors (Intel)."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.methods._base import FEW, Answer, Method, Settings, geometric, grid
from lsh.arrays import Float32Array


class SVS(Method):
    """Vamana graph (Jayaram Subramanya et al. 2019), with LVQ codes (Aguerrebere et al. 2023) or 16 bits per value.

    LVQ runs on Intel's processors alone; elsewhere its builds fail, and float16 is measured.
    """

    needs = "svs"
    stores = True

    @classmethod
    def builds(cls, n: int) -> list[Settings]:
        kinds = ("LVQ4x8", "LVQ8", "float16") if _is_intel() else ("float16",)
        return grid(kind=kinds, degree=(32, 64) if n <= FEW else (32,))

    @classmethod
    def searches(cls, n: int, build: Settings) -> list[Settings]:
        return grid(window=geometric(10, 400, 28))

    def __init__(self, X: Float32Array, metric: str, stored: Path | None = None, **build: Any) -> None:
        import svs

        self.dtype = np.float16 if build["kind"] == "float16" else np.float32
        # L2 for both metrics: it ranks unit vectors as cosine distance does.
        if stored:
            config, graph, data = self._folders(stored)
            self.index = svs.Vamana(
                *(config, svs.GraphLoader(graph), self._stored_data(data, build["kind"])),
                distance=svs.DistanceType.L2,
                query_type=svs.np_to_svs(self.dtype),
            )
        else:
            parameters = svs.VamanaBuildParameters(
                graph_max_degree=build["degree"], alpha=1.2, window_size=128, max_candidate_pool_size=200
            )
            with TemporaryDirectory() as folder:
                vectors = self._data(X, build["kind"], Path(folder))
                self.index = svs.Vamana.build(parameters, vectors, distance_type=svs.DistanceType.L2, num_threads=1)
        self.index.num_threads = 1

    def _data(self, X: Float32Array, kind: str, folder: Path) -> Any:
        import svs

        if kind == "float16":
            return X.astype(np.float16)
        svs.write_vecs(X, str(folder / "vectors.fvecs"))
        loader = svs.VectorDataLoader(str(folder / "vectors.fvecs"), svs.DataType.float32, dims=X.shape[1])
        if kind == "LVQ8":
            return svs.LVQLoader(loader, primary=8, padding=32)
        return svs.LVQLoader(loader, primary=4, residual=8, strategy=svs.LVQStrategy.Turbo, padding=32)

    def _stored_data(self, folder: str, kind: str) -> Any:
        import svs

        if kind == "float16":
            return svs.VectorDataLoader(folder, svs.DataType.float16)
        strategy = svs.LVQStrategy.Turbo if kind == "LVQ4x8" else svs.LVQStrategy.Auto
        return svs.LVQLoader(folder, padding=32, strategy=strategy)

    def _folders(self, folder: Path) -> list[str]:
        return [str(folder / name) for name in ("config", "graph", "data")]

    def save(self, folder: Path) -> None:
        self.index.save(*self._folders(folder))

    def use(self, **search: Any) -> None:
        self.index.search_window_size = search["window"]

    def search_one(self, q: Float32Array, k: int) -> Answer:
        return self.index.search(q[None].astype(self.dtype), k)[0][0]

    def search_batch(self, Q: Float32Array, k: int) -> Answer:
        return self.index.search(Q.astype(self.dtype), k)[0]


def _is_intel() -> bool:
    path = Path("/proc/cpuinfo")
    return path.is_file() and "GenuineIntel" in path.read_text(encoding="utf-8", errors="replace")
