"""Buckets of sketched vectors: the data structure of `SketchIndex`."""

from typing import Protocol

import numpy as np

from lsh.arrays import Float32Array, Int64Array, read_only
from lsh.exact import ExactSearch
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


def build(exact: ExactSearch, family: str, n_buckets: int, rng: np.random.Generator) -> Buckets:
    """Learn or draw the buckets, sort the vectors into them, and sketch each one's difference from its centroid."""
    X, n, metric = exact.X, len(exact.X), exact.metric
    sample = evenly_spaced(X, max(_MIN_SAMPLE_ROWS, n_buckets * TRAINING_ROWS))
    centre = mean_vector(sample, metric)
    sample = prepare(sample, metric, centre)
    cells = _cells(family, sample, n_buckets, rng)
    rotation = draw_rotation(sample, rng)
    bucket, centroids = _assigned(exact, centre, cells, n_buckets)
    order = np.argsort(bucket, kind="stable").astype(np.int32)
    m = len(centroids)
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
    starts = np.concatenate([[0], np.cumsum(np.bincount(bucket))])
    buckets = Buckets(centre, rotation, centroids, starts, order, planes, factors, subtracted)
    read_only(*buckets)
    return buckets


def _cells(family: str, sample: Float32Array, n_buckets: int, rng: np.random.Generator) -> Family:
    if family == "kmeans":
        return Clusters.train(sample, n_buckets, rng)
    if family == "crosspolytopes":
        return CrossPolytopeCells.draw(sample.shape[1], n_buckets, rng)
    return HyperplaneCells.draw(sample.shape[1], n_buckets.bit_length() - 1, rng)


def _assigned(
    exact: ExactSearch, centre: Float32Array, cells: Family, n_buckets: int
) -> tuple[Int64Array, Float32Array]:
    """Return the bucket of each vector, int64[n], and the mean of each bucket, float32[m, d].

    Cells without vectors get no bucket, since probing one would find nothing.
    """
    cell = np.empty(len(exact.X), np.int64)
    totals, sizes = np.zeros((n_buckets, exact.X.shape[1])), np.zeros(n_buckets, np.int64)
    for start in range(0, len(cell), _BLOCK_ROWS):
        vectors = prepare(exact.X[start : start + _BLOCK_ROWS], exact.metric, centre)
        block = cell[start : start + len(vectors)] = cells.assign(vectors)
        add_by_bucket(vectors, block, totals, sizes)
    filled = np.flatnonzero(sizes)
    bucket_of_cell = np.cumsum(sizes > 0) - 1
    return bucket_of_cell[cell], (totals[filled] / sizes[filled, None]).astype(np.float32)
