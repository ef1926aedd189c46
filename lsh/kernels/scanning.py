"""A query through an index of sketches: nearest buckets, their sketches, the best few exactly."""

import numpy as np

from lsh.arrays import Float32Array, Int32Array, Int64Array, UInt64Array
from lsh.kernels.checking import normalise
from lsh.kernels.jit import fast_kernel, kernel
from lsh.kernels.prefetching import prefetch
from lsh.kernels.ranking import nearest
from lsh.kernels.sketching import DIMENSIONS, above, limit_for, quantise, score, times

_ZERO = np.float32(0)
_SPARE = 16  # centroids measured beside twice as many as are wanted: so many, their sketches hardly ever miss one
_LINE = 16  # floats that come from memory together


@kernel
def scan(
    Q: Float32Array,
    ids: Int64Array,
    distances: Float32Array,
    n_candidates: Int64Array,
    unit: bool,
    shortest: float,
    longest: float,
    centre: Float32Array,
    rotation: Float32Array,
    centroids: Float32Array,
    starts: Int64Array,
    order: Int32Array,
    planes: UInt64Array,
    factors: Float32Array,
    penalties: Float32Array,
    X: Float32Array,
    inverse_norms: Float32Array,
    metric: int,
    n_probes: int,
    n_reranked: int,
    room: int,
) -> bool:
    """Search every query: probe the nearest buckets, rank their sketches, re-rank the best exactly.

    Q float32[nq, d] -> ids int64[nq, k], distances float32[nq, k], n_candidates int64[nq]. `normalise` checks Q here:
    return False, with no answer, when it finds a query doubtful.

    centre float32[d]; rotation float32[d, 128]; centroids float32[m, d]. planes uint64[4, m + n], factors float32[2,
    m + n] and penalties float32[m + n] are the sketches of the centroids and then of the vectors: those of bucket b
    stand from m + starts[b] to m + starts[b + 1]. order int32[n]: the ids of these vectors. room: sketches in the
    n_probes fullest buckets.
    """
    m, d = centroids.shape
    vector, centred = np.empty((1, d), np.float32), np.empty(d, np.float32)
    rotated, query = np.empty(DIMENSIONS, np.float32), np.empty(8, np.uint64)
    room = max(room, m)
    scores, places, best = np.empty(room, np.float32), np.empty(room, np.int64), np.empty(room, np.int64)
    buckets, offsets = np.empty(m, np.int64), np.empty(m, np.float32)
    for q in range(Q.shape[0]):
        if not normalise(Q[q : q + 1], unit, shortest, longest, vector):
            return False
        for t in range(d):
            centred[t] = vector[0, t] - centre[t]
        times(centred, rotation, rotated)
        step, total = quantise(rotated, query)
        score(planes, factors, penalties, 0, query, step, total, _ZERO, scores[:m])
        n_near = keep(scores[:m], 2 * n_probes + _SPARE, n_probes, places)
        approach(centred, centroids, penalties, places[:n_near], offsets, scores)
        n_buckets = min(keep(scores[:n_near], n_probes, 0, best), n_probes)
        count = 0
        for c in range(n_buckets):
            bucket, offset = places[best[c]], offsets[best[c]]
            start, following = starts[bucket], count + starts[bucket + 1] - starts[bucket]
            score(planes, factors, penalties, m + start, query, step, total, offset, scores[count:following])
            buckets[c], count = bucket, following
        n_rows = keep(scores[:count], n_reranked, n_reranked // 4 + 4, places)
        identify(places[:n_rows], buckets, starts, order, X, best)
        nearest(vector[0], X, inverse_norms, metric, best[:n_rows], ids[q], distances[q])
        n_candidates[q] = count
    return True


@kernel
def keep(scores: Float32Array, wanted: int, slack: int, places: Int64Array) -> int:
    """Write to `places`, ascending, where the best scores are: `wanted`, or at most `slack` more; return how many."""
    return above(scores, limit_for(scores, wanted, slack), 0, places, 0)


@fast_kernel
def approach(
    q: Float32Array,
    centroids: Float32Array,
    penalties: Float32Array,
    chosen: Int64Array,
    offsets: Float32Array,
    closeness: Float32Array,
) -> None:
    """Fill offsets[c] = <q, centroid> for each chosen bucket, and closeness[c] = that less |centroid|²/2."""
    for c in range(chosen.shape[0]):
        bucket = np.uint64(chosen[c])
        centroid, total = centroids[bucket], np.float32(0)
        for t in range(q.shape[0]):
            total += q[t] * centroid[t]
        offsets[c], closeness[c] = total, total - penalties[bucket]


@kernel
def identify(
    places: Int64Array, buckets: Int64Array, starts: Int64Array, order: Int32Array, X: Float32Array, rows: Int64Array
) -> None:
    """Fill rows with the ids at ascending places among the sketches of `buckets`, one after another.

    Their vectors lie anywhere in X, and are sent for at once.
    """
    c, first, following = -1, 0, 0  # the place p of bucket c is first + p in the order
    for r in range(places.shape[0]):
        while places[r] >= following:
            c += 1
            first = starts[buckets[c]] - following
            following += starts[buckets[c] + 1] - starts[buckets[c]]
        rows[r] = order[first + places[r]]
        for t in range(0, X.shape[1], _LINE):
            prefetch(X, rows[r] * X.shape[1] + t)
