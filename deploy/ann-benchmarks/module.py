"""Earshot's hash tables as a method of ann-benchmarks: copy this folder to ann_benchmarks/algorithms/earshot there."""

from typing import Any

import numpy as np
import numpy.typing as npt

from lsh import LSHIndex, SketchIndex

from ..base.module import BaseANN  # noqa: TID252 (of ann-benchmarks)

_METRICS = {"angular": "cosine", "euclidean": "euclidean"}


class _Earshot(BaseANN):
    """An index, and the setting of its next searches."""

    _index: LSHIndex | SketchIndex
    _setting: dict[str, int]

    def fit(self, X: npt.NDArray[Any]) -> None:
        """Index the vectors, float[n, d]."""
        self._index.fit(X)

    def query(self, q: npt.NDArray[Any], n: int) -> npt.NDArray[Any]:
        """Return the ids of up to n neighbours."""
        ids = self._index.search(np.asarray(q, np.float32)[None], n, **self._setting).ids[0]
        return ids[ids >= 0]

    def batch_query(self, X: npt.NDArray[Any], n: int) -> None:
        """Search all queries at once."""
        found = self._index.search(np.asarray(X, np.float32), n, **self._setting)
        self.res = [ids[ids >= 0] for ids in found.ids]


class EarshotTables(_Earshot):
    """`LSHIndex`: n_tables and n_bits as it is built; n_bits and n_probes as it is searched."""

    def __init__(self, metric: str, n_tables: int) -> None:
        self._index = LSHIndex(_METRICS[metric], n_tables)
        self._setting = {}
        self.name = f"earshot-tables(L={n_tables})"

    def set_query_arguments(self, n_bits: int, n_probes: int) -> None:
        """Choose the setting of the next searches."""
        self._setting = {"n_bits": n_bits, "n_probes": n_probes, "n_tables": self._index.params.n_tables}
        self.name = f"earshot-tables(L={self._index.params.n_tables}, K={n_bits}, T={n_probes})"


class EarshotSketches(_Earshot):
    """`SketchIndex`: n_buckets as it is built; n_probes and n_reranked as it is searched."""

    def __init__(self, metric: str, n_buckets: int) -> None:
        self._index = SketchIndex(_METRICS[metric], n_buckets)
        self._setting = {}
        self._buckets = n_buckets
        self.name = f"earshot-sketches(B={n_buckets})"

    def set_query_arguments(self, n_probes: int, n_reranked: int) -> None:
        """Choose the setting of the next searches."""
        self._setting = {"n_probes": n_probes, "n_reranked": n_reranked}
        self.name = f"earshot-sketches(B={self._buckets}, T={n_probes}, R={n_reranked})"
