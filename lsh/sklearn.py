"""LSHNeighbors: a scikit-learn estimator that finds nearest neighbours by hash tables."""

import os
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from lsh import validate
from lsh.arrays import Float32Array, Int64Array
from lsh.index import LSHIndex
from lsh.params import SearchSetting
from lsh.result import RangeResult, SearchResult
from lsh.threads import MAX_THREADS

_MODES = ("distance", "connectivity")
_COMPLETING_PROBES = 8  # of searches with shorter keys
_FLOATS = (np.float32, np.float64)


class LSHNeighbors(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Approximate nearest neighbours with the interface of scikit-learn's NearestNeighbors and KNeighborsTransformer.

    n_neighbors, radius: of searches that name none.
    metric: "euclidean" (L2, not squared) or "cosine" (1 - cos; a query of zeros is at a distance
        of 1 from all rows, and raises ZeroVectorError in a search within a radius).
    mode: what `transform` returns, "distance" or "connectivity".
    recall: probability with which each true neighbour is found, at least (see `LSHIndex.search`); by default searches
        take the setting that finds 9 of 10 neighbours of the fitted rows.
    n_tables, n_bits: of the index that is built (see `LSHIndex`).
    random_state: an int, a RandomState or None, as in scikit-learn; the same int and data give the same answers.
    n_jobs: threads that share the queries; None stands for one, -1 for all processors.

    Attributes after `fit`: index_ (LSHIndex), n_features_in_, n_samples_fit_, effective_metric_; and feature_names_in_
    where X is a DataFrame. A pickled estimator holds its vectors, and builds the same index again when it is read.
    """

    def __init__(
        self,
        n_neighbors: int = 5,
        *,
        radius: float = 1.0,
        metric: str = "euclidean",
        mode: str = "distance",
        recall: float | None = None,
        n_tables: int = 32,
        n_bits: int = 24,
        random_state: Any = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.radius = radius
        self.metric = metric
        self.mode = mode
        self.recall = recall
        self.n_tables = n_tables
        self.n_bits = n_bits
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: npt.ArrayLike, y: object = None) -> Self:
        """Index the rows of X: float[n, d], n >= 1. y is ignored."""
        del y
        validate.choice(self.mode, "mode", _MODES)
        vectors = validate_data(self, X, dtype=_FLOATS, order="C")
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        self._index(vectors, (self.metric, self.n_tables, self.n_bits, seed))
        return self

    def kneighbors(
        self, X: npt.ArrayLike | None = None, n_neighbors: int | None = None, return_distance: bool = True
    ) -> Any:
        """Return (distances float32[nq, k], ids int64[nq, k]) of the neighbours of each row of X, nearest first.

        X: float[nq, d]; None stands for the fitted rows, each left out of its own answer. With return_distance=False
        ids alone are returned. There are always k: a query whose buckets hold fewer vectors is searched again with
        shorter and shorter keys, and in the end exactly. Raises ParameterError for more neighbours than rows.
        """
        found = self._neighbours(X, self.n_neighbors if n_neighbors is None else n_neighbors)
        return (found.distances, found.ids) if return_distance else found.ids

    def radius_neighbors(
        self,
        X: npt.ArrayLike | None = None,
        radius: float | None = None,
        return_distance: bool = True,
        sort_results: bool = True,
    ) -> Any:
        """Return (distances, ids), each object[nq] of arrays: the vectors found at a distance of at most `radius`.

        X: as for `kneighbors`. They are always sorted by distance, and searched with the default setting of the index.
        """
        del sort_results
        limits, distances, ids = self._within(X, radius)
        columns = tuple(_objects(np.split(values, limits[1:-1]), len(limits) - 1) for values in (distances, ids))
        return columns if return_distance else columns[1]

    def kneighbors_graph(
        self, X: npt.ArrayLike | None = None, n_neighbors: int | None = None, mode: str = "connectivity"
    ) -> Any:
        """Return the neighbours of each row of X as a sparse matrix, CSR[nq, n]: of distances, or of ones."""
        validate.choice(mode, "mode", _MODES)
        found = self._neighbours(X, self.n_neighbors if n_neighbors is None else n_neighbors)
        limits = np.arange(len(found.ids) + 1) * found.ids.shape[1]
        return self._graph(RangeResult(limits, found.distances.ravel(), found.ids.ravel()), mode)

    def radius_neighbors_graph(
        self, X: npt.ArrayLike | None = None, radius: float | None = None, mode: str = "connectivity"
    ) -> Any:
        """Return the vectors found within a radius of each row of X as a sparse matrix, as `kneighbors_graph` does."""
        validate.choice(mode, "mode", _MODES)
        return self._graph(self._within(X, radius), mode)

    def transform(self, X: npt.ArrayLike) -> Any:
        """Return the graph of the n_neighbors of each row of X, CSR[nq, n], as KNeighborsTransformer does.

        With mode "distance" there is one neighbour more, since a fitted row finds itself, at a distance of 0.
        """
        check_is_fitted(self)
        one_more = int(self.mode == "distance" and self.n_neighbors < self.n_samples_fit_)
        return self.kneighbors_graph(X, self.n_neighbors + one_more, self.mode)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]  # distances are float32
        return tags

    @property
    def _n_features_out(self) -> int:
        return self.n_samples_fit_

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()
        if "index_" in state:
            state = {**state, "index_": np.asarray(state["index_"].exact.X)}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "index_" in state:
            self._index(state["index_"], self._built)

    def _index(self, vectors: npt.ArrayLike, built: tuple[str, int, int, int]) -> None:
        metric, n_tables, n_bits, seed = self._built = built
        self.index_ = LSHIndex(metric, n_tables, n_bits, seed).fit(vectors)
        self.n_samples_fit_, self.effective_metric_ = self.index_.n, metric

    def _queries(self, X: npt.ArrayLike | None) -> Float32Array:
        check_is_fitted(self)
        if X is None:
            return np.asarray(self.index_.exact.X)
        return np.asarray(validate_data(self, X, dtype=_FLOATS, order="C", reset=False), np.float32)

    def _neighbours(self, X: npt.ArrayLike | None, n_neighbors: int) -> SearchResult:
        queries, itself = self._queries(X), X is None
        k = validate.integer(n_neighbors, "n_neighbors", 1, self.n_samples_fit_ - itself) + itself
        directed = queries.any(axis=1) if self.effective_metric_ == "cosine" else np.ones(len(queries), np.bool_)
        found = SearchResult.empty(len(queries), k)
        found.ids[:], found.distances[:], found.n_candidates[:] = np.arange(k), 1, self.n_samples_fit_
        rows = np.flatnonzero(directed)
        _replace(found, rows, complete(self.index_, queries[rows], k, self.recall, self._n_threads()))
        return found.without(np.arange(len(queries))) if itself else found

    def _within(self, X: npt.ArrayLike | None, radius: float | None) -> RangeResult:
        queries = self._queries(X)
        found = self.index_.range_search(queries, self.radius if radius is None else radius, self._n_threads())
        if X is not None:
            return found
        of = found.queries
        others = found.ids != of
        limits = np.concatenate([[0], np.cumsum(np.bincount(of[others], minlength=len(queries)))])
        return RangeResult(limits, found.distances[others], found.ids[others])

    def _graph(self, found: RangeResult, mode: str) -> Any:
        values = found.distances if mode == "distance" else np.ones(len(found.ids), np.float32)
        return csr_array((values, found.ids, found.limits), shape=(len(found.limits) - 1, self.n_samples_fit_))

    def _n_threads(self) -> int:
        n_jobs = 1 if self.n_jobs is None else validate.integer(self.n_jobs, "n_jobs", -1, MAX_THREADS)
        return max(os.cpu_count() or 1, 1) if n_jobs == -1 else validate.integer(n_jobs, "n_jobs", 1, MAX_THREADS)


def complete(index: LSHIndex, Q: Float32Array, k: int, recall: float | None = None, n_threads: int = 1) -> SearchResult:
    """Return k neighbours, at most n, of each row of Q, float32[nq, d]: those of a search, and never an id of -1.

    A query for which fewer are found is searched again with keys shorter by one and 8 probes at least, and so on; then
    exactly. `n_candidates` is that of its last search.
    """
    found = index.search(Q, k, recall=recall, n_threads=n_threads)
    setting = index.default_setting
    probes = max(setting.n_probes, _COMPLETING_PROBES)
    lacking = _lacking(found)
    for n_bits in range(setting.n_bits - 1, 0, -1):
        if not len(lacking):
            return found
        shorter = SearchSetting(setting.n_tables, n_bits, probes)
        _replace(found, lacking, index.search(Q[lacking], k, *shorter, n_threads=n_threads))
        lacking = _lacking(found)
    if len(lacking):
        _replace(found, lacking, index.exact.search(Q[lacking], k))
    return found


def _lacking(found: SearchResult) -> Int64Array:
    return np.flatnonzero(found.n_found < found.ids.shape[1])


def _replace(found: SearchResult, rows: Int64Array, other: SearchResult) -> None:
    found.ids[rows], found.distances[rows], found.n_candidates[rows] = other


def _objects(parts: list[npt.NDArray[Any]], n: int) -> npt.NDArray[Any]:
    out: npt.NDArray[Any] = np.empty(n, object)
    for q, part in enumerate(parts[:n]):
        out[q] = part
    return out
