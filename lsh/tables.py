"""Hash tables as sorted arrays, so that one table serves every key length.

A table is all keys in sorted order, and the ids in the same order. Keys are left-aligned, so those that share their
first K symbols are adjacent, for every K: the bucket at any K is one contiguous range, found by binary search. Nothing
is rebuilt when K changes, and a search of L tables uses the first L (LSH Forest: M. Bawa, T. Condie, P. Ganesan, "LSH
forest: self-tuning indexes for similarity search", WWW 2005).
"""

from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from earshot_common.stages import stage, steps
from lsh import validate
from lsh.arrays import Float32Array, Int32Array, Int64Array, UInt32Array, read_only
from lsh.exact import ExactSearch
from lsh.filters.allowed import Filter
from lsh.hasher import Hasher
from lsh.kernels.hashing import WORD_BITS
from lsh.kernels.promised_search import Geometry, search_until
from lsh.kernels.range_search import count_met, range_tables
from lsh.kernels.table_search import SketchArrays, TableArrays, search_tables
from lsh.params import SearchSetting
from lsh.result import PromisedResult, RangeResult, SearchResult
from lsh.threads import in_chunks

_KEYS_PER_HEAD_BITS = 3  # 4 to 8 keys per head
_BATCH = 1024  # queries hashed at a time, to limit the memory of their projections
_MIN_ROOM = 1 << 16  # vectors listed at a time by a search within a radius
_MAX_HEAD_BITS = 14  # so that an index of millions is loaded in milliseconds


class Tables(TableArrays):
    """L sorted tables; the arrays are those of `TableArrays`, read-only."""

    __slots__ = ()

    @classmethod
    def from_arrays(cls, keys: UInt32Array, ids: Int32Array) -> Self:
        """Return tables of sorted keys, uint32[L, n, W], and ids, int32[L, n]; find where each head begins."""
        n = keys.shape[1]
        head_bits = min(max(n.bit_length() - _KEYS_PER_HEAD_BITS, 1), _MAX_HEAD_BITS)
        heads = np.arange(2**head_bits, dtype=np.uint32) << np.uint32(WORD_BITS - head_bits)
        starts = np.full((len(keys), len(heads) + 1), n, np.int32)
        for table, sorted_keys in enumerate(keys):
            starts[table, :-1] = np.searchsorted(sorted_keys[:, 0], heads)
        read_only(starts)
        return cls(keys, ids, starts)

    def first(self, n_tables: int) -> "Tables":
        """Return the first `n_tables` tables, as a view."""
        return Tables(self.keys[:n_tables], self.ids[:n_tables], self.starts[:n_tables])

    @property
    def nbytes(self) -> int:
        """Return the bytes that the tables take."""
        return sum(array.nbytes for array in self)


@stage("lsh", "sorting the tables")
def build_tables(keys: UInt32Array) -> Tables:
    """Sort each table's keys (uint32[n_tables, n, n_words], in order of id; sorted in place)."""
    n_tables, n, _ = keys.shape
    ids = np.empty((n_tables, n), np.int32)
    for table in steps("lsh", "sorting the tables", range(n_tables)):
        order = _sorted_order(keys[table])
        keys[table], ids[table] = keys[table, order], order
    read_only(keys, ids)
    return Tables.from_arrays(keys, ids)


def merged_keys(parts: Sequence[Tables], rows: Sequence[Int64Array | None]) -> UInt32Array:
    """Return the keys of some rows of several parts, None for all, in order: uint32[n_tables, n, n_words]."""
    chosen = []
    for tables, kept in zip(parts, rows, strict=True):
        keys = np.empty_like(tables.keys)
        for table, ids in enumerate(tables.ids):
            keys[table, ids] = tables.keys[table]
        chosen.append(keys if kept is None else keys.take(kept, axis=1))  # in C order, which indexing does not keep
    return chosen[0] if len(chosen) == 1 else np.concatenate(chosen, axis=1)


def _sorted_order(keys: UInt32Array) -> Int64Array:
    """Return the order of ascending keys, uint32[n, W]: the first word decides, and equal keys stay in order of id.

    From the last word to the first, each word is sorted together with the position that the later words gave: numbers
    of 64 bits, which NumPy sorts many times as fast as `np.lexsort` sorts keys.
    """
    order = np.arange(len(keys))
    positions = np.arange(len(keys), dtype=np.uint64)
    for word in keys.T[::-1]:
        pairs = word[order].astype(np.uint64) << np.uint64(WORD_BITS) | positions
        pairs.sort()
        order = order[(pairs & np.uint64(2**WORD_BITS - 1)).astype(np.int64)]
    return order


def search_with(
    exact: ExactSearch,
    hasher: Hasher,
    tables: Tables,
    sketches: SketchArrays,
    Q: npt.ArrayLike,
    k: int,
    setting: SearchSetting,
    n_reranked: int,
    n_threads: int,
    estimated: bool = False,
    only: Filter | None = None,
) -> tuple[SearchResult, Float32Array]:
    """Return the answer of a search of the setting's tables, and the estimates of what it ranked if `estimated`.

    only: the vectors that may be found; then queries may have no answer (see `search_tables`).
    """
    queries = exact.prepare_queries(Q)
    result, estimates = SearchResult.empty(len(queries), k), np.empty((len(queries), k if estimated else 0), np.float32)
    given = tuple(tables.first(setting.n_tables)), tuple(exact.vectors), tuple(sketches)
    numbers = setting.n_bits, hasher.family.symbol_bits, setting.n_probes, n_reranked
    _run(search_tables, hasher, queries, setting, n_threads, (*given, *numbers), (*result, estimates), only)
    return result, estimates


def ranges_with(
    exact: ExactSearch,
    hasher: Hasher,
    tables: Tables,
    Q: npt.ArrayLike,
    radius: float,
    setting: SearchSetting,
    n_threads: int,
) -> RangeResult:
    """Return the candidates of a search of the setting's tables that are within a radius."""
    queries, limit = exact.prepare_queries(Q), np.float32(validate.radius(radius))
    counts, listed = np.zeros(len(queries), np.int64), dict[int, tuple[Int64Array, Float32Array]]()
    room = max(len(exact.X), _MIN_ROOM)
    given = tuple(tables.first(setting.n_tables)), tuple(exact.vectors)
    numbers = setting.n_bits, hasher.family.symbol_bits, setting.n_probes

    def search_rows(first: int, last: int) -> None:
        hashed = tuple(hasher.query(queries[first:last], setting.n_tables, setting.n_probes))
        ids, distances, done = np.empty(room, np.int64), np.empty(room, np.float32), 0
        while done < last - first:
            start, own = done, counts[first:last]
            done = range_tables(hashed, *given, *numbers, limit, start, own, ids, distances)
            end = int(own[start:done].sum())
            listed[first + start] = ids[:end].copy(), distances[:end].copy()

    in_chunks(search_rows, len(queries), n_threads, max_rows=_BATCH)
    return RangeResult.of(counts, [listed[first] for first in sorted(listed)])


def count_with(
    exact: ExactSearch, hasher: Hasher, tables: Tables, Q: npt.ArrayLike, setting: SearchSetting, only: Filter
) -> Int64Array:
    """Return how many ids a search of the setting's tables meets, distinct vectors, and allowed ones: int64[3, nq]."""
    queries, given = exact.prepare_queries(Q), tuple(tables.first(setting.n_tables))
    counts = np.empty((3, len(queries)), np.int64)
    for first in range(0, len(queries), _BATCH):
        hashed = tuple(hasher.query(queries[first : first + _BATCH], setting.n_tables, setting.n_probes))
        numbers = setting.n_bits, hasher.family.symbol_bits, setting.n_probes
        count_met(hashed, given, *numbers, only.mask, counts[:, first : first + _BATCH])
    return counts


def search_promised(
    exact: ExactSearch,
    hasher: Hasher,
    tables: Tables,
    geometry: Geometry,
    Q: npt.ArrayLike,
    k: int,
    setting: SearchSetting,
    recall: float,
    n_threads: int,
    only: Filter | None = None,
) -> PromisedResult:
    """Return the answer of a search with a promised recall (see `LSHIndex.search`).

    only: the vectors that may be found; then queries may have no answer (see `search_until`).
    """
    queries, k = exact.prepare_queries(Q), exact.n_neighbours(k)
    result, n_searched = SearchResult.empty(len(queries), k), np.empty(len(queries), np.int64)
    given = tuple(tables.first(setting.n_tables)), tuple(exact.vectors), tuple(geometry)
    numbers = setting.n_bits, hasher.family.symbol_bits, setting.n_probes, 1 - float(recall)
    _run(search_until, hasher, queries, setting, n_threads, (*given, *numbers), (*result, n_searched), only)
    return PromisedResult.of(result, float(recall))


def _run(
    search: Callable[..., object],
    hasher: Hasher,
    queries: Float32Array,
    setting: SearchSetting,
    n_threads: int,
    arguments: tuple[Any, ...],
    outputs: Sequence[npt.NDArray[Any]],
    only: Filter | None,
) -> None:
    """Call a kernel with hashed queries, its arguments, the rows of its outputs for them, and a filter, by batches."""
    filtered = (None, 0) if only is None else (only.mask, only.n_allowed)  # a default would take longer

    def search_rows(first: int, last: int) -> None:
        hashed = tuple(hasher.query(queries[first:last], setting.n_tables, setting.n_probes))
        search(hashed, *arguments, *(output[first:last] for output in outputs), *filtered)

    in_chunks(search_rows, len(queries), n_threads, max_rows=_BATCH)
