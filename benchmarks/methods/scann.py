"""ScaNN: k-means cells with anisotropic product quantisation (Google)."""

import sys
from pathlib import Path
from typing import Any

from benchmarks.methods._base import Answer, Method, Settings, geometric, grid
from lsh.arrays import Float32Array


class ScaNN(Method):
    """Tree of k-means cells, anisotropic product codes, exact re-ranking (Guo et al. 2020)."""

    needs = "scann"
    stores = True

    @classmethod
    def prepare(cls) -> None:
        # ScaNN imports TensorFlow where it is installed, for operations that are not used here, and fails if it is not
        # the version that ScaNN was built for: prevent the import in this process.
        sys.modules["tensorflow"] = None  # type: ignore[assignment]
        super().prepare()

    @classmethod
    def builds(cls, n: int) -> list[Settings]:
        return grid(leaves=[max(2, round(n**power)) for power in (0.47, 0.53, 0.6)])  # 200 for 22,000 by the second

    @classmethod
    def searches(cls, n: int, build: Settings) -> list[Settings]:
        return grid(leaves=geometric(2, min(400, build["leaves"]), 18), reorder=(20, 30, 45, 60, 100, 200, 400))

    def __init__(self, X: Float32Array, metric: str, stored: Path | None = None, **build: Any) -> None:
        import scann

        if stored:
            self.index = scann.scann_ops_pybind.load_searcher(str(stored))
            return
        kind = "dot_product" if metric == "cosine" else "squared_l2"
        leaves = build["leaves"]
        self.index = (
            scann.scann_ops_pybind.builder(X, 10, kind)
            .set_n_training_threads(1)
            .tree(leaves, num_leaves_to_search=max(1, leaves // 10), training_sample_size=min(len(X), 250_000))
            .score_ah(2, anisotropic_quantization_threshold=0.2)
            .reorder(100)
            .build()
        )

    def save(self, folder: Path) -> None:
        self.index.serialize(str(folder), relative_path=True)

    def use(self, **search: Any) -> None:
        self.setting = {"leaves_to_search": search["leaves"], "pre_reorder_num_neighbors": search["reorder"]}

    def search_one(self, q: Float32Array, k: int) -> Answer:
        return self.index.search(q, final_num_neighbors=k, **self.setting)[0]

    def search_batch(self, Q: Float32Array, k: int) -> Answer:
        return self.index.search_batched(Q, final_num_neighbors=k, **self.setting)[0]


class ScaNNCore(ScaNN):
    """The same code in another wheel, which uses the processor's AVX2 and AVX-512; that of `scann` does not."""

    own_folder = True
