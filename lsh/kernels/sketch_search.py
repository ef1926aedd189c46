"""Search in sketched buckets: find the nearest buckets, score their sketches, rank the best few exactly."""

from typing import Any, NamedTuple, Self

import numpy as np

from lsh.arrays import BoolArray, Float32Array, Int32Array, Int64Array, UInt8Array
from lsh.kernels.fast_scan import TABLE_BYTES, make_tables, scan_groups
from lsh.kernels.hashing import normalise
from lsh.kernels.intrinsics import prefetch
from lsh.kernels.jit import fast_kernel, kernel
from lsh.kernels.ranking import EXACT, exact_is_faster, is_rare, list_all, nearest
from lsh.kernels.selection import keep_best, limit_for, select_above
from lsh.kernels.shuffling import BLOCK
from lsh.kernels.sketching import DIMENSIONS, matvec

# Stands for all vectors: numba recognises an array sooner than None, and compiles the kernel apart for two dimensions.
ALL = np.empty((0, 0), np.bool_)
_EXTRA_CENTROIDS = 16  # ranked exactly in addition to half as many again as are wanted, so that few are missed
_CACHE_LINE = 64  # bytes


class BucketArrays(NamedTuple):
    """m buckets of n vectors: points float32[1 + m, d], rotation float32[d, 128], the map to the coordinates of codes.

    points: the centre, and the centroids. order int32[n]: the ids, bucket by bucket. starts int64[2, m + 2]: group 0 of
    sketches are those of the centroids, group b + 1 those of the vectors in bucket b; starts[0, g] is the first of a
    group among the terms, starts[1, g] its first block of codes. codes uint8[1024 * blocks]: sketches, each group in
    whole blocks (see `fast_scan`). terms float32[2, m + n + 31]: their factors and penalties; the last 31 are 0.
    """

    points: Float32Array
    rotation: Float32Array
    starts: Int64Array
    order: Int32Array
    codes: UInt8Array
    terms: Float32Array


class Counts(NamedTuple):
    """What decides how many buckets a search with a filter probes; of all parts of a collection with these buckets.

    n: vectors; n_allowed: of them those that may be found; k: neighbours that are wanted. in_group, allowed_in_group:
    int64[m + 1], of each group the vectors, and the allowed ones, -1 where they are not counted yet.
    """

    n: int
    n_allowed: int
    k: int
    in_group: Int64Array
    allowed_in_group: Int64Array

    @classmethod
    def of(cls, starts: Int64Array, n_allowed: int, k: int) -> Self:
        """Return those of a collection in one part; starts: int64[2, m + 2], of `BucketArrays`."""
        in_group = np.diff(starts[0])
        return cls(int(in_group[1:].sum()), n_allowed, k, in_group, np.full(len(in_group), -1))


@kernel
def search_buckets(
    Q: Float32Array,
    limits: tuple[bool, float, float],
    buckets: tuple[Any, ...],
    vectors: tuple[Any, ...],
    n_probes: int,
    gap: float,
    n_reranked: int,
    capacity: int,
    ids: Int64Array,
    distances: Float32Array,
    n_candidates: Int64Array,
    estimates: Float32Array,
    allowed: BoolArray,
    counts: Any,
) -> bool:
    """Search every query: probe the nearest buckets, score their sketches, rank the best exactly.

    Q float32[nq, d] -> ids int64[nq, k], distances float32[nq, k], n_candidates int64[nq]. Q is checked and scaled by
    `normalise` with `limits`, (unit, min_norm, max_norm); return False, without an answer, where that returns False.
    buckets, vectors: the fields of `BucketArrays` and `ranking.Vectors`, whose float32 numbers are given as `float`,
    since numba takes long to recognise those of NumPy. Of the n_probes buckets with the nearest centroids, those are
    probed whose squared distance exceeds the least by at most gap; capacity: sketches in the n_probes fullest buckets.
    Where estimates, float32[nq, k], has columns, the k = n_reranked vectors with the best sketches are not sorted, and
    come with what these estimate.

    allowed: bool[n], True for the vectors that may be found; then capacity is n, and counts are the fields of `Counts`;
    or `ALL` for all. Further buckets are probed until as many allowed vectors are in them as all together in the first
    ones, and at least k. Where exact search is better, n_candidates is EXACT and there is no answer (see
    `search_tables`).
    """
    points, rotation, starts, order, codes, terms = buckets
    centre, centroids = points[0], points[1:]
    rows, encoding, scale, shift, inverse_norms, metric = vectors
    ranked = rows, encoding, np.float32(scale), np.float32(shift), inverse_norms, metric
    unit, min_norm, max_norm = limits
    m, d = centroids.shape
    vector, centred = np.empty((1, d), np.float32), np.empty(d, np.float32)
    rotated, tables = np.empty(DIMENSIONS, np.float32), np.empty(TABLE_BYTES, np.uint8)
    n_near = n_probes + n_probes // 2 + _EXTRA_CENTROIDS
    # Centroids are cut in the same way in all indexes that have the buckets in common, though not the vectors.
    near_room = min(m, _room(n_near)) + BLOCK
    room = max(near_room, min(capacity, _room(n_reranked)) + BLOCK)
    if allowed.ndim == 1:
        room = max(room, m)
    scores, places = np.empty(room, np.float32), np.empty(room, np.int64)
    groups, offsets = np.zeros(room, np.int64), np.zeros(room, np.float32)
    best = np.empty(room, np.int64)
    for q in range(Q.shape[0]):
        if not normalise(Q[q : q + 1], unit, min_norm, max_norm, vector):
            return False
        for t in range(d):
            centred[t] = vector[0, t] - centre[t]
        matvec(centred, rotation, rotated)
        step, bias = make_tables(rotated, tables)
        sketches = starts, order, codes, terms, tables, step, bias
        groups[0], offsets[0] = 0, 0
        count, _ = scan_groups(groups[:1], offsets, *sketches, n_near, scores[:near_room], places)
        centroid_products(centred, centroids, terms[1], places[:count], offsets, scores)
        n_best = min(select_best(scores[:count], n_probes, 0, best), n_probes)
        least = np.float32(-np.inf)
        for c in best[:n_best]:
            least = max(least, scores[c])
        least = np.float32(least - gap / 2)  # a score is |q|²/2 less half the squared distance
        n_groups = n_candidates[q] = 0
        for c in best[:n_best]:  # c >= n_groups: no place is overwritten before it is read
            if scores[c] >= least:
                group = groups[n_groups] = places[c] + 1
                offsets[n_groups] = offsets[c]
                n_candidates[q] += starts[0, group + 1] - starts[0, group]
                n_groups += 1
        if allowed.ndim == 2:
            count, limit = scan_groups(groups[:n_groups], offsets, *sketches, n_reranked, scores, places)
        else:
            n_groups, n_candidates[q] = _add_groups(
                centred,
                (centroids, terms[1], starts, order),
                allowed,
                counts,
                n_groups,
                groups,
                offsets,
            )
            if n_candidates[q] == EXACT:
                continue
            count, limit = scan_groups(groups[:n_groups], offsets, *sketches, n_reranked, scores, places, allowed)
        ids_at(places[:count], m, order, rows, best)
        count = keep_best(scores[:count], limit, n_reranked, best[:count])
        if estimates.shape[1] > 0:
            list_all(vector[0], ranked, best[:count], scores, ids[q], distances[q], estimates[q])
        else:
            nearest(vector[0], ranked, best[:count], ids[q], distances[q])
    return True


@kernel
def _add_groups(
    centred: Float32Array,
    buckets: tuple[Any, ...],
    allowed: BoolArray,
    counts: tuple[Any, ...],
    n_groups: int,
    groups: Int64Array,
    offsets: Float32Array,
) -> tuple[int, int]:
    """Append the next nearest buckets to the n_groups probed ones; return how many there are, and allowed in them.

    That number is EXACT where exact search is better. centred: the query less the centre; buckets: centroids, their
    penalties, starts and order; counts: the fields of `Counts`, of which allowed_in_group is filled.
    """
    centroids, penalties, starts, order = buckets
    n, n_allowed, k, in_group, allowed_in_group = counts
    m, dim = centroids.shape
    n_met, count = 0, 0
    for group in groups[:n_groups]:
        n_met += in_group[group]
        count += _count_allowed(group, m, starts, order, allowed, allowed_in_group)
    wanted = min(max(n_met, k), n_allowed)
    if count >= wanted:
        return n_groups, count
    n_ids = n_met * wanted // max(count, 1)
    if is_rare(count, n_met, n_allowed, n) or exact_is_faster(n_allowed, wanted, n_ids, dim):
        return n_groups, EXACT
    products, closeness = np.empty(m, np.float32), np.empty(m, np.float32)
    centroid_products(centred, centroids, penalties, np.arange(m), products, closeness)
    for group in groups[:n_groups]:
        closeness[group - 1] = -np.inf
    n_ids = n_met
    for bucket in np.argsort(-closeness, kind="mergesort"):
        if count >= wanted:
            break
        group = groups[n_groups] = bucket + 1
        offsets[n_groups] = products[bucket]
        n_groups += 1
        n_ids += in_group[group]
        count += _count_allowed(group, m, starts, order, allowed, allowed_in_group)
        if exact_is_faster(n_allowed, wanted, n_ids, dim):
            return n_groups, EXACT
    return n_groups, count


@kernel
def _count_allowed(
    group: int, m: int, starts: Int64Array, order: Int32Array, allowed: BoolArray, allowed_in_group: Int64Array
) -> int:
    """Return the number of allowed vectors in a group, from allowed_in_group if it is there."""
    if allowed_in_group[group] < 0:
        count = 0
        for i in order[starts[0, group] - m : starts[0, group + 1] - m]:
            count += int(allowed[i])
        allowed_in_group[group] = count
    return allowed_in_group[group]  # type: ignore[no-any-return]


@kernel
def _room(wanted: int) -> int:
    """Return how many scores to keep before they are cut to the wanted ones: more take longer to read, fewer to cut."""
    return 3 * wanted + 2 * BLOCK


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
def ids_at(places: Int64Array, n_centroids: int, order: Int32Array, rows: UInt8Array, ids: Int64Array) -> None:
    """Fill ids with those of the vectors whose sketches are at some places, which follow those of the centroids.

    Prefetch their vectors, which are at random places in memory: rows uint8[n, bytes of a row], as in `Vectors`.
    """
    for r in range(places.shape[0]):
        ids[r] = order[places[r] - n_centroids]
        for t in range(0, rows.shape[1], _CACHE_LINE):
            prefetch(rows, ids[r] * rows.shape[1] + t)
