"""GraphIndex: approximate nearest neighbours from a graph whose nodes hold the sketches of their neighbours."""

from typing import Any, NamedTuple, Self

import numpy.typing as npt

from earshot_common.stages import stage
from lsh import validate
from lsh.arrays import Float32Array, read_only_parts
from lsh.default_setting import RECALL, K, own_queries
from lsh.exact import ExactSearch
from lsh.filters.allowed import Allowed, Filter
from lsh.filters.search import exact_allowed, search_allowed
from lsh.graphs.building import Graph, build
from lsh.growing.changes import known
from lsh.kernels.graphs.search import search_graph
from lsh.kernels.hashing import PREPARED
from lsh.params import GraphSetting, MeasuredGraphSetting
from lsh.result import SearchResult
from lsh.threads import MAX_THREADS, in_chunks

_RANKED_PER_VISIT = 16  # vectors that are ranked in the time of a visit, in which as many lines of memory are read
_QUERIES = 256  # with which the default setting is measured
_MAX_KEPT = 2**31 - 1
_UNMEASURED = GraphSetting(40)  # where there is nothing to measure


class _Parts(NamedTuple):
    exact: ExactSearch
    graph: Graph
    default: MeasuredGraphSetting


class _Setting(NamedTuple):
    """The parameters of a search as they were given, the same objects, and as the kernel takes them."""

    parts: _Parts
    k: object
    n_kept: object
    n_neighbours: int
    arguments: tuple[tuple[Any, ...], tuple[Any, ...], int]


class GraphIndex:
    """Nearest neighbours from a graph of sketched neighbours, for cosine or Euclidean distance.

    metric: "cosine" (1 - cos) or "euclidean" (L2, not squared).
    seed: the same seed and data give the same index on the same kind of processor.

    Faster than `SketchIndex` on some data and slower on other (see docs/BENCHMARKS.md), and larger: 1.4 KB per vector,
    without the vectors, and some ten times as long to build. It cannot grow, nor search with a radius.
    Zeros, NaN and ties are treated, and builds logged, as in `LSHIndex`. Any number of threads may search it. More than
    some forty equal vectors may link to one another alone: a search then finds a part of them, and little else.
    """

    kind = "graph"
    growth = None  # it is built once

    def __init__(self, metric: str = "cosine", seed: int = 0) -> None:
        self.metric = validate.choice(metric, "metric", validate.METRICS)
        self.seed = validate.integer(seed, "seed", 0, 2**63 - 1)
        self._fitted: _Parts | None = None
        self._last: _Setting | None = None  # of the last search, whose checks take longer than a search of few vectors

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        read_only_parts(self._fitted)

    def fit(self, X: npt.ArrayLike) -> Self:
        """Index the rows of X: float32[n, d] (other real dtypes, pandas and Arrow are converted), n >= 1.

        `EncodedVectors` (uint8, float16) are kept and ranked by the values that they stand for. Row numbers become ids.
        """
        exact = ExactSearch(X, self.metric)
        unmeasured = type(self).from_parts(self.metric, self.seed, exact, build(exact, self.seed), _UNMEASURED)
        self._fitted = unmeasured._parts()._replace(default=_measured(exact, unmeasured))  # noqa: SLF001
        return self

    @classmethod
    def from_parts(cls, metric: str, seed: int, exact: ExactSearch, graph: Graph, default: GraphSetting) -> Self:
        """Return a fitted index made of the parts of another one, such as `lsh.load` reads from a file."""
        index = cls(metric, seed)
        index._fitted = _Parts(exact, graph, MeasuredGraphSetting.checked(default))
        return index

    def search(
        self,
        Q: npt.ArrayLike,
        k: int = 10,
        n_kept: int | None = None,
        n_threads: int = 1,
        *,
        allowed: Allowed | None = None,
    ) -> SearchResult:
        """Return the k nearest of each row of Q (float32[nq, d]) among the vectors that the search visits.

        n_kept: nodes with the best estimates that a search keeps, and visits, k if that is more; by default that of
            `default_setting`. More find more neighbours, and take longer about in proportion.
        n_threads: threads that share the queries; they do not change the answer.
        allowed: the vectors that may be found (see `LSHIndex.search`). The search visits all vectors as without, but so
            many more that as many allowed ones are among them; where that takes longer, or those visited tell nothing
            of the allowed ones, all of these are ranked.

        `n_candidates` counts the vectors that were visited, which are ranked by exact distance.
        """
        last, fitted = self._last, self._fitted
        if last is None or last.parts is not fitted or last.k is not k or last.n_kept is not n_kept:
            last = self._last = self._setting(k, n_kept)
        exact, n_neighbours, arguments = last.parts.exact, last.n_neighbours, last.arguments
        if allowed is not None:

            def search(Q: Float32Array, only: Filter, n_threads: int) -> SearchResult:
                kept = -(-arguments[-1] * len(exact.X) // only.n_allowed)
                if only.n_allowed <= _RANKED_PER_VISIT * kept:
                    return exact_allowed(exact, Q, n_neighbours, only)
                filtered = *arguments[:-1], kept
                return _searched(exact, Q, n_neighbours, filtered, n_threads, (only.mask, only.n_allowed))

            return search_allowed(exact, Q, n_neighbours, allowed, search, arguments[-1], n_threads)
        readable = exact.readable(Q)
        if readable is not None and validate.integer(n_threads, "n_threads", 1, MAX_THREADS) == 1:
            found = SearchResult.empty(len(readable), n_neighbours)
            if search_graph(readable, exact.limits, *arguments, *found):
                return found
        return _searched(exact, Q, n_neighbours, arguments, n_threads)

    def _setting(self, k: int, n_kept: int | None) -> _Setting:
        parts = self._parts()
        exact, graph, default = parts
        n_neighbours = min(validate.integer(k, "k", 1, _MAX_KEPT), len(exact.X))
        chosen = default.n_kept if n_kept is None else validate.integer(n_kept, "n_kept", 1, _MAX_KEPT)
        wanted = max(min(chosen, len(exact.X)), n_neighbours)
        return _Setting(parts, k, n_kept, n_neighbours, (tuple(graph), exact.vectors.arguments(), wanted))

    @property
    def default_setting(self) -> MeasuredGraphSetting:
        """Return the setting of searches that give none: (n_kept,), and its measured `recall`.

        Measured when the index was built: the least with a recall@10 of 0.93 on rows of the data, as for `LSHIndex`.
        """
        return self._parts().default

    @property
    def exact(self) -> ExactSearch:
        """Return exact search over the same vectors."""
        return self._parts().exact

    @property
    def graph(self) -> Graph:
        """Return the graph, read-only."""
        return self._parts().graph

    @property
    def n(self) -> int:
        """Return the number of vectors indexed."""
        return len(self.exact.X)

    @property
    def dim(self) -> int:
        """Return the dimension of the vectors."""
        return int(self.exact.X.shape[1])

    @property
    def nbytes(self) -> int:
        """Return the bytes that the index takes, without the vectors."""
        exact, graph, _ = self._parts()
        return exact.nbytes + graph.nbytes

    def _parts(self) -> _Parts:
        return known(self._fitted)

    def __repr__(self) -> str:
        """Return the parameters, and of a fitted index its size and its default setting."""
        given = f"GraphIndex(metric={self.metric!r}, seed={self.seed})"
        if self._fitted is None:
            return given
        return self.default_setting.described(given, f"{self.n:,} x {self.dim}")


def _searched(
    exact: ExactSearch,
    Q: npt.ArrayLike,
    k: int,
    arguments: tuple[Any, ...],
    n_threads: int,
    only: tuple[Any, ...] = (),
) -> SearchResult:
    """Return the answers to queries of any dtype, which threads share; only: the mask of a filter, and its number."""
    vectors = exact.prepare_queries(Q)
    found = SearchResult.empty(len(vectors), k)

    def search_rows(first: int, last: int) -> None:
        rest: tuple[Any, ...] = (*arguments, *found.part(first, last), *only)
        search_graph(vectors[first:last], PREPARED, *rest)

    in_chunks(search_rows, len(vectors), n_threads)
    return found


@stage("lsh", "measuring the default setting")
def _measured(exact: ExactSearch, index: GraphIndex) -> MeasuredGraphSetting:
    """Return the least number of nodes kept whose recall@10 is at least 0.93, each a quarter more than the last.

    Rows are the queries, each left out of its own answer; a vector as near as the 10th neighbour is as good as that.
    """
    rows, nearest = own_queries(exact, _QUERIES)
    if not nearest.ids.size:
        return MeasuredGraphSetting.of(_UNMEASURED, None)
    k, farthest, n_kept = nearest.ids.shape[1], nearest.distances[:, -1:], K
    while True:
        found = index.search(exact.X[rows], k + 1, n_kept).without(rows)
        recall = float((found.distances <= farthest).mean())
        if recall >= RECALL or n_kept >= len(exact.X):
            return MeasuredGraphSetting.of((n_kept,), recall)
        n_kept += n_kept // 4
