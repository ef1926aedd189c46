"""k-means clusters: buckets learned from the data.

The hash of a vector is the number of the nearest of m centroids, and the buckets are the cells around them. Random
hyperplanes do not depend on the data; centroids are where the data is, so that of equally many buckets the nearest few
contain more of a query's neighbours. Buckets are probed in order of their centroid's distance. (S. Lloyd, "Least
squares quantization in PCM", 1982; as an index: H. Jégou, M. Douze, C. Schmid, "Product quantization for nearest
neighbor search", TPAMI 2011.)
"""

from dataclasses import dataclass

import numpy as np

from lsh.arrays import Float32Array, Int64Array

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
        for _ in range(_ROUNDS):
            totals, sizes = totals_by_bucket(sample, cls.from_centroids(centroids).assign(sample), n_clusters)
            empty = np.flatnonzero(sizes == 0)
            totals[empty] = sample[rng.choice(len(sample), len(empty))]
            centroids = (totals / np.maximum(sizes, 1)[:, None]).astype(np.float32)
        return cls.from_centroids(centroids)

    @classmethod
    def from_centroids(cls, centroids: Float32Array) -> "Clusters":
        """Return the clusters around given centroids: float32[m, d]."""
        return cls(centroids, (np.einsum("ij,ij->i", centroids, centroids) / 2).astype(np.float32))

    def assign(self, X: Float32Array) -> Int64Array:
        """Return the number of each vector's nearest centroid: float32[n, d] -> int64[n]."""
        nearest = np.empty(len(X), np.int64)
        for start in range(0, len(X), _BLOCK_ROWS):
            closeness = X[start : start + _BLOCK_ROWS] @ self.centroids.T
            closeness -= self.half_squares
            nearest[start : start + len(closeness)] = closeness.argmax(axis=1)
        return nearest


def totals_by_bucket(X: Float32Array, bucket: Int64Array, n_buckets: int) -> tuple[Float32Array, Int64Array]:
    """Return the sum of the vectors in each bucket, float32[n_buckets, d], and their number, int64[n_buckets]."""
    sizes = np.bincount(bucket, minlength=n_buckets)
    totals = np.zeros((n_buckets, X.shape[1]), np.float32)
    filled = np.flatnonzero(sizes)
    totals[filled] = np.add.reduceat(X[np.argsort(bucket, kind="stable")], (np.cumsum(sizes) - sizes)[filled], axis=0)
    return totals, sizes
