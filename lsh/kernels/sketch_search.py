"""Search in sketched buckets: find the nearest buckets, score their sketches, rank the best few exactly."""

from typing import Any, NamedTuple

import numpy as np

from lsh.arrays import Float32Array, Int32Array, Int64Array, UInt64Array
from lsh.kernels.hashing import normalise
from lsh.kernels.intrinsics import prefetch
from lsh.kernels.jit import fast_kernel, kernel
from lsh.kernels.ranking import list_all, nearest
from lsh.kernels.sketching import (
    DIMENSIONS,
    QUERY_PLANES,
    keep_best,
    limit_for,
    matvec,
    quantise,
    score,
    select_above,
)

_ZERO = np.float32(0)
_EXTRA_CENTROIDS = 16  # ranked exactly in addition to twice the number wanted, so that sketches rarely miss one
_CACHE_LINE = 64  # bytes


class BucketArrays(NamedTuple):
    """m buckets of n vectors: centre float32[d], rotation float32[d, 128], centroids float32[m, d].

    starts int64[m + 1], order int32[n]: the ids in bucket b are order[starts[b]:starts[b + 1]]. planes uint64[4, m +
    n], factors float32[2, m + n] and penalties float32[m + n] are the sketches of the centroids and then of the
    vectors in that order: those of bucket b are at m + starts[b] to m + starts[b + 1].
    """

    centre: Float32Array
    rotation: Float32Array
    centroids: Float32Array
    starts: Int64Array
    order: Int32Array
    planes: UInt64Array
    factors: Float32Array
    penalties: Float32Array


@kernel
def search_buckets(
    Q: Float32Array,
    limits: tuple[bool, float, float],
    buckets: tuple[Any, ...],
    vectors: tuple[Any, ...],
    n_probes: int,
    n_reranked: int,
    capacity: int,
    ids: Int64Array,
    distances: Float32Array,
    n_candidates: Int64Array,
    estimates: Float32Array,
) -> bool:
    """Search every query: probe the nearest buckets, score their sketches, rank the best exactly.

    Q float32[nq, d] -> ids int64[nq, k], distances float32[nq, k], n_candidates int64[nq]. Q is checked and scaled by
    `normalise` with `limits`, (unit, min_norm, max_norm); return False, without an answer, where that returns False.
    buckets, vectors: the fields of `BucketArrays` and `ranking.Vectors`; capacity: sketches in the n_probes fullest
    buckets. Where estimates, float32[nq, k], has columns, the k = n_reranked vectors with the best sketches are not
    sorted, and come with what these estimate.
    """
    centre, rotation, centroids, starts, order, planes, factors, penalties = buckets
    rows = vectors[0]
    unit, min_norm, max_norm = limits
    m, d = centroids.shape
    vector, centred = np.empty((1, d), np.float32), np.empty(d, np.float32)
    rotated, query = np.empty(DIMENSIONS, np.float32), np.empty(QUERY_PLANES, np.uint64)
    capacity = max(capacity, m)
    scores, best = np.empty(capacity, np.float32), np.empty(capacity, np.int64)
    places, chosen, offsets = np.empty(capacity, np.int64), np.empty(m, np.int64), np.empty(m, np.float32)
    for q in range(Q.shape[0]):
        if not normalise(Q[q : q + 1], unit, min_norm, max_norm, vector):
            return False
        for t in range(d):
            centred[t] = vector[0, t] - centre[t]
        matvec(centred, rotation, rotated)
        step, total = quantise(rotated, query)
        score(planes, factors, penalties, 0, query, step, total, _ZERO, scores[:m])
        n_near = select_best(scores[:m], 2 * n_probes + _EXTRA_CENTROIDS, n_probes, places)
        centroid_products(centred, centroids, penalties, places[:n_near], offsets, scores)
        n_buckets = min(select_best(scores[:n_near], n_probes, 0, best), n_probes)
        count = 0
        for c in range(n_buckets):
            bucket, offset = places[best[c]], offsets[best[c]]
            start, end = starts[bucket], count + starts[bucket + 1] - starts[bucket]
            score(planes, factors, penalties, m + start, query, step, total, offset, scores[count:end])
            chosen[c], count = bucket, end
        limit = limit_for(scores[:count], n_reranked, n_reranked // 8 + 2)
        n_rows = select_above(scores[:count], limit, 0, places, 0)
        ids_at(places[:n_rows], chosen, starts, order, best)
        for r in range(n_rows):
            scores[r] = scores[places[r]]
        n_rows = keep_best(scores[:n_rows], limit, n_reranked, best[:n_rows])
        for r in range(n_rows):  # their vectors are at random places in memory
            for t in range(0, rows.shape[1], _CACHE_LINE):
                prefetch(rows, best[r] * rows.shape[1] + t)
        if estimates.shape[1] > 0:
            list_all(vector[0], vectors, best[:n_rows], scores, ids[q], distances[q], estimates[q])
        else:
            nearest(vector[0], vectors, best[:n_rows], ids[q], distances[q])
        n_candidates[q] = count
    return True


@kernel
def select_best(scores: Float32Array, wanted: int, slack: int, places: Int64Array) -> int:
    """Write the positions of the `wanted` best scores, or up to `slack` more, to `places`, ascending; count them."""
    return select_above(scores, limit_for(scores, wanted, slack), 0, places, 0)


@fast_kernel
def centroid_products(
    q: Float32Array,
    centroids: Float32Array,
    penalties: Float32Array,
    chosen: Int64Array,
    products: Float32Array,
    closeness: Float32Array,
) -> None:
    """Fill products[c] = <q, centroid> for each chosen bucket, and closeness[c] = that less |centroid|²/2."""
    for c in range(chosen.shape[0]):
        bucket = np.uint64(chosen[c])
        centroid, total = centroids[bucket], np.float32(0)
        for t in range(q.shape[0]):
            total += q[t] * centroid[t]
        products[c], closeness[c] = total, total - penalties[bucket]


@kernel
def ids_at(places: Int64Array, buckets: Int64Array, starts: Int64Array, order: Int32Array, ids: Int64Array) -> None:
    """Fill ids with those at ascending places among the sketches of `buckets`, one bucket after another."""
    c, first, end = -1, 0, 0  # place p of bucket c is position first + p of the order
    for r in range(places.shape[0]):
        while places[r] >= end:
            c += 1
            first = starts[buckets[c]] - end
            end += starts[buckets[c] + 1] - starts[buckets[c]]
        ids[r] = order[first + places[r]]
