"""Look inside an index with one query in hand: its bits and their margins, its buckets, what it missed and why.

Everything here is read from the index that answers searches, with its own hash functions and sorted tables, so that it
agrees with `LSHIndex.search` exactly. It is written to be read, and fast enough for one query at a time.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lsh import validate
from lsh.arrays import BoolArray, Float32Array, Float64Array, Int64Array, UInt8Array, UInt32Array
from lsh.families.hyperplane import Hyperplanes
from lsh.hasher import prepare
from lsh.index import LSHIndex
from lsh.kernels.buckets import find_bucket, prefix_mask
from lsh.kernels.hashing import WORD_BITS
from lsh.kernels.probing import probe_keys
from lsh.kernels.ranking import nearest

_BLOCK_ROWS = 16_384  # rows measured at a time


@dataclass(frozen=True, slots=True)
class TableKey:
    """A query's key in one table, and how firmly each of its K symbols stands.

    symbols: uint8[K]. positions: float64[K], as `positions_of` gives them. firmness: float64[K], 0 to 1: the share of
    random functions with a wall nearer to the query than this one. A symbol with little firmness was nearly another.
    """

    symbols: UInt8Array
    positions: Float64Array
    firmness: Float64Array


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bucket that a query looks into: ids int64[m], its key (symbols uint8[K]), and the cost at which it is probed.

    The query's own bucket costs 0; another costs the sum of its perturbations' costs.
    """

    ids: Int64Array
    symbols: UInt8Array
    cost: float


@dataclass(frozen=True, slots=True)
class NearMiss:
    """The table in which a row came nearest to the query's bucket: the symbols that differ there (positions, from 0).

    shared: the longest prefix that the two keys share in any table, of all K symbols.
    """

    table: int
    differing: tuple[int, ...]
    shared: int


@dataclass(frozen=True, slots=True)
class Rescue:
    """With what, changed alone, a search would have looked at a row that it missed; None where nothing in range helps.

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
    """Return where vectors, float32[n, d], stand to the walls of one table (from 0): float64[n, n_bits].

    For hyperplanes the signed angle to the plane in degrees: above 0 is bit 1. For p-stable projections the place on
    the line, in bucket widths: the whole part is the bucket's number.
    """
    vectors, hasher, family = validate.matrix(X, "X", index.dim), index.hasher, index.hasher.family
    functions = slice(table * hasher.n_bits, table * hasher.n_bits + n_bits)
    projections = hasher.project(vectors, table + 1)[:, functions].astype(np.float64)
    if not isinstance(family, Hyperplanes):
        return np.asarray(projections / family.width + family.offsets[functions])
    lengths = np.linalg.norm(family.directions[:, functions].astype(np.float64), axis=0)
    lengths = (
        lengths * np.linalg.norm(prepare(vectors, hasher.metric, hasher.centre).astype(np.float64), axis=1)[:, None]
    )
    sines = np.divide(projections, lengths, out=np.zeros_like(projections), where=lengths > 0)
    return np.asarray(np.degrees(np.arcsin(np.clip(sines, -1, 1))))


def key_of(index: LSHIndex, q: npt.ArrayLike, table: int, n_bits: int) -> TableKey:
    """Return the key of a query, float32[d], in one table (from 0)."""
    query, family = _one(index, q), index.hasher.family
    symbols = symbols_of(index, query, table + 1, n_bits)[0, table]
    positions = positions_of(index, query, table, n_bits)[0]
    if not isinstance(family, Hyperplanes):
        place = positions - np.floor(positions)
        return TableKey(symbols, positions, 2 * np.minimum(place, 1 - place))
    first = table * index.hasher.n_bits
    lengths = np.linalg.norm(family.directions[:, first : first + n_bits].astype(np.float64), axis=0)
    # a.x / |x| is standard normal over random planes a; a.x / |a||x| is the sine of the angle to the plane.
    return TableKey(symbols, positions, _within(np.abs(np.sin(np.radians(positions))) * lengths))


def walk(index: LSHIndex, q: npt.ArrayLike, n_tables: int, n_bits: int, n_probes: int = 1) -> list[list[Bucket]]:
    """Return, for each table, the buckets that a search looks into, in the order in which it does."""
    n_tables, n_bits, n_probes = index.params.setting(n_tables, n_bits, n_probes)
    hasher, tables, bits = index.hasher, index.tables, index.hasher.family.symbol_bits
    query = hasher.query(index.exact.prepare_queries(_one(index, q)), n_tables, n_probes)
    mask = np.empty(hasher.n_words, np.uint32)
    prefix_mask(n_bits, bits, mask)
    probes = np.empty((n_probes, hasher.n_words), np.uint32)
    buckets: list[list[Bucket]] = []
    for table in range(n_tables):
        symbols, costs = query.symbols[0, table], query.costs[0, table]
        count = probe_keys(query.keys[table, 0], symbols, costs, n_bits, bits, n_probes, probes)
        keys = [_unpacked(probe, n_bits, bits) for probe in probes[:count]]
        ranges = [find_bucket(tables.keys[table], probe, mask, 0, index.n) for probe in probes[:count]]
        buckets.append(
            [
                Bucket(tables.ids[table, start:stop].astype(np.int64), key, _cost(keys[0], key, symbols, costs))
                for key, (start, stop) in zip(keys, ranges, strict=True)
            ]
        )
    return buckets


def gains(n: int, buckets: list[list[Bucket]], ids: npt.ArrayLike) -> tuple[Int64Array, Int64Array]:
    """Return what the first 1, 2, ... T probes of every table look at, and how many of `ids` are among it: int64[T].

    buckets: as `walk` returns them; n: rows in the index.
    """
    n_probes = max(len(table) for table in buckets)
    first = np.full(n, n_probes, np.int64)  # the probe at which a row is first looked at
    for table in buckets:
        for probe in range(len(table) - 1, -1, -1):
            rows = table[probe].ids
            first[rows] = np.minimum(first[rows], probe)
    wanted = first[np.asarray(ids, np.int64)]
    seen, met = (np.cumsum(np.bincount(rows, minlength=n_probes + 1)[:n_probes]) for rows in (first, wanted))
    return seen, met


def differences(index: LSHIndex, q: npt.ArrayLike, ids: npt.ArrayLike, n_tables: int, n_bits: int) -> BoolArray:
    """Tell which symbols of rows' keys differ from the query's: bool[len(ids), n_tables, n_bits]."""
    rows = np.ascontiguousarray(index.exact.X[np.asarray(ids, np.int64)])
    symbols = symbols_of(index, np.concatenate([_one(index, q), rows]), n_tables, n_bits)
    return np.asarray(symbols[1:] != symbols[:1])


def near_misses(index: LSHIndex, q: npt.ArrayLike, ids: npt.ArrayLike, n_tables: int, n_bits: int) -> list[NearMiss]:
    """Return where each row came nearest to meeting the query: the fewest symbols apart, then the weakest of them."""
    differ = differences(index, q, ids, n_tables, n_bits)
    firmness = np.stack([key_of(index, q, table, n_bits).firmness for table in range(n_tables)])
    apart = differ.sum(axis=2) + (differ * firmness).sum(axis=2) / (n_bits + 1)  # whole symbols first
    shared = np.where(differ.any(axis=2), differ.argmax(axis=2), n_bits).max(axis=1, initial=0)
    tables = apart.argmin(axis=1)
    return [
        NearMiss(int(table), tuple(np.flatnonzero(differ[i, table]).tolist()), int(shared[i]))
        for i, table in enumerate(tables)
    ]


def rescues(
    index: LSHIndex, q: npt.ArrayLike, ids: npt.ArrayLike, n_tables: int, n_bits: int, n_probes: int, most_probes: int
) -> list[Rescue]:
    """Return, for each row, the smallest change of one setting alone with which a search would look at it."""
    rows = np.asarray(ids, np.int64)
    if not len(rows):
        return []
    fewer = range(n_bits - 1, 0, -1)
    bits = _first(rows, ((b, _met(index.matches(q, rows, n_tables, b, n_probes))) for b in fewer))
    met = index.matches(q, rows, index.params.n_tables, n_bits, n_probes)
    tables = _first(rows, ((t + 1, met[:, t]) for t in range(n_tables, index.params.n_tables)))
    walks = walk(index, q, n_tables, n_bits, most_probes)
    probes = ((t + 1, np.isin(rows, _all_ids(walks, t))) for t in range(n_probes, most_probes))
    return [Rescue(*change) for change in zip(bits, tables, _first(rows, probes), strict=True)]


def bucket_sizes(index: LSHIndex, table: int, n_bits: int) -> Int64Array:
    """Return the sizes of the buckets of one table (from 0) that hold anything, the fullest first: int64[m]."""
    index.params.setting(table + 1, n_bits, 1)
    mask = np.empty(index.hasher.n_words, np.uint32)
    prefix_mask(n_bits, index.hasher.family.symbol_bits, mask)
    keys = index.tables.keys[table] & mask
    starts = np.flatnonzero(np.concatenate([[True], (keys[1:] != keys[:-1]).any(axis=1)]))
    return np.sort(np.diff(np.append(starts, len(keys))))[::-1]


def apart(index: LSHIndex, q: npt.ArrayLike, ids: npt.ArrayLike) -> Float64Array:
    """Return how far the query lies from rows as the hash functions see it: float64[len(ids)].

    Planes see degrees about the centre, whatever the metric; p-stable projections see Euclidean distances.
    """
    query, rows, hasher = _one(index, q), np.asarray(ids, np.int64), index.hasher
    out = np.empty(len(rows))
    for start in range(0, len(rows), _BLOCK_ROWS):
        block = np.ascontiguousarray(index.exact.X[rows[start : start + _BLOCK_ROWS]])
        out[start : start + len(block)] = hasher.family_distance(query[0], block)
    return np.degrees(out) if isinstance(hasher.family, Hyperplanes) else out


def nearest_of(index: LSHIndex, q: npt.ArrayLike, ids: npt.ArrayLike, k: int) -> tuple[Int64Array, Float32Array]:
    """Return the k nearest of some rows and their distances, nearest first, as a search ranks its candidates."""
    exact, rows = index.exact, np.unique(np.asarray(ids, np.int64))
    k = min(k, len(rows))
    nearest_ids, distances = np.empty(k, np.int64), np.empty(k, np.float32)
    query = exact.prepare_queries(np.atleast_2d(np.asarray(q)))[0]
    nearest(query, *exact.vectors, rows, nearest_ids, distances)
    return nearest_ids, distances


def plane_of(index: LSHIndex, X: npt.ArrayLike) -> Float64Array:
    """Project vectors, float32[n, d], to the plane in which they spread most (two principal components): float64[n, 2].

    The vectors are prepared as the index hashes them. Each axis points so that its longest coordinate is positive.
    """
    prepared = prepare(validate.matrix(X, "X", index.dim), index.hasher.metric, index.hasher.centre)
    centred = prepared.astype(np.float64) - prepared.mean(axis=0, dtype=np.float64)
    flat = np.zeros((len(centred), 2))
    axes = np.linalg.svd(centred, full_matrices=False)[2][:2]
    flat[:, : len(axes)] = centred @ axes.T
    longest = np.take_along_axis(flat, np.abs(flat).argmax(axis=0)[None], axis=0)
    return np.asarray(flat * np.where(longest < 0, -1, 1))


def _one(index: LSHIndex, q: npt.ArrayLike) -> Float32Array:
    query = validate.matrix(np.atleast_2d(np.asarray(q)), "q", index.dim)
    index.exact.prepare_queries(query)  # refuses what a search would
    return query


def _within(deviations: Float64Array) -> Float64Array:
    """Return the share of a standard normal distribution within so many deviations of its middle."""
    return np.array([math.erf(x / math.sqrt(2)) for x in deviations])


def _unpacked(key: UInt32Array, n_bits: int, bits: int) -> UInt8Array:
    """Return the first symbols of a packed key (see `kernels.hashing.pack`)."""
    per_word = WORD_BITS // bits
    places = np.arange(n_bits)
    shifts = (WORD_BITS - bits * (places % per_word + 1)).astype(np.uint32)
    return ((key[places // per_word] >> shifts) & np.uint32(2**bits - 1)).astype(np.uint8)


def _cost(own: UInt8Array, key: UInt8Array, symbols: UInt8Array, costs: Float32Array) -> float:
    """Return the cost of the moves that turn the query's own key into another: those of `probe_keys`."""
    total = 0.0
    for j in np.flatnonzero(own != key):
        total += float(costs[j, symbols[j] == key[j]].min())
    return total


def _all_ids(walks: list[list[Bucket]], probe: int) -> Int64Array:
    return np.concatenate([np.empty(0, np.int64), *(table[probe].ids for table in walks if probe < len(table))])


def _met(tables: BoolArray) -> BoolArray:
    return np.asarray(tables.any(axis=1))


def _first(rows: Int64Array, tried: Iterable[tuple[int, BoolArray]]) -> list[int | None]:
    """Return, for each row, the first value at which it is met."""
    first: list[int | None] = [None] * len(rows)
    for value, met in tried:
        first = [value if now is None and hit else now for now, hit in zip(first, met.tolist(), strict=True)]
        if None not in first:
            break
    return first
