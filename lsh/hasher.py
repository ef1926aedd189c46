"""Hasher: from vectors, of data or queries, to keys: prepare (normalise and centre), project, pack."""

import math
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from threadpoolctl import threadpool_limits

from earshot_common.stages import stage, steps
from lsh.arrays import (
    BoolArray,
    Collection,
    Float32Array,
    Float64Array,
    Int64Array,
    StoredVectors,
    UInt32Array,
    read_only,
)
from lsh.errors import ParameterError, ShapeError
from lsh.exact import ExactSearch
from lsh.families.grh import learn_grh
from lsh.families.hyperplane import Hyperplanes, LearnedPlanes
from lsh.families.itq import learn_itq
from lsh.families.pstable import PStable
from lsh.kernels import hashing as kernels
from lsh.kernels.buckets import prefix_mask
from lsh.kernels.hashing import pack, project, words_for
from lsh.kernels.linear_algebra import add_by_bucket
from lsh.kernels.probing import probe_keys
from lsh.kernels.promised_search import PLANES, PSTABLE, Geometry
from lsh.kernels.table_search import QueryArrays
from lsh.params import Params
from lsh.quality import Labels, check_offsets
from lsh.sampling import evenly_spaced, evenly_spaced_rows

Family = Hyperplanes | PStable

_BLOCK_ROWS = 4096  # rows hashed at a time
_RANGE_ROWS = 4096  # rows whose projections set the range of the stored bucket numbers
_LEARNING_ROWS = 32_768  # rows from which functions are learned
_WIDTH_ROWS = 256  # rows whose neighbours set the default bucket width
_WIDTH_NEIGHBOUR = 10
_WIDTH_FACTOR = 4.0  # w = 4R: A. Andoni, P. Indyk, "E2LSH 0.1 user manual", 2005


@dataclass(frozen=True, slots=True)
class Hasher:
    """A hash family, the centre of the data, float32[d], and the shape of the keys."""

    metric: str
    family: Family
    centre: Float32Array
    n_tables: int
    n_bits: int

    @classmethod
    @stage("lsh", "hash functions")
    def draw(cls, params: Params, exact: Collection, labels: Labels | None = None) -> Self:
        """Draw hash functions for the data that `exact` searches, or learn them from it and its labels."""
        X, n_functions = exact.X, params.n_tables * params.n_bits
        rng = np.random.default_rng(params.seed)
        centre = mean_of(exact) if params.centre else np.zeros(X.shape[1], np.float32)
        read_only(centre)
        if params.family != "pstable":
            if params.family == "hyperplanes":
                planes = Hyperplanes.draw(X.shape[1], n_functions, rng)
            else:
                planes = _learned(params, exact, centre, labels, rng)
            return cls(params.metric, planes, centre, params.n_tables, params.n_bits)
        width = params.bucket_width or typical_width(exact)
        lines = PStable.draw(X.shape[1], n_functions, rng, width)
        unfitted = cls(params.metric, lines, centre, params.n_tables, params.n_bits)
        sample = unfitted.project(evenly_spaced(X, _RANGE_ROWS), params.n_tables)
        return replace(unfitted, family=lines.fitted_to(sample, saturate=params.bucket_width is None))

    @property
    def n_words(self) -> int:
        """Return how many 32-bit words a key takes."""
        return words_for(self.n_bits, self.family.symbol_bits)

    @stage("lsh", "hashing")
    def keys(self, X: StoredVectors, n_tables: int) -> UInt32Array:
        """Return the keys of raw vectors for the first `n_tables` tables: float32[n, d] -> uint32[n_tables, n, W]."""
        keys = np.empty((n_tables, len(X), self.n_words), np.uint32)
        for start in steps("lsh", "hashing", range(0, len(X), _BLOCK_ROWS)):
            block = X[start : start + _BLOCK_ROWS]
            keys[:, start : start + len(block)] = self._pack(self.project(block, n_tables))
        return keys

    def query(self, Q: Float32Array, n_tables: int, n_probes: int) -> QueryArrays:
        """Return queries with their keys, and with n_probes > 1 the perturbations that lead to further keys.

        Q: float32[nq, d], as `ExactSearch.prepare_queries` returns it: of length one under cosine.
        """
        projected = self._project(Q - self.centre, n_tables)
        keys = self._pack(projected)
        shape = len(Q), n_tables, self.n_bits if n_probes > 1 else 0, self.family.n_perturbations
        if n_probes == 1:
            return QueryArrays(Q, keys, np.empty(shape, np.uint8), np.empty(shape, np.float32))
        symbols, costs = self.family.perturbations(projected)
        return QueryArrays(Q, keys, symbols.reshape(shape), costs.reshape(shape))

    def matches(self, query: Float32Array, rows: Float32Array, n_tables: int, n_bits: int, n_probes: int) -> BoolArray:
        """Return in which tables a prepared query, float32[1, d], finds each row: bool[len(rows), n_tables]."""
        hashed, mask, row_keys = self.query(query, n_tables, n_probes), self.mask(n_bits), self.keys(rows, n_tables)
        found = np.zeros((len(rows), n_tables), np.bool_)
        for table in range(n_tables):
            probes = self.probes(hashed, table, n_bits, n_probes)
            differing = (row_keys[table, :, None] ^ probes) & mask  # uint32[rows, probes, W]
            found[:, table] = (differing == 0).all(axis=2).any(axis=1)
        return found

    def probes(self, query: QueryArrays, table: int, n_bits: int, n_probes: int) -> UInt32Array:
        """Return the keys of the buckets that a search probes for the first query in one table: uint32[T, W]."""
        keys = np.empty((n_probes, self.n_words), np.uint32)
        perturbations = query.symbols[0, table], query.costs[0, table]
        bits = self.family.symbol_bits
        return keys[: probe_keys(query.keys[table, 0], *perturbations, n_bits, bits, n_probes, keys)]

    def geometry(self, exact: ExactSearch) -> Geometry:
        """Return where the data lies, for `search_until`; for planes the least distance from the centre is measured."""
        centre = self.centre.astype(np.float64)
        if isinstance(self.family, PStable):
            return Geometry(PSTABLE, self.family.width, centre, 0.0)
        least = math.inf
        for start in range(0, len(exact.X), _BLOCK_ROWS):
            rows = prepare(exact.X[start : start + _BLOCK_ROWS], self.metric, self.centre).astype(np.float64)
            least = min(least, float(np.linalg.norm(rows, axis=1).min()))
        return Geometry(PLANES, 0.0, centre, least * (1 - 1e-5))  # less by what rounding may change

    def mask(self, n_bits: int) -> UInt32Array:
        """Return the bits that the first `n_bits` symbols of a key occupy: uint32[W]."""
        mask = np.empty(self.n_words, np.uint32)
        prefix_mask(n_bits, self.family.symbol_bits, mask)
        return mask

    def project(self, X: Float32Array, n_tables: int) -> Float32Array:
        """Return the projections of raw vectors on the first tables' directions: float32[n, n_tables * n_bits]."""
        return self._project(prepare(X, self.metric, self.centre), n_tables)

    def collision_probability(self, q: Float32Array, rows: Float32Array) -> Float64Array:
        """Return the probability that one function hashes q, float32[d], and each of rows, float32[m, d], alike."""
        return self.family.collision_probability(self.family_distance(q, rows))

    def family_distance(self, q: Float32Array, rows: Float32Array) -> Float64Array:
        """Return the distance that the family hashes, from q, float32[d], to each of rows, float32[m, d]: float64[m].

        For planes that is the angle about the centre, in radians; for p-stable projections the Euclidean distance.
        """
        a = prepare(q[None, :], self.metric, self.centre)[0].astype(np.float64)
        b = prepare(rows, self.metric, self.centre).astype(np.float64)
        if isinstance(self.family, PStable):
            return np.asarray(np.linalg.norm(b - a, axis=1))
        # Without temporary arrays of all values, as `np.linalg.norm` makes them.
        lengths = np.sqrt(np.einsum("ij,ij->i", b, b)) * np.linalg.norm(a)
        cosines = np.divide(b @ a, lengths, out=np.zeros(len(b)), where=lengths > 0)
        near = np.flatnonzero((cosines > 0.5) | (lengths == 0))  # the equal are among them
        cosines[near[(b[near] == a).all(axis=1)]] = 1.0  # also at the centre, where angles are undefined
        return np.asarray(np.arccos(np.clip(cosines, -1.0, 1.0)))

    def _project(self, prepared: Float32Array, n_tables: int) -> Float32Array:
        out = np.empty((len(prepared), n_tables * self.n_bits), np.float32)
        project(prepared, self.family.directions, out)
        return out

    def _pack(self, projected: Float32Array) -> UInt32Array:
        n, n_tables = len(projected), projected.shape[1] // self.n_bits
        symbols = self.family.hash(projected).reshape(n, n_tables, self.n_bits)
        keys = np.empty((n_tables, n, self.n_words), np.uint32)
        pack(symbols, self.family.symbol_bits, keys)
        return keys


def _learned(
    params: Params, exact: Collection, centre: Float32Array, labels: Labels | None, rng: np.random.Generator
) -> LearnedPlanes:
    """Learn planes from a sample of the data, prepared as for hashing."""
    rows = evenly_spaced_rows(len(exact.X), _LEARNING_ROWS)
    sample = prepare(np.ascontiguousarray(exact.X[rows]), params.metric, centre)
    shape = params.n_tables, params.n_bits
    with threadpool_limits(1, user_api="blas"):  # for thousands of small products threads cost more than they gain
        if params.family == "itq":
            directions = learn_itq(sample, *shape, rng)
        else:
            directions = learn_grh(sample, _labels_of(rows, labels, len(exact.X)), *shape, rng)
    read_only(directions)
    return LearnedPlanes(directions)


def _labels_of(rows: Int64Array, labels: Labels | None, n: int) -> Labels:
    """Return the labels of some of n rows, checked."""
    if labels is None:
        raise ParameterError(
            "family 'grh' learns from labels: call fit(X, labels=(offsets, values)), where row i has the labels "
            "values[offsets[i]:offsets[i + 1]], or choose family 'itq', which needs none"
        )
    offsets, values = labels
    check_offsets(offsets, values, "labels")
    if len(offsets) != n + 1:
        raise ShapeError(f"labels are for {len(offsets) - 1} rows; X has {n}")
    picked = [values[offsets[row] : offsets[row + 1]] for row in rows]
    return np.cumsum([0, *map(len, picked)]), np.concatenate(picked)


def prepare(X: Float32Array, metric: str, centre: Float32Array) -> Float32Array:
    """Return vectors as the family hashes them: scaled to length one under cosine, and centred: float32[n, d].

    Centring changes no distance. It moves the origin, through which all hyperplanes go, to the middle of the data, so
    that every plane divides it; for p-stable projections it is a shift like that of their random offset.
    """
    out = np.empty(X.shape, np.float32)
    kernels.prepare(X, metric == "cosine", centre, out)
    return out


def mean_vector(X: StoredVectors, metric: str) -> Float32Array:
    """Return the mean of the vectors (each scaled to length one under cosine), float32[d], summed in float64."""
    return (_add_rows(np.zeros(X.shape[1]), X, metric) / len(X)).astype(np.float32)


def mean_of(exact: Collection) -> Float32Array:
    """Return the same of a collection, which may have several parts: rows are added one after another."""
    n, dim = exact.X.shape
    total = exact.fold(_add_part, np.zeros(dim))
    return np.asarray((total / n).astype(np.float32))


def _add_part(total: Float64Array, exact: ExactSearch) -> Float64Array:
    return _add_rows(total, exact.X, exact.metric)


def _add_rows(total: Float64Array, X: StoredVectors, metric: str) -> Float64Array:
    """Return the total, float64[d], and the vectors, each scaled to length one under cosine, added in order."""
    totals, nothing = total[None, :].copy(), np.zeros(X.shape[1], np.float32)
    for start in range(0, len(X), _BLOCK_ROWS):
        vectors = prepare(X[start : start + _BLOCK_ROWS], metric, nothing)
        add_by_bucket(vectors, np.zeros(len(vectors), np.int64), totals, np.zeros(1, np.int64))
    return np.asarray(totals[0])


def typical_width(exact: Collection) -> float:
    """Return 4 times the median distance from a vector to its 10th neighbour, the default bucket width.

    Where most vectors are duplicates and the median is zero, the mean of the distances above zero is used instead.
    """
    k = min(_WIDTH_NEIGHBOUR + 1, len(exact.X))  # the nearest neighbour is the vector itself
    sample = evenly_spaced(exact.X, _WIDTH_ROWS)
    kth = exact.X[exact.search(sample, k).ids[:, -1]]
    # In float64, since the distances of a search depend in their last bits on the processor, and the width is stored.
    distances = np.sqrt(((sample.astype(np.float64) - kth) ** 2).sum(axis=1))
    above_zero = distances[distances > 0]
    if not len(above_zero):
        return _WIDTH_FACTOR
    return _WIDTH_FACTOR * float(np.median(distances) or above_zero.mean())
