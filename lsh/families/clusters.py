"""k-means clusters: buckets learned from the data.

The hash of a vector is the number of the nearest of m centroids, and the buckets are the cells around them. Random
hyperplanes do not depend on the data; centroids are where the data is, so that of equally many buckets the nearest few
contain more of a query's neighbours. Buckets are probed in order of their centroid's distance. (S. Lloyd, "Least
squares quantization in PCM", 1982; as an index: H. Jégou, M. Douze, C. Schmid, "Product quantization for nearest
neighbor search", TPAMI 2011.)
"""

from dataclasses import dataclass

import numpy as np

from earshot_common.stages import steps
from lsh.arrays import Float32Array, Int64Array
from lsh.kernels.linear_algebra import add_by_bucket, half_squares, settle_close

TRAINING_ROWS = 64  # rows of the sample per centroid; more hardly change it
_ROUNDS = 8
_BLOCK_ROWS = 4096


@dataclass(frozen=True, slots=True)
class Clusters:
    """Centroids: float32[m, d]; half_squares: float32[m], |c|² / 2."""

    centroids: Float32Array
    half_squares: Float32Array

    @classmethod
    def train(cls, sample: Float32Array, n_clusters: int, rng: np.random.Generator) -> "Clusters":
        """Fit `n_clusters` centroids to a sample, float32[s, d].

        A centroid whose cluster becomes empty is moved to a random vector.
        """
        centroids = sample[rng.choice(len(sample), n_clusters, replace=len(sample) < n_clusters)].copy()
        for _ in steps("lsh", "learning the buckets", range(_ROUNDS)):
            totals, sizes = np.zeros(centroids.shape), np.zeros(n_clusters, np.int64)
            add_by_bucket(sample, cls.from_centroids(centroids).assign(sample), totals, sizes)
            empty = np.flatnonzero(sizes == 0)
            totals[empty] = sample[rng.choice(len(sample), len(empty))]
            centroids = (totals / np.maximum(sizes, 1)[:, None]).astype(np.float32)
        return cls.from_centroids(centroids)

    @classmethod
    def from_centroids(cls, centroids: Float32Array) -> "Clusters":
        """Return the clusters around given centroids: float32[m, d]."""
        halves = np.empty(len(centroids), np.float32)
        half_squares(centroids, halves)
        return cls(centroids, halves)

    def assign(self, X: Float32Array) -> Int64Array:
        """Return the number of each vector's nearest centroid: float32[n, d] -> int64[n]."""
        nearest = np.empty(len(X), np.int64)
        for start in range(0, len(X), _BLOCK_ROWS):
            block = X[start : start + _BLOCK_ROWS]
            closeness = block @ self.centroids.T
            closeness -= self.half_squares
            own = closeness.argmax(axis=1)
            settle_close(block, self.centroids, self.half_squares, closeness, own)
            nearest[start : start + len(block)] = own
        return nearest
