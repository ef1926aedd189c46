"""Exact ranking: the distances of candidates, and the k nearest of them."""

from typing import NamedTuple

import numpy as np

from lsh.arrays import Float32Array, Int64Array
from lsh.kernels.jit import fast_kernel, kernel
from lsh.kernels.sketching import limit_for, select_above

COSINE = 0
EUCLIDEAN = 1


class Vectors(NamedTuple):
    """The indexed vectors: X float32[n, d]; inverse_norms float32[n], 1/|x| or 0; metric COSINE or EUCLIDEAN."""

    X: Float32Array
    inverse_norms: Float32Array
    metric: int


@fast_kernel
def cosine_distance(q: Float32Array, x: Float32Array, inverse_norm: np.float32) -> np.float32:
    """Return 1 - q.x/|x| for a query of length one; clipped to [0, 2]."""
    total = np.float32(0)
    for t in range(q.shape[0]):
        total += q[t] * x[t]
    return min(max(np.float32(1) - total * inverse_norm, np.float32(0)), np.float32(2))


@fast_kernel
def euclidean_distance(q: Float32Array, x: Float32Array) -> np.float32:
    """Return |q - x|, from the differences: expanding the square loses small distances between long vectors."""
    total = np.float32(0)
    for t in range(q.shape[0]):
        difference = q[t] - x[t]
        total += difference * difference
    return np.float32(np.sqrt(total))


@fast_kernel
def distances_to(
    q: Float32Array,
    X: Float32Array,
    inverse_norms: Float32Array,
    metric: int,
    candidates: Int64Array,
    out: Float32Array,
) -> None:
    """Fill out[c] with the distance of row candidates[c], in separate loops, which compile to faster code."""
    if metric == COSINE:
        for c in range(candidates.shape[0]):
            row = np.uint64(candidates[c])  # an index that cannot be negative needs no check for wrapping around
            out[c] = cosine_distance(q, X[row], inverse_norms[row])
    else:
        for c in range(candidates.shape[0]):
            out[c] = euclidean_distance(q, X[np.uint64(candidates[c])])


@fast_kernel
def inner_products(q: Float32Array, X: Float32Array, out: Float32Array) -> None:
    """Fill out = X @ q: float32[d], float32[n, d] -> float32[n]. X is read in order, at the speed of memory."""
    for r in range(np.uint64(X.shape[0])):
        x, total = X[r], np.float32(0)
        for t in range(q.shape[0]):
            total += q[t] * x[t]
        out[r] = total


@kernel
def shortlist(scores: Float32Array, k: int, margin: float, rows: Int64Array) -> int:
    """Write to `rows` the positions of all scores within `margin` of the k-th best, and a few more; return how many."""
    return select_above(scores, np.float32(limit_for(scores, k, k // 4 + 4) - margin), 0, rows, 0)


@kernel
def nearest(
    q: Float32Array,
    X: Float32Array,
    inverse_norms: Float32Array,
    metric: int,
    candidates: Int64Array,
    ids: Int64Array,
    distances: Float32Array,
) -> int:
    """Fill ids and distances (both [k]) with the nearest candidates, ties by id, then -1; return how many there are."""
    all_distances = np.empty(candidates.shape[0], np.float32)
    distances_to(q, X, inverse_norms, metric, candidates, all_distances)
    k = ids.shape[0]
    ids[:] = -1
    distances[:] = np.inf
    found = 0
    for c in range(candidates.shape[0]):
        d = all_distances[c]
        if found == k and d > distances[k - 1]:
            continue
        i = candidates[c]
        if found == k and d == distances[k - 1] and i > ids[k - 1]:
            continue
        at = found if found < k else k - 1
        while at > 0 and (distances[at - 1] > d or (distances[at - 1] == d and ids[at - 1] > i)):
            distances[at], ids[at] = distances[at - 1], ids[at - 1]
            at -= 1
        distances[at], ids[at] = d, i
        found = min(found + 1, k)
    return found
