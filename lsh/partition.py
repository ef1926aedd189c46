"""Vectors sorted into buckets and sketched: all that a search of `SketchIndex` reads beside the vectors."""

from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np

from lsh.arrays import Float32Array, Int32Array, Int64Array
from lsh.cells import CrossPolytopeCells, HyperplaneCells
from lsh.clusters import TRAINING_ROWS, Clusters, totals_by_bucket
from lsh.exact import ExactSearch
from lsh.hasher import mean_vector, prepare
from lsh.kernels.sketch_search import BucketArrays
from lsh.sampling import evenly_spaced
from lsh.sketch import Sketches, draw_rotation, penalties

FAMILIES = ("kmeans", "crosspolytopes", "hyperplanes")

_BLOCK_ROWS = 16_384  # rows prepared at a time
_SAMPLE_ROWS = 16_384  # at least so many rows show where the data lies


class Family(Protocol):
    """What sorts vectors into buckets."""

    def assign(self, X: Float32Array) -> Int64Array:
        """Return the number of each vector's bucket: float32[n, d] -> int64[n]."""


@dataclass(frozen=True, slots=True)
class Buckets:
    """The buckets, m of them, none empty.

    centre: float32[d], taken away from vectors and queries, so that what they have in common costs no precision.
    centroids: float32[m, d], the mean of each bucket. order: int32[n], the ids bucket by bucket; bucket b is
    order[starts[b]:starts[b + 1]]. sketches and penalties (see `lsh.sketch.penalties`) are those of the centroids,
    which say where to look first, and then those of the vectors less their centroid, in that order: m + n together.
    fullest[b]: vectors in the b fullest buckets.
    """

    centre: Float32Array
    rotation: Float32Array
    centroids: Float32Array
    starts: Int64Array
    order: Int32Array
    sketches: Sketches
    penalties: Float32Array
    fullest: Int64Array

    @classmethod
    def from_arrays(
        cls,
        centre: Float32Array,
        rotation: Float32Array,
        centroids: Float32Array,
        starts: Int64Array,
        order: Int32Array,
        sketches: Sketches,
        penalties: Float32Array,
    ) -> Self:
        """Return the buckets that these arrays describe; the arrays become read-only."""
        fullest = np.concatenate([[0], np.cumsum(np.sort(np.diff(starts))[::-1])])
        buckets = cls(centre, rotation, centroids, starts, order, sketches, penalties, fullest)
        for array in (*buckets.arrays, fullest):
            array.flags.writeable = False
        return buckets

    @property
    def arrays(self) -> BucketArrays:
        """Return the arrays as the kernels take them."""
        return BucketArrays(
            centre=self.centre,
            rotation=self.rotation,
            centroids=self.centroids,
            starts=self.starts,
            order=self.order,
            planes=self.sketches.planes,
            factors=self.sketches.factors,
            penalties=self.penalties,
        )

    @property
    def nbytes(self) -> int:
        """Return the bytes that these arrays take."""
        return self.fullest.nbytes + sum(array.nbytes for array in self.arrays)


def build(exact: ExactSearch, family: str, n_buckets: int, rng: np.random.Generator) -> Buckets:
    """Learn or draw the buckets, sort the vectors into them, and sketch each one's difference from its centroid."""
    X, n, metric = exact.X, len(exact.X), exact.metric
    sample = evenly_spaced(X, max(_SAMPLE_ROWS, n_buckets * TRAINING_ROWS))
    centre = mean_vector(sample, metric)
    sample = prepare(sample, metric, centre)
    cells = _cells(family, sample, n_buckets, rng)
    rotation = draw_rotation(sample, rng)
    bucket, centroids = _sorted_in(exact, centre, cells, n_buckets)
    order = np.argsort(bucket, kind="stable").astype(np.int32)
    m = len(centroids)
    sketches, taken_off = Sketches.empty(m + n), np.empty(m + n, np.float32)
    sketches.fill(0, np.asarray(centroids @ rotation, np.float32))
    taken_off[:m] = penalties(centroids, centre, "euclidean")
    for start in range(0, n, _BLOCK_ROWS):
        rows = order[start : start + _BLOCK_ROWS]
        vectors = prepare(X[rows], metric, centre)
        sketches.fill(m + start, np.asarray((vectors - centroids[bucket[rows]]) @ rotation, np.float32))
        taken_off[m + start : m + start + len(rows)] = penalties(vectors, centre, metric)
    starts = np.concatenate([[0], np.cumsum(np.bincount(bucket))])
    return Buckets.from_arrays(centre, rotation, centroids, starts, order, sketches, taken_off)


def _cells(family: str, sample: Float32Array, n_buckets: int, rng: np.random.Generator) -> Family:
    if family == "kmeans":
        return Clusters.train(sample, n_buckets, rng)
    if family == "crosspolytopes":
        return CrossPolytopeCells.draw(sample.shape[1], n_buckets, rng)
    return HyperplaneCells.draw(sample.shape[1], n_buckets.bit_length() - 1, rng)


def _sorted_in(
    exact: ExactSearch, centre: Float32Array, cells: Family, n_buckets: int
) -> tuple[Int64Array, Float32Array]:
    """Return the bucket of each vector, int64[n], and the mean of each, float32[m, d].

    Buckets that stay empty are left out: they would only waste a probe.
    """
    bucket = np.empty(len(exact.X), np.int64)
    totals, sizes = np.zeros((n_buckets, exact.X.shape[1])), np.zeros(n_buckets, np.int64)
    for start in range(0, len(bucket), _BLOCK_ROWS):
        vectors = prepare(exact.X[start : start + _BLOCK_ROWS], exact.metric, centre)
        block = bucket[start : start + len(vectors)] = cells.assign(vectors)
        more = totals_by_bucket(vectors, block, n_buckets)
        totals += more[0]
        sizes += more[1]
    filled = np.flatnonzero(sizes)
    new_number = np.cumsum(sizes > 0) - 1
    return new_number[bucket], (totals[filled] / sizes[filled, None]).astype(np.float32)
