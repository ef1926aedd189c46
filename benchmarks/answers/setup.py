"""Setup of the measurements: a dataset under one distance, an index of it, and validation and test queries."""

from dataclasses import dataclass
from functools import cached_property

from benchmarks.errors import BenchmarkError
from benchmarks.search_problem import Progress
from data_prep.dataset import Dataset
from lsh.analysis.search_config import BUILT_BITS, BUILT_TABLES
from lsh.arrays import Float32Array, Int64Array, StoredVectors
from lsh.index import LSHIndex
from lsh.quality import Labels
from lsh.result import SearchResult
from lsh.sampling import evenly_spaced, evenly_spaced_rows

__all__ = ["SEED", "K", "Progress", "Setup", "build_index"]

K, SEED = 10, 0


def build_index(X: StoredVectors, metric: str, seed: int = SEED) -> LSHIndex:
    """Return an index with as many tables and bits as the app builds."""
    return LSHIndex(metric, BUILT_TABLES, BUILT_BITS, seed).fit(X)


@dataclass(frozen=True)
class Setup:
    """A dataset under one distance. Up to `n_queries` validation clips choose settings, as many test clips judge."""

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
        """The index of the collection."""
        return build_index(self.dataset.features("train"), self.metric)

    @cached_property
    def validation(self) -> Float32Array:
        """Features of the validation clips: float32[nq, d]."""
        return evenly_spaced(self.dataset.features("validation"), self.n_queries)

    @cached_property
    def rows(self) -> Int64Array:
        """Rows of the test clips in their split: int64[nq]."""
        return evenly_spaced_rows(self.dataset.n_rows("test"), self.n_queries)

    @cached_property
    def test(self) -> Float32Array:
        """Features of the test clips: float32[nq, d]."""
        return evenly_spaced(self.dataset.features("test"), self.n_queries)

    @cached_property
    def truth(self) -> SearchResult:
        """The test clips' neighbours by exact search."""
        found: SearchResult = self.index.exact.search(self.test, K)
        return found

    @cached_property
    def labels(self) -> tuple[Labels, Labels]:
        """Labels of the test clips and of the collection."""
        return self.dataset.labels_of("test", self.rows), self.dataset.label_sets("train")
