"""From candidates to neighbours: distinct ids, exact distances, the k best."""

import numpy as np
import numpy.typing as npt

from lsh.kernels.buckets import bucket, prefix_mask
from lsh.kernels.jit import fast_kernel, kernel
from lsh.kernels.probing import probe_keys

Floats = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]

COSINE = 0
EUCLIDEAN = 1


@fast_kernel
def cosine_distance(q: Floats, x: Floats, inverse_norm: np.float32) -> np.float32:
    """Return 1 - q.x/|x| for a query of length one; within [0, 2] whatever the rounding."""
    total = np.float32(0)
    for t in range(q.shape[0]):
        total += q[t] * x[t]
    return min(max(np.float32(1) - total * inverse_norm, np.float32(0)), np.float32(2))


@fast_kernel
def euclidean_distance(q: Floats, x: Floats) -> np.float32:
    """Return |q - x|, from the differences: the expanded square would lose small distances between long vectors."""
    total = np.float32(0)
    for t in range(q.shape[0]):
        difference = q[t] - x[t]
        total += difference * difference
    return np.float32(np.sqrt(total))


@fast_kernel
def measure(q: Floats, X: Floats, inverse_norms: Floats, metric: int, candidates: Ids, out: Floats) -> None:
    """Fill out[c] with the distance of row candidates[c], in loops with nothing else in them, which compile well."""
    if metric == COSINE:
        for c in range(candidates.shape[0]):
            row = np.uint64(candidates[c])  # an index that cannot be negative needs no check for wrapping around
            out[c] = cosine_distance(q, X[row], inverse_norms[row])
    else:
        for c in range(candidates.shape[0]):
            out[c] = euclidean_distance(q, X[np.uint64(candidates[c])])


@kernel
def nearest(
    q: Floats, X: Floats, inverse_norms: Floats, metric: int, candidates: Ids, ids: Ids, distances: Floats
) -> int:
    """Fill ids and distances (both [k]) with the nearest of `candidates`, ties by id; return how many were found."""
    measured = np.empty(candidates.shape[0], np.float32)
    measure(q, X, inverse_norms, metric, candidates, measured)
    k = ids.shape[0]
    ids[:] = -1
    distances[:] = np.inf
    found = 0
    for c in range(candidates.shape[0]):
        d = measured[c]
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


@kernel
def gather(
    keys: npt.NDArray[np.uint32],
    ids: npt.NDArray[np.int32],
    probes: npt.NDArray[np.uint32],
    mask: npt.NDArray[np.uint32],
    seen: npt.NDArray[np.uint32],
    visit: np.uint32,
    candidates: Ids,
    n_candidates: int,
) -> int:
    """Append to `candidates` the ids in one table's probed buckets that this visit has not seen; return the new count.

    keys: uint32[n, W] sorted; ids: int32[n] in the same order; probes: uint32[T, W]; seen: uint32[n], whose entries
    hold the number of the visit that last met an id, so that it never needs clearing.
    """
    for t in range(probes.shape[0]):
        start, stop = bucket(keys, probes[t], mask, 0, keys.shape[0])
        for position in range(start, stop):
            i = ids[position]
            if seen[i] != visit:
                seen[i] = visit
                candidates[n_candidates] = i
                n_candidates += 1
    return n_candidates


@kernel
def search(
    keys: npt.NDArray[np.uint32],
    ids: npt.NDArray[np.int32],
    query_keys: npt.NDArray[np.uint32],
    symbols: npt.NDArray[np.uint8],
    costs: Floats,
    n_bits: int,
    symbol_bits: int,
    n_probes: int,
    Q: Floats,
    X: Floats,
    inverse_norms: Floats,
    metric: int,
    found_ids: Ids,
    found_distances: Floats,
    n_candidates: Ids,
) -> None:
    """Search every query: look up its buckets, gather distinct candidates, rank them exactly.

    keys uint32[L, n, W], ids int32[L, n], query_keys uint32[L, nq, W], symbols uint8[nq, L, K, m], costs
    float32[nq, L, K, m] -> found_ids int64[nq, k], found_distances float32[nq, k], n_candidates int64[nq].
    """
    n_tables, n, n_words = keys.shape
    mask = np.empty(n_words, np.uint32)
    prefix_mask(n_bits, symbol_bits, mask)
    probes = np.empty((n_probes, n_words), np.uint32)
    seen = np.zeros(n, np.uint32)
    candidates = np.empty(n, np.int64)
    for q in range(Q.shape[0]):
        count = 0
        for table in range(n_tables):
            n_keys = probe_keys(
                query_keys[table, q], symbols[q, table], costs[q, table], n_bits, symbol_bits, n_probes, probes
            )
            count = gather(keys[table], ids[table], probes[:n_keys], mask, seen, np.uint32(q + 1), candidates, count)
        nearest(Q[q], X, inverse_norms, metric, candidates[:count], found_ids[q], found_distances[q])
        n_candidates[q] = count
