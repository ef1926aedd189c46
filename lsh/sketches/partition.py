"""Buckets of sketched vectors: the data structure of `SketchIndex`."""

from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np

from lsh.arrays import Float32Array, Float64Array, Int64Array, read_only
from lsh.exact import Collection, ExactSearch
from lsh.families.cells import CrossPolytopeCells, HyperplaneCells
from lsh.families.clusters import TRAINING_ROWS, Clusters
from lsh.hasher import mean_vector, prepare
from lsh.kernels.linear_algebra import add_by_bucket
from lsh.kernels.sketch_search import BucketArrays
from lsh.kernels.sketching import PLANES
from lsh.sampling import evenly_spaced
from lsh.sketches.sketch import draw_rotation, penalties, sketch

FAMILIES = ("kmeans", "crosspolytopes", "hyperplanes")

_BLOCK_ROWS = 16_384  # rows prepared at a time
_MIN_SAMPLE_ROWS = 16_384  # from which buckets are learned


class Family(Protocol):
    """A partition of space into numbered cells."""

    def assign(self, X: Float32Array) -> Int64Array:
        """Return the number of each vector's cell: float32[n, d] -> int64[n]."""


class Buckets(BucketArrays):
    """m buckets, none empty; the arrays are those of `BucketArrays`, read-only.

    centre is subtracted from vectors and queries, so that their common part costs no precision; centroids are the means
    of the buckets. The sketches of the centroids choose the buckets to probe; those of the vectors are of
    their difference from the centroid.
    """

    __slots__ = ()

    @property
    def nbytes(self) -> int:
        """Return the bytes that these arrays take."""
        return sum(array.nbytes for array in self)


@dataclass(frozen=True, slots=True)
class Partition:
    """What is learned or drawn before vectors are sorted into buckets; m cells, of which some may be empty.

    centre: float32[d]; rotation: float32[d, 128], of the sketches; cells: the family that numbers them.
    """

    centre: Float32Array
    rotation: Float32Array
    cells: Family
    n_cells: int

    @classmethod
    def learn(cls, exact: Collection, family: str, n_cells: int, rng: np.random.Generator) -> Self:
        """Learn the cells from a sample of the vectors, or draw them."""
        sample = evenly_spaced(exact.X, max(_MIN_SAMPLE_ROWS, n_cells * TRAINING_ROWS))
        centre = mean_vector(sample, exact.metric)
        sample = prepare(sample, exact.metric, centre)
        cells = _cells(family, sample, n_cells, rng)
        rotation = draw_rotation(sample, rng)
        read_only(centre, rotation)
        return cls(centre, rotation, cells, n_cells)


def build(exact: Collection, partition: Partition) -> Any:
    """Sort the vectors into the cells that are not empty, and sketch their differences from the means of the cells.

    Return the `Buckets` of each part of the collection (see `Collection.map`). They have all buckets in common, also
    those in which a part has no vectors.
    """
    cells = exact.map(_assigned, partition)
    empty = np.zeros((partition.n_cells, exact.X.shape[1])), np.zeros(partition.n_cells, np.int64)
    totals, sizes = exact.fold(_add_cells, empty, partition, cells)
    filled = np.flatnonzero(sizes)  # cells without vectors get no bucket, since probing one would find nothing
    centroids = (totals[filled] / sizes[filled, None]).astype(np.float32)
    return exact.map(_sketched, partition, centroids, np.cumsum(sizes > 0) - 1, cells)


def _assigned(exact: ExactSearch, partition: Partition) -> Int64Array:
    """Return the number of the cell of each vector: int64[n]."""
    cell = np.empty(len(exact.X), np.int64)
    for start in range(0, len(cell), _BLOCK_ROWS):
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
    planes, factors = np.empty((PLANES, m + n), np.uint64), np.empty((2, m + n), np.float32)
    subtracted = np.empty(m + n, np.float32)
    planes[:, :m], factors[:, :m] = sketch(centroids, rotation)
    subtracted[:m] = penalties(centroids, centre, "euclidean")
    for start in range(0, n, _BLOCK_ROWS):
        rows = order[start : start + _BLOCK_ROWS]
        places = slice(m + start, m + start + len(rows))
        vectors = prepare(X[rows], metric, centre)
        planes[:, places], factors[:, places] = sketch(vectors - centroids[bucket[rows]], rotation)
        subtracted[places] = penalties(vectors, centre, metric)
    starts = np.concatenate([[0], np.cumsum(np.bincount(bucket, minlength=m))])
    buckets = Buckets(centre, rotation, centroids, starts, order, planes, factors, subtracted)
    read_only(*buckets)
    return buckets


def _cells(family: str, sample: Float32Array, n_buckets: int, rng: np.random.Generator) -> Family:
    if family == "kmeans":
        return Clusters.train(sample, n_buckets, rng)
    if family == "crosspolytopes":
        return CrossPolytopeCells.draw(sample.shape[1], n_buckets, rng)
    return HyperplaneCells.draw(sample.shape[1], n_buckets.bit_length() - 1, rng)
