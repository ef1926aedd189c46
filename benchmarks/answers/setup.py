"""What all questions share: a dataset, an index over it, and the queries that choose and those that judge."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from benchmarks.errors import BenchmarkError
from data_prep.dataset import Dataset
from lsh.analysis.search_config import BUILT_BITS, BUILT_TABLES
from lsh.arrays import Float32Array
from lsh.index import LSHIndex
from lsh.quality import Labels
from lsh.result import SearchResult
from lsh.sampling import evenly_spaced_rows

K, SEED = 10, 0
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Setup:
    """A dataset under one distance, with at most `n_queries` clips to choose by (validation) and to judge by (test)."""

    dataset: Dataset
    metric: str
    n_queries: int

    def __post_init__(self) -> None:
        """Raise BenchmarkError for a dataset without queries."""
        for split in ("validation", "test"):
            if not self.dataset.n_rows(split):
                raise BenchmarkError(f"{self.dataset.path} has no {split} clips; expected some to measure with")

    @cached_property
    def index(self) -> LSHIndex:
        """The index that the app builds too."""
        return LSHIndex(self.metric, BUILT_TABLES, BUILT_BITS, SEED).fit(self.dataset.features("train"))

    @cached_property
    def validation(self) -> Float32Array:
        """Features of the clips that choose settings: float32[nq, d]."""
        rows = evenly_spaced_rows(self.dataset.n_rows("validation"), self.n_queries)
        return np.ascontiguousarray(self.dataset.features("validation")[rows])

    @cached_property
    def rows(self) -> npt.NDArray[np.int64]:
        """Rows of the test split that judge."""
        return evenly_spaced_rows(self.dataset.n_rows("test"), self.n_queries)

    @cached_property
    def test(self) -> Float32Array:
        """Features of the clips that judge: float32[nq, d]."""
        return np.ascontiguousarray(self.dataset.features("test")[self.rows])

    @cached_property
    def truth(self) -> SearchResult:
        """What exact search finds for them."""
        return self.index.exact.search(self.test, K)

    @cached_property
    def labels(self) -> tuple[Labels, Labels]:
        """The labels of the clips that judge, and of the collection."""
        return self.dataset.labels_of("test", self.rows), self.dataset.label_sets("train")
