"""Buckets of sketched vectors: the data structure of `SketchIndex`."""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
import numpy.typing as npt

from earshot_common.stages import stage, steps
from lsh import validate
from lsh.arrays import Collection, Float32Array, Float64Array, Int64Array, read_only
from lsh.exact import ExactSearch
from lsh.families.cells import CrossPolytopeCells, HyperplaneCells
from lsh.families.clusters import TRAINING_ROWS, Clusters
from lsh.hasher import mean_vector, prepare
from lsh.kernels.fast_scan import pack_codes
from lsh.kernels.hashing import projections
from lsh.kernels.linear_algebra import add_by_bucket
from lsh.kernels.range_search import list_within
from lsh.kernels.shuffling import BLOCK, BLOCK_BYTES
from lsh.kernels.sketch_search import BucketArrays, centroid_products
from lsh.params import MAX_BUCKETS, MeasuredSketchSetting
from lsh.result import RangeResult
from lsh.sampling import evenly_spaced
from lsh.sketches.sketch import draw_rotation, penalties, sketch
from lsh.threads import in_chunks

FAMILIES = ("kmeans", "crosspolytopes", "hyperplanes")

_BLOCK_ROWS = 16_384  # rows prepared at a time
_MIN_SAMPLE_ROWS = 16_384  # from which buckets are learned
_GAP_ROWS = 512
_MOST_PROBES = 4  # times the mean
_MEAN_SHARE = 0.3  # of a mean in the centroid of a cross-polytope's cell, with which the fewest sketches are scanned
_GAP_DISTANCES = 2**22  # at most, for the mean gaps


class Family(Protocol):
    """A partition of space into numbered cells."""

    def assign(self, X: Float32Array) -> Int64Array:
        """Return the number of each vector's cell: float32[n, d] -> int64[n]."""


class Buckets(BucketArrays):
    """m buckets; the arrays are those of `BucketArrays`, read-only.

    The centre is subtracted from vectors and queries, so that their common part costs no precision; centroids are the
    means of the buckets, or lie near the directions of cross-polytopes (`_centroids`). The sketches of the centroids
    choose the buckets to probe; those of the vectors are of their difference from the centroid.
    """

    __slots__ = ()

    @property
    def centre(self) -> Float32Array:
        """Return the centre: float32[d]."""
        centre: Float32Array = self.points[0]
        return centre

    @property
    def centroids(self) -> Float32Array:
        """Return the centroids: float32[m, d]."""
        return self.points[1:]

    @property
    def bucket_starts(self) -> Int64Array:
        """Return where the ids of each bucket begin in `order`, and n: int64[m + 1]."""
        return self.starts[0, 1:] - len(self.centroids)

    @property
    def nbytes(self) -> int:
        """Return the bytes that these arrays take."""
        return sum(array.nbytes for array in self)


# Of `search_buckets`, from `buckets` to `capacity`.
Arguments = tuple[tuple[Any, ...], tuple[Any, ...], int, float, int, int]


class Parts(NamedTuple):
    """The parts of a `SketchIndex`.

    gaps: float32[m], of `mean_gaps`; where they are infinite, as many buckets are probed for every query.
    capacity[p]: the number of vectors in the p fullest buckets, int64[m + 1]. default: of searches that give none.
    """

    exact: ExactSearch
    buckets: Buckets
    gaps: Float32Array
    capacity: Int64Array
    default: MeasuredSketchSetting

    def arguments(self, n_probes: int | None, n_ranked: int) -> Arguments:
        """Return the arguments of a search, checked, as the kernel takes them; None stands for the default."""
        exact, buckets, gaps, capacity, default = self
        chosen = default.n_probes if n_probes is None else n_probes
        wanted = min(validate.integer(chosen, "n_probes", 1, MAX_BUCKETS), len(gaps))
        gap = float(gaps[wanted - 1]) if wanted < len(gaps) else np.inf
        most = wanted if gap == np.inf else min(_MOST_PROBES * wanted, len(gaps))
        return tuple(buckets), exact.vectors.arguments(), most, gap, n_ranked, int(capacity[most])


@dataclass(frozen=True, slots=True)
class Partition:
    """What is learned or drawn before vectors are sorted into buckets; m cells, of which some may be empty.

    centre: float32[d]; rotation: float32[d, 128], of the sketches; cells: the family that numbers them; sample:
    float32[s, d], a few prepared vectors, for `mean_gaps`.
    """

    centre: Float32Array
    rotation: Float32Array
    cells: Family
    n_cells: int
    sample: Float32Array

    @classmethod
    @stage("lsh", "learning the buckets")
    def learn(cls, exact: Collection, family: str, n_cells: int, rng: np.random.Generator) -> Self:
        """Learn the cells from a sample of the vectors, or draw them."""
        sample = evenly_spaced(exact.X, max(_MIN_SAMPLE_ROWS, n_cells * TRAINING_ROWS))
        centre = mean_vector(sample, exact.metric)
        sample = prepare(sample, exact.metric, centre)
        cells = _cells(family, sample, n_cells, rng)
        rotation = draw_rotation(sample, rng)
        few = evenly_spaced(sample, min(_GAP_ROWS, max(1, _GAP_DISTANCES // n_cells)))
        read_only(centre, rotation)
        return cls(centre, rotation, cells, n_cells, few)


def default_buckets(n: int) -> int:
    """Return the power of two nearest to the square root of n, so that there are as many buckets as vectors in each."""
    return int(2 ** np.round(np.log2(n) / 2))


def mean_gaps(sample: Float32Array, centroids: Float32Array) -> Float32Array:
    """Return for 1 to m buckets by how much the squared distance to a centroid may exceed the least: float32[m].

    With the gap of p buckets, p centroids are so near on average, over a sample of prepared vectors, float32[s, d].
    """
    closeness = projections(sample, np.ascontiguousarray(centroids.T)) - penalties(centroids, centroids[0], "euclidean")
    gaps = np.sort(2 * (closeness.max(axis=1, keepdims=True) - closeness), axis=None)
    chosen: Float32Array = gaps[len(sample) - 1 :: len(sample)].copy()
    return chosen


def group_starts(bucket_starts: Int64Array) -> Int64Array:
    """Return the `starts` of `BucketArrays`, int64[2, m + 2], of m buckets of ids, int64[m + 1]."""
    m = len(bucket_starts) - 1
    first = np.concatenate([[0], m + bucket_starts])
    return np.array([first, np.cumsum(-(-np.diff(first, prepend=0) // BLOCK))])


def code_places(starts: Int64Array) -> Int64Array:
    """Return the place of each code (see `pack_codes`), of centroids and vectors: int64[m + n]."""
    first, blocks = starts
    return np.repeat(BLOCK * blocks[:-1] - first[:-1], np.diff(first)) + np.arange(first[-1])


@stage("lsh", "sorting into buckets and sketching")
def build(exact: Collection, partition: Partition) -> tuple[Any, Float32Array]:
    """Sort the vectors into the cells that are not empty, and sketch their differences from the cells' centroids.

    Return the `Buckets` of each part of the collection (see `Collection.map`), and their `mean_gaps`, float32[m],
    infinite under Euclidean distance. The parts have all buckets in common, also those in which one has no vectors.
    """
    cells = exact.map(_assigned, partition)
    empty = np.zeros((partition.n_cells, exact.X.shape[1])), np.zeros(partition.n_cells, np.int64)
    totals, sizes = exact.fold(_add_cells, empty, partition, cells)
    filled = np.flatnonzero(sizes)  # cells without vectors get no bucket, since probing one would find nothing
    centroids = _centroids(partition.cells, totals, sizes)[filled]
    gaps = np.full(len(centroids), np.inf, np.float32)
    if exact.metric == "cosine":  # under Euclidean distance one gap for all, short vectors and long ones, takes longer
        gaps = mean_gaps(partition.sample, centroids)
    read_only(gaps)
    return exact.map(_sketched, partition, centroids, np.cumsum(sizes > 0) - 1, cells), gaps


def _centroids(cells: Family, totals: Float64Array, sizes: Int64Array) -> Float32Array:
    """Return the centroids of cells, float32[m, d], from the totals, float64[m, d], and sizes of their vectors.

    They are the means; of cross-polytopes a part of the mean, and else a point on the direction of the corner, as far
    from the centre as vectors reach along those of their own cells on average. The mean of a few vectors in 128
    dimensions lies far off the direction by which its cell is defined, and to probe by it takes more sketches.
    """
    means = totals / np.maximum(sizes, 1)[:, None]
    if isinstance(cells, CrossPolytopeCells) and len(sizes) > 1:
        corners = cells.corners.T.astype(np.float64)
        reach = math.fsum((corners * totals).ravel()) / sizes.sum()
        means = _MEAN_SHARE * means + (1 - _MEAN_SHARE) * reach * corners
    return np.asarray(means, np.float32)


def nearest_buckets(exact: ExactSearch, buckets: Buckets) -> Buckets:
    """Return the buckets of other vectors around the same centroids, in each those nearest to it; some may be empty."""
    centroids, m = np.ascontiguousarray(buckets.centroids), len(buckets.centroids)
    clusters = Clusters.from_centroids(centroids)
    partition = Partition(buckets.centre, buckets.rotation, clusters, m, centroids[:0])
    return _sketched(exact, partition, centroids, np.arange(m), _assigned(exact, partition))


def ranges_in(
    exact: ExactSearch, buckets: Buckets, Q: npt.ArrayLike, radius: float, n_probes: int, n_threads: int
) -> RangeResult:
    """Return the vectors within a radius that lie in the n_probes buckets with the nearest centroids, or in all."""
    queries, limit, vectors = exact.prepare_queries(Q), np.float32(validate.radius(radius)), tuple(exact.vectors)
    centroids, order, starts, halves = buckets.centroids, buckets.order, buckets.bucket_starts, buckets.terms[1]
    every, listed = np.arange(len(centroids)), [(np.empty(0, np.int64), np.empty(0, np.float32))] * len(queries)

    def search_rows(first: int, last: int) -> None:
        products, closeness = np.empty((2, len(centroids)), np.float32)
        for q in range(first, last):
            centroid_products(queries[q] - buckets.centre, centroids, halves, every, products, closeness)
            near = np.argsort(-closeness, kind="stable")[:n_probes].tolist()
            rows = np.concatenate([order[starts[bucket] : starts[bucket + 1]] for bucket in near]).astype(np.int64)
            ids, distances = np.empty(len(rows), np.int64), np.empty(len(rows), np.float32)
            count = list_within(queries[q], vectors, rows, limit, ids, distances)
            listed[q] = ids[:count].copy(), distances[:count].copy()

    in_chunks(search_rows, len(queries), n_threads)
    return RangeResult.of(np.array([len(ids) for ids, _ in listed], np.int64), listed)


def _assigned(exact: ExactSearch, partition: Partition) -> Int64Array:
    """Return the number of the cell of each vector: int64[n]."""
    cell = np.empty(len(exact.X), np.int64)
    for start in steps("lsh", "sorting into buckets", range(0, len(cell), _BLOCK_ROWS)):
        vectors = prepare(exact.X[start : start + _BLOCK_ROWS], exact.metric, partition.centre)
        cell[start : start + len(vectors)] = partition.cells.assign(vectors)
    return cell


def _add_cells(
    found: tuple[Float64Array, Int64Array], exact: ExactSearch, partition: Partition, cell: Int64Array
) -> tuple[Float64Array, Int64Array]:
    """Return the totals, float64[m, d], and sizes, int64[m], of the cells with the vectors of one more part."""
    totals, sizes = found[0].copy(), found[1].copy()
    for start in range(0, len(cell), _BLOCK_ROWS):
        vectors = prepare(exact.X[start : start + _BLOCK_ROWS], exact.metric, partition.centre)
        add_by_bucket(vectors, cell[start : start + len(vectors)], totals, sizes)
    return totals, sizes


def _sketched(
    exact: ExactSearch, partition: Partition, centroids: Float32Array, bucket_of_cell: Int64Array, cell: Int64Array
) -> Buckets:
    X, n, metric, m = exact.X, len(exact.X), exact.metric, len(centroids)
    centre, rotation, bucket = partition.centre, partition.rotation, bucket_of_cell[cell]
    order = np.argsort(bucket, kind="stable").astype(np.int32)
    starts = group_starts(np.concatenate([[0], np.cumsum(np.bincount(bucket, minlength=m))]))
    places = code_places(starts)
    codes, terms = np.zeros(starts[1, -1] * BLOCK_BYTES, np.uint8), np.zeros((2, m + n + BLOCK - 1), np.float32)
    planes, (terms[0, :m], _) = sketch(centroids, rotation)
    pack_codes(planes, places[:m], codes)
    terms[1, :m] = penalties(centroids, centre, "euclidean")
    for start in steps("lsh", "sketching", range(0, n, _BLOCK_ROWS)):
        rows = order[start : start + _BLOCK_ROWS]
        own = slice(m + start, m + start + len(rows))
        vectors = prepare(X[rows], metric, centre)
        planes, (terms[0, own], _) = sketch(vectors - centroids[bucket[rows]], rotation)
        pack_codes(planes, places[own], codes)
        terms[1, own] = penalties(vectors, centre, metric)
    buckets = Buckets(np.concatenate([centre[None], centroids]), rotation, starts, order, codes, terms)
    read_only(*buckets)
    return buckets


def _cells(family: str, sample: Float32Array, n_buckets: int, rng: np.random.Generator) -> Family:
    if family == "kmeans":
        return Clusters.train(sample, n_buckets, rng)
    if family == "crosspolytopes":
        return CrossPolytopeCells.draw(sample.shape[1], n_buckets, rng)
    return HyperplaneCells.draw(sample.shape[1], n_buckets.bit_length() - 1, rng)
