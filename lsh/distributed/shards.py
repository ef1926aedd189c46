"""Shards: indexes on the workers of a cluster, each of one part of the rows, and what is asked of all of them.

A shard is a Dask future: when its worker is lost, Dask builds it again on another one, from the file or block that it
was made of. What all shards share, such as hash functions, is sent once, with the task that hands it on.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
from distributed import Client, Future

from lsh import validate
from lsh.arrays import Float32Array, Int64Array
from lsh.distributed.cluster import errors_of_cluster, gathered, large_arguments, unbound, workers_of
from lsh.distributed.filters import Part, PartsOf, allowed_of, parts_of
from lsh.distributed.parts import opened
from lsh.errors import ShapeError
from lsh.exact import ExactSearch
from lsh.filters.allowed import Allowed
from lsh.growing.merging import joined, merged, merged_ranges
from lsh.result import RangeResult, SearchResult

_BATCH = 512  # queries per task
_MAX_SENT = 65_536  # bytes of queries that are sent with each shard's task; more are sent once, by a task of their own
_IN_FLIGHT = 8  # batches that the cluster works on at a time


class PerShard(tuple[Future[Any], ...]):
    """The result of `Shards.map`: a future for each shard."""

    __slots__ = ()


class Sized:
    """An index with its size in bytes, vectors included, by which Dask decides where to work and what to spill."""

    def __init__(self, index: Any) -> None:
        self.index = index

    def __sizeof__(self) -> int:
        return int(self.index.nbytes) + _bytes_of_vectors(self.index)


class Shape(NamedTuple):
    """Rows and dimensions of a shard."""

    n: int
    dim: int


class Shards:
    """Indexes of consecutive rows on the workers of a cluster: a `Collection`, as `ExactSearch` is on one machine."""

    def __init__(self, client: Client, metric: str, futures: PerShard, sizes: list[int], dim: int) -> None:
        self.client, self.metric, self.futures, self.dim = client, metric, futures, dim
        self.firsts = np.concatenate([[0], np.cumsum(sizes)])
        self.X = ShardRows(self)

    @classmethod
    def open(cls, client: Client, metric: str, parts: list[Any]) -> Self:
        """Return exact search over each part, where its data is, or on the workers that Dask chooses."""
        validate.choice(metric, "metric", validate.METRICS)
        with errors_of_cluster():
            # Not bound to workers: a task whose worker is lost together with all others would wait for its return.
            futures = []
            for number, part in enumerate(parts):
                source: Any = client.compute(part) if hasattr(part, "dask") else part
                futures.append(client.submit(_opened, source, number, metric, pure=False))
            shapes: list[Shape] = gathered(client, [client.submit(_shape, one, pure=False) for one in futures])
        for number, shape in enumerate(shapes):
            if shape.dim != shapes[0].dim:
                raise ShapeError(f"part {number} has {shape.dim} features per row; part 0 has {shapes[0].dim}")
        return cls(client, metric, PerShard(futures), [shape.n for shape in shapes], shapes[0].dim)

    def of(self, futures: PerShard) -> "Shards":
        """Return other indexes of the same rows."""
        return Shards(self.client, self.metric, futures, np.diff(self.firsts).tolist(), self.dim)

    def __len__(self) -> int:
        """Return the number of vectors."""
        return int(self.firsts[-1])

    def map(self, function: Callable[..., Any], *arguments: Any) -> PerShard:
        """Return a future of `function(index, *arguments)` for each shard, computed where it is (see `Collection`)."""
        with errors_of_cluster(), large_arguments():
            shared = self.client.submit(_same, _shared(arguments), pure=False)
            return PerShard(
                self.client.submit(_called, function, one, shared, *_own(arguments, i), pure=False)
                for i, one in enumerate(self.futures)
            )

    def fold(self, step: Callable[..., Any], initial: Any, *arguments: Any) -> Any:
        """Return the last state after `state = step(state, index, *arguments)` of every shard, in order of the rows."""
        with errors_of_cluster(), large_arguments():
            shared = self.client.submit(_same, _shared(arguments), pure=False)
            state = self.client.submit(_same, initial, pure=False)
            for i, one in enumerate(self.futures):
                state = self.client.submit(_stepped, step, state, one, shared, *_own(arguments, i), pure=False)
        return gathered(self.client, [state])[0]

    def n_neighbours(self, k: object) -> int:
        """Return k, checked, and at most n: how many neighbours a result has room for."""
        return min(validate.integer(k, "k", 1, 2**31 - 1), len(self))

    def search(self, Q: npt.ArrayLike, k: int = 10, *, allowed: Allowed | None = None) -> SearchResult:
        """Return the exact answer (see `ExactSearch.search`)."""
        queries, k = self.queries(Q), self.n_neighbours(k)
        found = self.ask(queries, _exact_answer, k, own=parts_of(allowed, self.firsts, len(queries)))
        return joined([merged(answers, self.firsts[:-1], k) for answers in found])

    def range_search(self, Q: npt.ArrayLike, radius: float) -> RangeResult:
        """Return every row at a distance of at most `radius` of each query (see `ExactSearch.range_search`)."""
        validate.radius(radius)
        return self.ranges(self.ask(self.queries(Q), _exact_range, radius))

    def ranges(self, found: Iterable[list[RangeResult]]) -> RangeResult:
        """Return as one what all shards found within a radius, for one batch of queries after another."""
        batches = [merged_ranges(answers, self.firsts[:-1]) for answers in found]
        counts = np.concatenate([np.diff(one.limits) for one in batches])
        return RangeResult.of(counts, [(one.ids, one.distances) for one in batches])

    def queries(self, Q: npt.ArrayLike) -> Float32Array:
        """Return queries as float32[nq, d]; raise the errors of a search on one machine."""
        queries = validate.matrix(Q, "Q", self.dim)
        ExactSearch(np.ones((1, self.dim), np.float32), self.metric).prepare_queries(queries)
        return queries

    def ask(
        self, Q: Float32Array, function: Callable[..., Any], *arguments: Any, own: PartsOf | None = None
    ) -> Iterator[list[Any]]:
        """Yield `function(index, queries, *arguments)` of all shards, for one batch of queries after another.

        own: returns one more argument, that of a shard and a batch (see `parts_of`).
        """
        running: list[list[Future[Any]]] = []
        for first, last in self.batches(len(Q)):
            with errors_of_cluster(), large_arguments():
                submit = self.client.submit
                batch: Any = Q[first:last]
                if batch.nbytes > _MAX_SENT:
                    batch = submit(_same, batch, pure=False)
                further = [[] if own is None else [own(i, first, last)] for i in range(len(self.futures))]
                running.append([])
                for one, more in zip(self.futures, further, strict=True):
                    running[-1].append(submit(function, one, batch, *arguments, *more, pure=False))
            if len(running) == _IN_FLIGHT:
                yield gathered(self.client, running.pop(0))
        for futures in running:
            yield gathered(self.client, futures)

    @staticmethod
    def batches(n_queries: int) -> list[tuple[int, int]]:
        """Return the first query of each batch, and the one after its last; one batch where there is no query."""
        return [(first, min(first + _BATCH, n_queries)) for first in range(0, max(n_queries, 1), _BATCH)]

    @property
    def bounds(self) -> list[tuple[int, int]]:
        """Return the first row of each shard, and the one after its last."""
        return list(pairwise(self.firsts.tolist()))

    def rebalance(self) -> None:
        """Move shards so that each worker has as many as any other, or one more; those that joined get some too.

        Shards move by Dask's tasks, and are built again by them like all others when a worker is lost.
        """
        futures = list(self.futures)
        gathered(self.client, [self.client.submit(_shape, one, pure=False) for one in futures])  # wait for all
        with errors_of_cluster():
            workers, holders = list(workers_of(self.client)), self.client.who_has(futures)
            moved: list[Future[Any]] = []
            for i, address in moves([holders.get(one.key, ()) for one in futures], workers):
                bound = {"workers": address, "allow_other_workers": True, "pure": False}
                futures[i] = self.client.submit(_same, futures[i], **bound)
                moved.append(futures[i])
        gathered(self.client, [self.client.submit(_shape, one, pure=False) for one in futures])
        unbound(self.client, moved)
        self.futures = PerShard(futures)


class ShardRows:
    """The vectors of all shards, to read some of their rows."""

    def __init__(self, shards: Shards) -> None:
        self._shards = shards

    @property
    def shape(self) -> tuple[int, ...]:
        """Return (n, d)."""
        return len(self._shards), self._shards.dim

    def __len__(self) -> int:
        """Return n."""
        return len(self._shards)

    def __getitem__(self, rows: Int64Array, /) -> Float32Array:
        """Return some rows: int64[m] -> float32[m, d]."""
        shards, flat = self._shards, np.ravel(rows)
        shard_of = np.searchsorted(shards.firsts, flat, side="right") - 1
        numbers = np.unique(shard_of).tolist()
        with errors_of_cluster():
            futures = [
                shards.client.submit(_taken, shards.futures[i], flat[shard_of == i] - shards.firsts[i], pure=False)
                for i in numbers
            ]
        out = np.empty((len(flat), shards.dim), np.float32)
        for i, vectors in zip(numbers, gathered(shards.client, futures), strict=True):
            out[shard_of == i] = vectors
        return out.reshape(*np.shape(rows), shards.dim)


def moves(holders: Sequence[Collection[str]], workers: Sequence[str]) -> list[tuple[int, str]]:
    """Return the shards to move, each with the worker that gets it: as few as make the workers' numbers equal.

    holders: the workers that have each shard. A worker may have joined or been lost since they were asked for, so that
    those of a shard are none of `workers`: it is moved.
    """
    places: dict[str, list[int]] = {address: [] for address in workers}
    unplaced: list[int] = []
    for i, held_by in enumerate(holders):
        known = places.keys() & set(held_by)
        (places[min(known)] if known else unplaced).append(i)
    least, extra = divmod(len(holders), len(workers))
    by_load = sorted(workers, key=lambda address: -len(places[address]))
    wanted = {address: least + (place < extra) for place, address in enumerate(by_load)}
    surplus = unplaced + [i for address in by_load for i in places[address][wanted[address] :]]
    return [(surplus.pop(), address) for address in by_load for _ in range(wanted[address] - len(places[address]))]


def _shared(arguments: tuple[Any, ...]) -> dict[int, Any]:
    """Return the arguments that are the same for all shards, by position."""
    return {i: argument for i, argument in enumerate(arguments) if not isinstance(argument, PerShard)}


def _own(arguments: tuple[Any, ...], shard: int) -> tuple[Future[Any], ...]:
    """Return the arguments of one shard alone, in order."""
    return tuple(argument[shard] for argument in arguments if isinstance(argument, PerShard))


# Functions below run on the workers.


def _opened(part: Any, number: int, metric: str) -> Sized:
    return Sized(opened(part, number, metric))


def _shape(one: Sized) -> Shape:
    return Shape(*one.index.exact.X.shape)


def _same(value: Any) -> Any:
    return value


def _arguments(shared: dict[int, Any], own: tuple[Any, ...]) -> list[Any]:
    rest = iter(_unwrapped(value) for value in own)
    return [shared[i] if i in shared else next(rest) for i in range(len(shared) + len(own))]


def _called(function: Callable[..., Any], one: Sized, shared: dict[int, Any], *own: Any) -> Any:
    found = function(one.index, *_arguments(shared, own))
    return Sized(found) if hasattr(found, "exact") else found


def _stepped(step: Callable[..., Any], state: Any, one: Sized, shared: dict[int, Any], *own: Any) -> Any:
    return step(state, one.index, *_arguments(shared, own))


def _taken(one: Sized, rows: Int64Array) -> Float32Array:
    return np.ascontiguousarray(one.index.exact.X[rows])


def _exact_answer(one: Sized, Q: Float32Array, k: int, parts: Part | list[Part] | None = None) -> SearchResult:
    found: SearchResult = one.index.exact.search(Q, k, allowed=allowed_of(parts))
    return found


def _exact_range(one: Sized, Q: Float32Array, radius: float) -> RangeResult:
    found: RangeResult = one.index.exact.range_search(Q, radius)
    return found


def _unwrapped(value: Any) -> Any:
    return value.index if isinstance(value, Sized) else value


def _bytes_of_vectors(index: Any) -> int:
    vectors = index.exact.X
    return int(vectors.nbytes)
