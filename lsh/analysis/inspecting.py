"""Inspection of one query in an LSHIndex: its key and margins, its buckets, and the neighbours it missed.

Everything here is computed from the hash functions and sorted tables of the index itself, so that it agrees exactly
with `LSHIndex.search`. It is written for readability, and fast enough for one query at a time.

A query's buckets may hold most of a large collection. They are views of the index's tables, which may be mapped from a
file, and are read in blocks; of the collection's size there are marks, one byte per row.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lsh import validate
from lsh.arrays import BoolArray, Float32Array, Float64Array, Int32Array, Int64Array, UInt8Array, UInt32Array
from lsh.families.hyperplane import Hyperplanes
from lsh.hasher import prepare
from lsh.index import LSHIndex
from lsh.kernels.buckets import find_bucket
from lsh.kernels.hashing import WORD_BITS
from lsh.kernels.ranking import nearest

_BLOCK_ROWS = 4096  # rows measured at a time
_BLOCK_IDS = 65_536  # ids or keys read at a time


@dataclass(frozen=True, slots=True)
class TableKey:
    """A query's key in one table, and the margin of each of its K symbols.

    symbols: uint8[K]. positions: float64[K], as `positions_of` gives them. margin: float64[K], 0 to 1: the share of
    random functions with a bucket boundary nearer to the query than this one. With a small margin, a vector near the
    query may have another symbol.
    """

    symbols: UInt8Array
    positions: Float64Array
    margin: Float64Array


@dataclass(frozen=True, slots=True)
class Bucket:
    """One probed bucket: its ids int32[m], a view of the table; its key, symbols uint8[K]; and the cost of the probe.

    The query's own bucket costs 0; another costs the sum of its perturbations' costs.
    """

    ids: Int32Array
    symbols: UInt8Array
    cost: float


@dataclass(frozen=True, slots=True)
class NearMiss:
    """The table in which a row's key differs least from the query's, and the positions, from 0, of those symbols.

    shared: the length of the longest prefix that the two keys share in any table, of K symbols.
    """

    table: int
    differing: tuple[int, ...]
    shared: int


@dataclass(frozen=True, slots=True)
class Fix:
    """The smallest change of each setting alone that would make a row a candidate; None if none in range does.

    n_bits: the most bits, fewer than now; n_tables, n_probes: the fewest, more than now.
    """

    n_bits: int | None
    n_tables: int | None
    n_probes: int | None


def symbols_of(index: LSHIndex, X: npt.ArrayLike, n_tables: int, n_bits: int) -> UInt8Array:
    """Return the symbols (bits, for hyperplanes) of vectors, float32[n, d], as uint8[n, n_tables, n_bits]."""
    n_tables, n_bits, _ = index.params.setting(n_tables, n_bits, 1)
    hasher, vectors = index.hasher, validate.matrix(X, "X", index.dim)
    symbols = hasher.family.hash(hasher.project(vectors, n_tables))
    return symbols.reshape(len(vectors), n_tables, hasher.n_bits)[:, :, :n_bits]


def positions_of(index: LSHIndex, X: npt.ArrayLike, table: int, n_bits: int) -> Float64Array:
    """Return the positions of vectors, float32[n, d], relative to one table's (from 0) functions: float64[n, n_bits].

    For hyperplanes the signed angle to the plane in degrees: above 0 is bit 1. For p-stable projections the position on
    the line, in bucket widths: the whole part is the bucket's number.
    """
    vectors, hasher, family = validate.matrix(X, "X", index.dim), index.hasher, index.hasher.family
    functions = slice(table * hasher.n_bits, table * hasher.n_bits + n_bits)
    projections = hasher.project(vectors, table + 1)[:, functions].astype(np.float64)
    if not isinstance(family, Hyperplanes):
        return np.asarray(projections / family.width + family.offsets[functions])
    prepared = prepare(vectors, hasher.metric, hasher.centre).astype(np.float64)
    lengths = np.linalg.norm(prepared, axis=1)[:, None] * _lengths(family, functions)
    sines = np.divide(projections, lengths, out=np.zeros_like(projections), where=lengths > 0)
    return np.asarray(np.degrees(np.arcsin(np.clip(sines, -1, 1))))


def key_of(index: LSHIndex, q: npt.ArrayLike, table: int, n_bits: int) -> TableKey:
    """Return the key of a query, float32[d], in one table (from 0)."""
    query, family = index.exact.one_query(q), index.hasher.family
    symbols = symbols_of(index, query, table + 1, n_bits)[0, table]
    positions = positions_of(index, query, table, n_bits)[0]
    if not isinstance(family, Hyperplanes):
        within = positions - np.floor(positions)
        return TableKey(symbols, positions, 2 * np.minimum(within, 1 - within))
    first = table * index.hasher.n_bits
    # a.x / |x| is standard normal over random planes a; a.x / |a||x| is the sine of the angle to the plane.
    deviations = np.abs(np.sin(np.radians(positions))) * _lengths(family, slice(first, first + n_bits))
    return TableKey(symbols, positions, np.array([math.erf(x / math.sqrt(2)) for x in deviations]))


def walk(index: LSHIndex, q: npt.ArrayLike, n_tables: int, n_bits: int, n_probes: int = 1) -> list[list[Bucket]]:
    """Return, for each table, the buckets that a search probes, in order of probing."""
    n_tables, n_bits, n_probes = index.params.setting(n_tables, n_bits, n_probes)
    hasher, tables, mask = index.hasher, index.tables, index.hasher.mask(n_bits)
    query = hasher.query(index.exact.prepare_queries(index.exact.one_query(q)), n_tables, n_probes)
    buckets: list[list[Bucket]] = []
    for table in range(n_tables):
        symbols, costs = query.symbols[0, table], query.costs[0, table]
        probes = hasher.probes(query, table, n_bits, n_probes)
        keys = [_unpacked(probe, n_bits, hasher.family.symbol_bits) for probe in probes]
        ranges = [find_bucket(tables.keys[table], probe, mask, 0, index.n) for probe in probes]
        buckets.append(
            [
                Bucket(tables.ids[table, start:stop], key, _cost(keys[0], key, symbols, costs))
                for key, (start, stop) in zip(keys, ranges, strict=True)
            ]
        )
    return buckets


def recall_by_probe(n: int, buckets: list[list[Bucket]], ids: npt.ArrayLike) -> tuple[Int64Array, Int64Array]:
    """Return the number of candidates of 1, 2, ... T probes per table, and of `ids` among them: int64[T] each.

    buckets: as `walk` returns them; n: the number of rows in the index.
    """
    marks, wanted = np.zeros(n, np.bool_), np.asarray(ids, np.int64)
    n_probes = max(len(table) for table in buckets)
    looked_at, found = np.empty(n_probes, np.int64), np.empty(n_probes, np.int64)
    for probe in range(n_probes):
        for table in buckets:
            _mark(marks, [bucket.ids for bucket in table[probe : probe + 1]])
        looked_at[probe], found[probe] = np.count_nonzero(marks), np.count_nonzero(marks[wanted])
    return looked_at, found


def candidates(
    index: LSHIndex, q: npt.ArrayLike, n_tables: int, n_bits: int, n_probes: int = 1, own: int = -1
) -> BoolArray:
    """Return which rows a search compares with the query: bool[n]. The row `own`, the query itself, is none of them."""
    marks = np.zeros(index.n, np.bool_)
    for table in walk(index, q, n_tables, n_bits, n_probes):
        _mark(marks, [bucket.ids for bucket in table])
    if own >= 0:
        marks[own] = False
    return marks


def differences(index: LSHIndex, q: npt.ArrayLike, ids: npt.ArrayLike, n_tables: int, n_bits: int) -> BoolArray:
    """Return which symbols of rows' keys differ from the query's: bool[len(ids), n_tables, n_bits]."""
    rows = np.ascontiguousarray(index.exact.X[np.asarray(ids, np.int64)])
    symbols = symbols_of(index, np.concatenate([index.exact.one_query(q), rows]), n_tables, n_bits)
    return np.asarray(symbols[1:] != symbols[:1])


def near_misses(index: LSHIndex, q: npt.ArrayLike, ids: npt.ArrayLike, n_tables: int, n_bits: int) -> list[NearMiss]:
    """Return, for each row, the table where its key differs in the fewest symbols; of several, by the least margins."""
    differ = differences(index, q, ids, n_tables, n_bits)
    margins = np.stack([key_of(index, q, table, n_bits).margin for table in range(n_tables)])
    difference = differ.sum(axis=2) + (differ * margins).sum(axis=2) / (n_bits + 1)  # whole symbols first
    shared = np.where(differ.any(axis=2), differ.argmax(axis=2), n_bits).max(axis=1, initial=0)
    tables = difference.argmin(axis=1)
    return [
        NearMiss(int(table), tuple(np.flatnonzero(differ[i, table]).tolist()), int(shared[i]))
        for i, table in enumerate(tables)
    ]


def smallest_fix(
    index: LSHIndex, q: npt.ArrayLike, ids: npt.ArrayLike, n_tables: int, n_bits: int, n_probes: int, max_probes: int
) -> list[Fix]:
    """Return, for each row, the smallest change of each setting alone that would make it a candidate."""
    rows = np.asarray(ids, np.int64)
    if not len(rows):
        return []
    fewer = range(n_bits - 1, 0, -1)
    fewer_bits = ((b, np.asarray(index.matches(q, rows, n_tables, b, n_probes).any(axis=1))) for b in fewer)
    found = index.matches(q, rows, index.params.n_tables, n_bits, n_probes)
    more_tables = ((t + 1, found[:, t]) for t in range(n_tables, index.params.n_tables))
    more = range(n_probes + 1, max_probes + 1)
    more_probes = ((t, np.asarray(index.matches(q, rows, n_tables, n_bits, t).any(axis=1))) for t in more)
    changes = (_first(rows, tried) for tried in (fewer_bits, more_tables, more_probes))
    return [Fix(*change) for change in zip(*changes, strict=True)]


def bucket_sizes(index: LSHIndex, table: int, n_bits: int) -> Int32Array:
    """Return the sizes of the non-empty buckets of one table (from 0), largest first: int32[m]."""
    index.params.setting(table + 1, n_bits, 1)
    keys, mask = index.tables.keys[table], index.hasher.mask(n_bits)
    ends = []  # of buckets, without the last
    for start in range(0, len(keys), _BLOCK_IDS):
        block = keys[start : start + _BLOCK_IDS + 1] & mask  # and the first key of the next block
        ends.append((start + 1 + np.flatnonzero((block[1:] != block[:-1]).any(axis=1))).astype(np.int32))
    sizes: Int32Array = np.diff(np.concatenate([np.zeros(1, np.int32), *ends, np.array([len(keys)], np.int32)]))
    sizes.sort()
    return sizes[::-1]


def family_distance(index: LSHIndex, q: npt.ArrayLike, ids: npt.ArrayLike) -> Float64Array:
    """Return the distance that the hash family depends on, from the query to rows: float64[len(ids)].

    For hyperplanes the angle about the centre in degrees, for either metric; for p-stable projections the Euclidean
    distance.
    """
    query, rows, hasher = index.exact.one_query(q), np.asarray(ids, np.int64), index.hasher
    out = np.empty(len(rows))
    for start in range(0, len(rows), _BLOCK_ROWS):
        block = np.ascontiguousarray(index.exact.X[rows[start : start + _BLOCK_ROWS]])
        out[start : start + len(block)] = hasher.family_distance(query[0], block)
    return np.degrees(out) if isinstance(hasher.family, Hyperplanes) else out


def nearest_of(index: LSHIndex, q: npt.ArrayLike, ids: npt.ArrayLike, k: int) -> tuple[Int64Array, Float32Array]:
    """Return the k nearest of some rows and their distances, nearest first, as a search ranks its candidates."""
    exact, rows = index.exact, np.asarray(ids)
    query, vectors = exact.prepare_queries(exact.one_query(q))[0], tuple(exact.vectors)
    best, distances = np.empty(0, np.int64), np.empty(0, np.float32)
    for start in range(0, len(rows), _BLOCK_IDS):
        block = np.union1d(best, rows[start : start + _BLOCK_IDS].astype(np.int64))
        best, distances = np.empty(min(k, len(block)), np.int64), np.empty(min(k, len(block)), np.float32)
        nearest(query, vectors, block, best, distances)
    return best, distances


def plane_of(index: LSHIndex, X: npt.ArrayLike) -> Float64Array:
    """Project vectors, float32[n, d], to the plane in which they spread most (two principal components): float64[n, 2].

    The vectors are prepared as the index hashes them. Each axis points so that its longest coordinate is positive.
    """
    prepared = prepare(validate.matrix(X, "X", index.dim), index.hasher.metric, index.hasher.centre)
    centred = prepared.astype(np.float64) - prepared.mean(axis=0, dtype=np.float64)
    flat = np.zeros((len(centred), 2))
    n_axes = min(2, *centred.shape)
    # The products of the values, or those of the vectors if these are fewer: less work than a singular value
    # decomposition of the vectors.
    if centred.shape[1] < len(centred):
        flat[:, :n_axes] = centred @ np.linalg.eigh(centred.T @ centred)[1][:, ::-1][:, :n_axes]
    else:
        values, vectors = np.linalg.eigh(centred @ centred.T)
        flat[:, :n_axes] = (vectors * np.sqrt(values.clip(0)))[:, ::-1][:, :n_axes]
    longest = np.take_along_axis(flat, np.abs(flat).argmax(axis=0)[None], axis=0)
    return np.asarray(flat * np.where(longest < 0, -1, 1))


def _lengths(family: Hyperplanes, functions: slice) -> Float64Array:
    return np.asarray(np.linalg.norm(family.directions[:, functions].astype(np.float64), axis=0))


def _mark(marks: BoolArray, buckets: Iterable[Int32Array]) -> None:
    """Mark the ids in buckets: bool[n]."""
    for ids in buckets:
        for start in range(0, len(ids), _BLOCK_IDS):
            marks[ids[start : start + _BLOCK_IDS]] = True


def _unpacked(key: UInt32Array, n_bits: int, bits: int) -> UInt8Array:
    """Return the first symbols of a packed key (see `kernels.hashing.pack`)."""
    per_word = WORD_BITS // bits
    j = np.arange(n_bits)
    shifts = (WORD_BITS - bits * (j % per_word + 1)).astype(np.uint32)
    return ((key[j // per_word] >> shifts) & np.uint32(2**bits - 1)).astype(np.uint8)


def _cost(own: UInt8Array, key: UInt8Array, symbols: UInt8Array, costs: Float32Array) -> float:
    """Return the cost of the perturbations that turn the query's own key into another (see `probe_keys`)."""
    return sum((float(costs[j, symbols[j] == key[j]].min()) for j in np.flatnonzero(own != key)), 0.0)


def _first(rows: Int64Array, tried: Iterable[tuple[int, BoolArray]]) -> list[int | None]:
    """Return, for each row, the first value with which it is found."""
    first: list[int | None] = [None] * len(rows)
    for value, found in tried:
        first = [value if now is None and hit else now for now, hit in zip(first, found.tolist(), strict=True)]
        if None not in first:
            break
    return first
