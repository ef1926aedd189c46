"""DistributedIndex: an index of any kind, spread over the workers of a Dask cluster."""

from collections.abc import Collection, Iterator
from typing import Any, NoReturn, Self

import numpy.typing as npt
from distributed import Client

from lsh import validate
from lsh.analysis.search_config import DIVIDED_KINDS, SearchConfig
from lsh.distributed import tasks
from lsh.distributed.cluster import errors_of_cluster, gathered, local_client, stop, workers_of
from lsh.distributed.filtered_search import in_sketches, in_tables, search_allowed
from lsh.distributed.filters import parts_of
from lsh.distributed.parts import divided
from lsh.distributed.shards import Shards
from lsh.errors import NotFittedError, ParameterError
from lsh.exact import ExactSearch
from lsh.filters.allowed import Allowed
from lsh.growing.merging import joined, merged, merged_best
from lsh.index import LSHIndex
from lsh.params import MAX_BUCKETS, Params, SearchSetting, SketchSetting, ranked
from lsh.quality import Labels
from lsh.result import PromisedResult, RangeResult, SearchResult
from lsh.sketch_index import SketchIndex

_FIXED = (
    "a distributed index neither adds nor removes vectors, since a part that is lost is built again from its file: "
    "change the files and call fit again, or use an index on one machine"
)


class DistributedIndex:
    """Nearest neighbours among vectors that are divided over the workers of a Dask cluster.

    kind: "tables" (`LSHIndex`), "sketches" (`SketchIndex`) or "exact" (`ExactSearch`).
    metric: "cosine" or "euclidean".
    build: the other parameters of that kind of index, such as n_tables, seed, sketches or n_buckets.

    Each part of the rows becomes an index on a worker, a shard, with the hash functions or buckets that one machine
    would have for all rows. A search sends the queries to all shards and merges their answers: ids, distances and
    numbers of candidates are those of one machine with the same seed, bit for bit, for any division into parts, where
    all workers have the same kind of processor. Shards are Dask's futures: those of a worker that is lost are built
    again on another.

    Workers run what a client sends, so a cluster must be reachable by trusted machines alone, or secured by TLS (see
    Dask's documentation on security).
    """

    def __init__(self, kind: str = "tables", metric: str = "cosine", **build: Any) -> None:
        self.kind = validate.choice(kind, "kind", DIVIDED_KINDS)
        self.metric = validate.choice(metric, "metric", validate.METRICS)
        if kind == "exact" and build:
            raise ParameterError(f"{next(iter(build))} is no parameter of exact search; leave it out")
        self._empty = None if kind == "exact" else SearchConfig(kind, metric, build, {}).new_index()
        self._own_client: Client | None = None
        self._shards: Shards | None = None
        self._default: SearchSetting | SketchSetting | None = None
        self._n_buckets: int | None = None
        self._width: float | None = None

    def fit(self, parts: Any, labels: Labels | None = None, client: Client | None = None) -> Self:
        """Index vectors where they are; their ids are row numbers, counted through all parts.

        parts: a list of paths of .npy and Parquet files that all workers can read; the vectors of a prepared dataset
            or another array mapped from a .npy file, which is divided into one part for each thread of the workers; or
            a Dask array, float[n, d], whose blocks of rows are the parts.
        labels: of all rows, for the family "grh" (see `LSHIndex.fit`).
        client: of the cluster; by default a new cluster on this machine, which `close` stops.

        Raises ClusterError where the cluster fails, and the errors of the index's own `fit`, with a note that names the
        part.
        """
        if client is None:
            client = self._own_client = self._own_client or local_client()
        n_parts = sum(workers_of(client).values())
        exact = Shards.open(client, self.metric, divided(parts, n_parts))
        shards = exact
        if isinstance(self._empty, LSHIndex):
            shards = exact.of(self._empty.fitted_to(exact, labels))
        elif isinstance(self._empty, SketchIndex):
            shards = exact.of(self._empty.fitted_to(exact))
        facts = gathered(client, [client.submit(tasks.facts, one, pure=False) for one in shards.futures])
        self._shards, (self._default, self._n_buckets, self._width) = shards, facts[0]
        return self

    def search(
        self,
        Q: npt.ArrayLike,
        k: int = 10,
        *,
        recall: float | None = None,
        allowed: Allowed | None = None,
        **setting: int | None,
    ) -> SearchResult:
        """Return the k nearest of each row of Q, float32[nq, d], as the index does on one machine.

        setting: the arguments of that index's `search`: n_tables, n_bits, n_probes and n_reranked of hash tables,
        n_probes and n_reranked of sketches.
        recall: of hash tables, the probability with which each true neighbour is found, at least (see
            `LSHIndex.search`). Each shard searches until it is reached among its own vectors: for given parts the
            answers are the same every time, but they are not those of one machine, which may stop earlier.
        allowed: the vectors that may be found (see `LSHIndex.search`). Hash tables and sketches ask the shards once or
            several times more, for counts.
        """
        exact, k = self.exact, self.exact.n_neighbours(k)
        if recall is not None:
            return self._search_promised(Q, k, recall, allowed, setting)
        applied, n_ranked = self._applied(setting, k)
        if allowed is not None and self.kind == "exact":
            return exact.search(Q, k, allowed=allowed)
        if allowed is not None:
            is_tables = self.kind == "tables"
            search = (
                in_tables(SearchSetting(**applied), n_ranked)
                if is_tables
                else in_sketches(**applied, n_ranked=n_ranked or k)
            )
            return search_allowed(exact, exact.queries(Q), k, allowed, search)
        firsts, (answers, n_ranked) = exact.firsts[:-1], self._answers(Q, k, setting)
        if n_ranked is None:
            return joined([merged(found, firsts, k) for found in answers])
        return joined([merged_best(found, firsts, k, n_ranked) for found in answers])

    def range_search(self, Q: npt.ArrayLike, radius: float, **setting: int | None) -> RangeResult:
        """Return what the index on one machine finds at a distance of at most `radius`: Q float32[nq, d].

        setting: the arguments of that index's `range_search`: n_tables, n_bits and n_probes of hash tables, n_probes of
        sketches.
        """
        validate.radius(radius)
        if setting.get("n_reranked") is not None:
            raise ParameterError("n_reranked leaves candidates out; leave it away where all within a radius are wanted")
        applied, queries = self._applied(setting, 1)[0], self.exact.queries(Q)
        return self.exact.ranges(self.exact.ask(queries, tasks.within, radius, applied))

    def add(self, X: npt.ArrayLike) -> NoReturn:
        """Raise ParameterError: the vectors of a distributed index stay those of `fit`."""
        del X
        raise ParameterError(_FIXED)

    def remove(self, ids: npt.ArrayLike) -> NoReturn:
        """Raise ParameterError, as `add` does."""
        del ids
        raise ParameterError(_FIXED)

    def _search_promised(
        self, Q: npt.ArrayLike, k: int, recall: float, allowed: Allowed | None, setting: dict[str, int | None]
    ) -> PromisedResult:
        given, exact = {name: value for name, value in setting.items() if value is not None}, self.exact
        self._check_names({*given, "recall"})
        if isinstance(self._empty, LSHIndex):
            chosen = given.get("n_tables"), given.get("n_bits"), given.get("n_probes")
            self._empty.params.promised(recall, self.n, chosen, given.get("n_reranked"))  # raises its errors
        queries, applied = exact.queries(Q), {**given, "recall": recall}
        found = exact.ask(queries, tasks.answer, k, applied, own=parts_of(allowed, exact.firsts, len(queries)))
        return PromisedResult.of(joined([merged(answers, exact.firsts[:-1], k) for answers in found]), float(recall))

    def payload_bytes(self, Q: npt.ArrayLike, k: int = 10, **setting: int | None) -> int:
        """Return the bytes of arrays that such a search sends and receives, without those of Dask's messages."""
        queries, answers = self.exact.queries(Q), list(self._answers(Q, min(k, self.n), setting)[0])
        received = sum(array.nbytes for batch in answers for answer in batch for array in _arrays(answer))
        return int(queries.nbytes * self.n_shards + received)

    def rebalance(self) -> None:
        """Divide the shards evenly over all workers, also over those that joined after `fit`."""
        self.exact.rebalance()

    @property
    def exact(self) -> Shards:
        """Return exact search over the same vectors, on the same cluster."""
        if self._shards is None:
            raise NotFittedError("this index holds no data; call fit(parts) first")
        return self._shards

    @property
    def n(self) -> int:
        """Return the number of vectors indexed."""
        return len(self.exact)

    @property
    def n_shards(self) -> int:
        """Return the number of shards."""
        return len(self.exact.futures)

    @property
    def n_buckets(self) -> int | None:
        """Return the number of buckets of sketches; None for other kinds."""
        return self._n_buckets

    @property
    def default_setting(self) -> SearchSetting | SketchSetting:
        """Return the setting of searches that give none (see `LSHIndex.default_setting`)."""
        if self._default is None:
            raise ParameterError(f"an index of kind {self.kind!r} has no default_setting; the other kinds have")
        return self._default

    @property
    def params(self) -> Params:
        """Return the parameters of hash tables (see `LSHIndex`)."""
        if not isinstance(self._empty, LSHIndex):
            raise ParameterError(f"an index of kind {self.kind!r} has no params; those of hash tables have")
        return self._empty.params

    @property
    def bucket_width(self) -> float | None:
        """Return w of the p-stable family in the units of the data; None for other families."""
        return self._width

    @property
    def n_workers(self) -> int:
        """Return how many workers the cluster has now; raise ClusterError where its scheduler is lost."""
        return len(workers_of(self.exact.client))

    def subset(self, rows: npt.ArrayLike) -> Any:
        """Return an index on this machine of some rows, int64[m], with the same hash functions or buckets.

        They get the ids 0 to m - 1, in this order.
        """
        exact = self.exact
        vectors = exact.X[validate.rows(rows, self.n)]
        if self.kind == "exact":
            return ExactSearch(vectors, self.metric)
        with errors_of_cluster():
            future = exact.client.submit(tasks.like, exact.futures[0], vectors, pure=False)
        return gathered(exact.client, [future])[0]

    @property
    def nbytes(self) -> int:
        """Return the size of all shards in bytes, without the vectors."""
        return self.nbytes_of(None)

    def nbytes_of(self, n_tables: int | None) -> int:
        """Return the same with the first `n_tables` hash tables alone."""
        shards = self.exact
        return sum(gathered(shards.client, [shards.client.submit(tasks.size, one, n_tables) for one in shards.futures]))

    def close(self) -> None:
        """Forget the shards, and stop the cluster that `fit` started, if it did."""
        self._shards = None
        if self._own_client is not None:
            stop(self._own_client)
            self._own_client = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _answers(
        self, Q: npt.ArrayLike, k: int, setting: dict[str, int | None]
    ) -> tuple[Iterator[list[Any]], int | None]:
        """Return the answers of the shards, batch after batch, and how many estimates are ranked; None for all."""
        applied, n_ranked = self._applied(setting, k)
        queries = self.exact.queries(Q)
        if n_ranked is None:
            return self.exact.ask(queries, tasks.answer, k, applied), None
        return self.exact.ask(queries, tasks.candidates, n_ranked, applied), n_ranked

    def _applied(self, setting: dict[str, int | None], k: int) -> tuple[dict[str, int], int | None]:
        """Return the setting of a search on each shard, checked, and how many estimates are ranked; None for all."""
        given = {name: value for name, value in setting.items() if value is not None}
        self._check_names(given)
        usual = {} if self.kind == "exact" else self.default_setting._asdict()
        if isinstance(self._empty, LSHIndex):
            n_reranked = given.pop("n_reranked", None)
            params, applied = self._empty.params, usual | given
            n_ranked = None if n_reranked is None else params.reranked(n_reranked, k, self.n)
            return params.setting(**applied)._asdict(), n_ranked
        if self.kind == "exact":
            return {}, None
        full = usual | given
        n_probes = validate.integer(full["n_probes"], "n_probes", 1, MAX_BUCKETS)
        return {"n_probes": n_probes}, ranked(full["n_reranked"], k)

    def _check_names(self, given: Collection[str]) -> None:
        """Raise ParameterError for the name of an argument that a search of this kind does not have."""
        names = {
            "tables": (*SearchSetting._fields, "n_reranked", "recall"),
            "sketches": SketchSetting._fields,
            "exact": (),
        }
        unknown = sorted(set(given) - set(names[self.kind]))
        if unknown:
            expected = ", ".join(names[self.kind]) or "none"
            raise ParameterError(f"{unknown[0]} is no setting of {self.kind}; expected {expected}")


def _arrays(answer: Any) -> Iterator[npt.NDArray[Any]]:
    for value in answer:
        yield from _arrays(value) if isinstance(value, tuple) else [value]
