"""A query through an index of sketches: nearest buckets, their sketches, the best few exactly."""

import numpy as np
import numpy.typing as npt

from lsh.kernels.jit import kernel
from lsh.kernels.ranking import nearest
from lsh.kernels.sketching import DIMENSIONS, above, limit_for, quantise, score, times

Floats = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]


@kernel
def scan(
    Q: Floats,
    centre: Floats,
    rotation: Floats,
    centroids: Floats,
    half_squares: Floats,
    starts: Ids,
    order: npt.NDArray[np.int32],
    planes: npt.NDArray[np.uint64],
    factors: Floats,
    penalties: Floats,
    X: Floats,
    inverse_norms: Floats,
    metric: int,
    n_probes: int,
    n_reranked: int,
    room: int,
    first: int,
    last: int,
    ids: Ids,
    distances: Floats,
    n_candidates: Ids,
) -> None:
    """Search queries first to last: probe the nearest buckets, rank their sketches, re-rank the best exactly.

    Q float32[nq, d]; centre float32[d]; rotation float32[d, 128]; centroids float32[d, m]; bucket b holds the rows
    starts[b] to starts[b + 1] of planes uint64[4, n], factors float32[2, n], penalties float32[n] and order int32[n]
    (their ids). room: sketches in the n_probes fullest buckets. -> ids int64[nq, k], distances float32[nq, k],
    n_candidates int64[nq].
    """
    m = centroids.shape[1]
    centred = np.empty(Q.shape[1], np.float32)
    offsets, closeness = np.empty(m, np.float32), np.empty(m, np.float32)
    rotated, query = np.empty(DIMENSIONS, np.float32), np.empty(8, np.uint64)
    scores, rows = np.empty(room, np.float32), np.empty(room, np.uint32)
    probed, places = np.empty(n_probes, np.int64), np.empty(n_probes + 1, np.int64)
    for q in range(first, last):
        for t in range(centred.shape[0]):
            centred[t] = Q[q, t] - centre[t]
        times(centred, centroids, offsets)
        for b in range(m):
            closeness[b] = offsets[b] - half_squares[b]
        limit = limit_for(closeness, n_probes, 0)
        times(centred, rotation, rotated)
        step, total = quantise(rotated, query)
        count, n_buckets = 0, 0
        for b in range(m):
            if closeness[b] > limit and n_buckets < n_probes:
                start = starts[b]
                following = count + starts[b + 1] - start
                score(planes, factors, penalties, start, query, step, total, offsets[b], scores[count:following])
                probed[n_buckets], places[n_buckets] = start, count
                n_buckets += 1
                count = following
        places[n_buckets] = count
        limit = limit_for(scores[:count], n_reranked, n_reranked // 4 + 4)
        n_rows = 0
        for b in range(n_buckets):
            n_rows = above(scores[places[b] : places[b + 1]], limit, probed[b], rows, n_rows)
        best = np.empty(n_rows, np.int64)
        for r in range(n_rows):
            best[r] = order[rows[r]]
        nearest(Q[q], X, inverse_norms, metric, best, ids[q], distances[q])
        n_candidates[q] = count
