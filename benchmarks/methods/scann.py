"""ScaNN: anisotropic product codes."""

import sys
from typing import Any

from benchmarks.methods._base import Answer, Method, Settings
from lsh.arrays import Float32Array


class ScaNN(Method):
    """Google's ScaNN: a tree of k-means cells, anisotropic product codes, exact reordering (Guo et al. 2020)."""

    needs = "scann"

    @classmethod
    def get_ready(cls) -> None:
        # ScaNN loads operations for TensorFlow where it finds one, and fails when that is of another version than its
        # own. They are not used here, so in this process there is none.
        sys.modules["tensorflow"] = None  # type: ignore[assignment]
        super().get_ready()

    @classmethod
    def builds(cls, n: int) -> list[Settings]:
        return [{"leaves": max(2, round(n**0.53))}]  # 200 at 22,000, 1,000 at 500,000

    @classmethod
    def searches(cls, n: int, build: Settings) -> list[Settings]:
        leaves = [v for v in (2, 3, 5, 8, 12, 20, 30, 50, 80, 120, 200, 350) if v <= build["leaves"]]
        return [{"leaves": v, "reorder": r} for v in leaves for r in (30, 60, 100, 200, 400, 1000)]

    def __init__(self, X: Float32Array, metric: str, **build: Any) -> None:
        import scann

        kind = "dot_product" if metric == "cosine" else "squared_l2"
        leaves = build["leaves"]
        sample = min(len(X), 250_000)
        self.index = (
            scann.scann_ops_pybind.builder(X, 10, kind)
            .set_n_training_threads(1)
            .tree(num_leaves=leaves, num_leaves_to_search=max(1, leaves // 10), training_sample_size=sample)
            .score_ah(2, anisotropic_quantization_threshold=0.2)
            .reorder(100)
            .build()
        )
        self.setting = (1, 100)

    def use(self, **search: Any) -> None:
        self.setting = search["leaves"], search["reorder"]

    def search_one(self, q: Float32Array, k: int) -> Answer:
        leaves, reorder = self.setting
        return self.index.search(q, final_num_neighbors=k, pre_reorder_num_neighbors=reorder, leaves_to_search=leaves)[
            0
        ]

    def search_batch(self, Q: Float32Array, k: int) -> Answer:
        leaves, reorder = self.setting
        return self.index.search_batched(
            Q, final_num_neighbors=k, pre_reorder_num_neighbors=reorder, leaves_to_search=leaves
        )[0]
