"""Ten kinds of data, of 16 to 1,024 dimensions, from which rows and queries are drawn alike."""

import numpy as np


def normal(rng, n, dim):
    return rng.standard_normal((n, dim), np.float32)


def clustered(rng, n, dim, n_clusters=25):
    return 3 * normal(rng, n_clusters, dim)[rng.integers(0, n_clusters, n)] + 0.5 * normal(rng, n, dim)


def low_rank(rng, n, dim):
    return normal(rng, n, 8) @ normal(rng, 8, dim) + np.float32(0.01) * normal(rng, n, dim)


def duplicates(rng, n, dim):
    return normal(rng, n // 8, dim)[rng.integers(0, n // 8, n)]


def one_hot(rng, n, dim):
    """Return rows of zeros with three ones, or fewer where two fall on one place."""
    X = np.zeros((n, dim), np.float32)
    X[np.arange(n)[:, None], rng.integers(0, dim, (n, 3))] = 1
    return X


KINDS = [  # what draws them, rows and dimensions
    (normal, 100, 16),
    (normal, 20_000, 16),
    (normal, 5_000, 128),
    (clustered, 5_000, 64),
    (clustered, 2_000, 1_024),
    (low_rank, 1_000, 128),
    (low_rank, 5_000, 512),
    (duplicates, 10_000, 32),
    (one_hot, 5_000, 100),
    (one_hot, 2_000, 1_024),
]
