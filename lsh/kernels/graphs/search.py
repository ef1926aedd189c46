"""Search in a graph: from node to node, by the estimated distances of a node's neighbours, in one block each.

The search keeps the nodes with the best estimates, and visits the best one that it has not visited, until it has
visited all that it keeps. To visit a node is to compute its exact distance, and to estimate those of its neighbours at
once (Y. Gou, J. Gao, Y. Xu, C. Long, "SymphonyQG: towards symphonious integration of quantization and graph for
approximate nearest neighbor search", SIGMOD 2025). The next node is chosen before the present one is read, so that
memory is read meanwhile, and so is that of the best one behind it.
"""

from typing import Any

import numpy as np

from lsh.arrays import BoolArray, Float32Array, Int32Array, Int64Array, UInt8Array, UInt16Array
from lsh.kernels.fast_scan import TABLE_BYTES, make_tables, score_block
from lsh.kernels.graphs.kept_nodes import NONE, is_new, keep, next_place, take
from lsh.kernels.graphs.records import FACTORS, IDS, RECORD, RECORD_BYTES, ROW_BYTES
from lsh.kernels.hashing import normalise
from lsh.kernels.intrinsics import clear_lowest, decode, fma, lowest_bit, prefetch
from lsh.kernels.jit import fast_kernel, kernel
from lsh.kernels.ranking import COSINE, EXACT, FLOAT16, UINT8, is_rare
from lsh.kernels.shuffling import BLOCK
from lsh.kernels.sketching import DIMENSIONS, matvec

_FIRST_KEPT = 4  # of the first nodes, unless all nodes are kept
_SEEN_PER_KEPT = 32  # places for the nodes that a search has met
_MIN_SEEN = 256
_CACHE_LINE = 64  # bytes


@kernel
def search_graph(
    Q: Float32Array,
    limits: tuple[bool, float, float],
    graph: tuple[Any, ...],
    vectors: tuple[Any, ...],
    n_kept: int,
    ids: Int64Array,
    distances: Float32Array,
    n_candidates: Int64Array,
    allowed: BoolArray | None = None,
    n_allowed: int = 0,
) -> bool:
    """Search every query: Q float32[nq, d] -> ids int64[nq, k], distances float32[nq, k], n_candidates int64[nq].

    Q is checked and scaled by `normalise` with `limits`; return False, without an answer, where that returns False.
    graph: the fields of `GraphArrays`; vectors: those of `ranking.Vectors`, float32 numbers given as `float`. n_kept:
    nodes that are kept; below k, fewer may be found. n_candidates: nodes that were visited: the answer has the nearest.

    allowed: bool[n], True for the n_allowed vectors that may be found, or None for all. Where the nodes visited tell
    nothing of these, or fewer than k were found that exist, n_candidates is EXACT and there is no answer.
    """
    centre, rotation, records = graph
    codes = records.reshape(records.size)
    blocks = codes, codes.view(np.float32).reshape(codes.size // ROW_BYTES, BLOCK), codes.view(np.int32)
    rows, encoding, scale, shift, inverse_norms, metric = vectors
    values = np.float32(scale), np.float32(shift), inverse_norms, metric
    unit, min_norm, max_norm = limits
    n, d = rows.shape[0], centre.shape[0]
    room = _MIN_SEEN
    while room < _SEEN_PER_KEPT * n_kept and room < 2 * n:
        room *= 2
    vectors_of, rotated, estimates, scores, nodes, seen, tables = _memory(d, n_kept, room)
    vector, centred, kept = vectors_of[:1], vectors_of[1], (scores, nodes)
    for q in range(Q.shape[0]):
        if not normalise(Q[q : q + 1], unit, min_norm, max_norm, vector):
            return False
        for t in range(d):
            centred[t] = vector[0, t] - centre[t]
        matvec(centred, rotation, rotated)
        step, bias = make_tables(rotated, tables)
        estimate = tables, step, bias, estimates
        seen[:] = NONE
        count, n_seen = _first_nodes(_half_square(centred), n, blocks, estimate, kept, seen)
        met, best = (seen, n_seen), (distances[q], ids[q])
        if encoding == UINT8:
            found, n_met, n_visited = _walk(
                vector[0], rows, rows, values, blocks, estimate, kept, count, met, best, allowed
            )
        elif encoding == FLOAT16:
            X = rows.view(np.uint16)
            found, n_met, n_visited = _walk(
                vector[0], X, rows, values, blocks, estimate, kept, count, met, best, allowed
            )
        else:
            Y = rows.view(np.float32)
            found, n_met, n_visited = _walk(
                vector[0], Y, rows, values, blocks, estimate, kept, count, met, best, allowed
            )
        _to_distances(metric, found, *best)
        n_candidates[q] = n_visited
        if allowed is not None and (found < min(ids.shape[1], n_allowed) or is_rare(n_met, n_visited, n_allowed, n)):
            n_candidates[q] = EXACT
    return True


@kernel
def _memory(d: int, n_kept: int, room: int) -> tuple[Any, ...]:
    """Return arrays for a search: float32[2, d], [128], [32], [n_kept], int32[n_kept], [room], uint8[2048].

    They are parts of one array, since allocations take time; offsets are multiples of a cache line.
    """
    line, width = _CACHE_LINE // 4, 2 * d
    vectors = -(-width // line) * line
    scores = vectors + DIMENSIONS + BLOCK
    nodes = scores + -(-n_kept // line) * line
    seen = 2 * nodes - scores
    tables = seen + room
    memory = np.empty(tables + TABLE_BYTES // 4, np.float32)
    whole = memory.view(np.int32)
    return (
        memory[:width].reshape(2, d),
        memory[vectors : vectors + DIMENSIONS],
        memory[vectors + DIMENSIONS : scores],
        memory[scores : scores + n_kept],
        whole[nodes : nodes + n_kept],
        whole[seen:tables],
        memory[tables:].view(np.uint8),
    )


@kernel
def _to_distances(metric: int, found: int, distances: Float32Array, ids: Int64Array) -> None:
    """Turn the `found` best scores, in `distances`, into distances as `ranking.nearest` has them, nearest first.

    Different scores may be of one distance: ties by id. Other places get the id -1, and infinity.
    """
    for i in range(found):
        if metric == COSINE:
            distance = min(max(-distances[i], np.float32(0)), np.float32(2))
        else:
            distance = np.float32(np.sqrt(np.float32(-2) * distances[i]))
        at, node = i, ids[i]
        while at > 0 and distances[at - 1] == distance and ids[at - 1] > node:
            distances[at], ids[at] = distance, ids[at - 1]
            at -= 1
        distances[at], ids[at] = distance, node
    distances[found:], ids[found:] = np.inf, -1


@kernel
def _first_nodes(
    half: np.float32,
    n: int,
    blocks: tuple[Any, ...],
    estimate: tuple[Any, ...],
    kept: tuple[Float32Array, Int32Array],
    seen: Int32Array,
) -> tuple[int, int]:
    """Keep the first nodes with the best estimates; return (how many, number of nodes that were seen).

    half: half the squared distance of the query from the centre.
    """
    codes, terms, ids = blocks
    tables, step, bias, estimates = estimate
    scores, nodes = kept
    if scores.shape[0] < n:
        scores = scores[:_FIRST_KEPT]
    count, n_seen, limit = 0, 0, np.float32(-np.inf)
    for block in range(n, codes.size // RECORD_BYTES):
        own, first = codes[RECORD_BYTES * block :], RECORD * block
        mask = score_block(own, tables, 0, terms, first + FACTORS, step, bias, -half, limit, estimates)
        while mask:
            i = lowest_bit(mask)
            mask = clear_lowest(mask)
            neighbour = ids[first + IDS + i]
            if estimates[i] > limit and is_new(neighbour, seen):
                n_seen += 1
                count, limit, _ = keep(estimates[i], neighbour, scores, nodes, count)
    return count, n_seen


@kernel
def _walk(
    q: Float32Array,
    X: Float32Array | UInt16Array | UInt8Array,
    rows: UInt8Array,
    values: tuple[Any, ...],
    blocks: tuple[Any, ...],
    estimate: tuple[Any, ...],
    kept: tuple[Float32Array, Int32Array],
    count: int,
    met: tuple[Int32Array, int],
    best: tuple[Float32Array, Int64Array],
    allowed: BoolArray | None,
) -> tuple[int, int, int]:
    """Visit nodes from the `count` kept ones on; return the numbers of the best, of allowed ones, and of those visited.

    rows: the bytes of X; met: the nodes that were seen, and their number.
    """
    scale, shift, inverse_norms, metric = values
    codes, terms, ids = blocks
    tables, step, bias, estimates = estimate
    scores, nodes = kept
    best_scores, best_nodes = best
    seen, n_seen = met
    room = seen.shape[0]
    limit = scores[count - 1] if count == scores.shape[0] else np.float32(-np.inf)
    found = n_allowed = n_visited = 0
    at, following = take(nodes, 0, count)
    while following != NONE:
        node = following
        at, following = take(nodes, at, count)
        if following != NONE:
            _prefetch_node(following, rows, inverse_norms, codes)
            at = next_place(nodes, at, count)
            if at < count:  # it is often the one after that
                _prefetch_node(nodes[at], rows, inverse_norms, codes)
        offset = _closeness(q, X, node, scale, shift, inverse_norms, metric)
        n_visited += 1
        last, is_allowed = found - 1, True
        if allowed is not None:
            is_allowed = allowed[node]
        n_allowed += int(is_allowed)
        if is_allowed and (
            found < best_scores.shape[0]
            or offset > best_scores[last]
            or (offset == best_scores[last] and node < best_nodes[last])
        ):
            found, _, _ = keep(offset, node, best_scores, best_nodes, found)
        own, first = codes[RECORD_BYTES * node :], RECORD * node
        mask = score_block(own, tables, 0, terms, first + FACTORS, step, bias, offset, limit, estimates)
        while mask and 4 * n_seen < 3 * room:
            i = lowest_bit(mask)
            mask = clear_lowest(mask)
            neighbour = ids[first + IDS + i]
            if estimates[i] > limit and is_new(neighbour, seen):
                n_seen += 1
                count, limit, place = keep(estimates[i], neighbour, scores, nodes, count)
                at = min(at, place)
        if following == NONE:
            at, following = take(nodes, at, count)
    return found, n_allowed, n_visited


@fast_kernel
def _half_square(x: Float32Array) -> np.float32:
    total = np.float32(0)
    for t in range(x.shape[0]):
        total += x[t] * x[t]
    return np.float32(total / 2)


@fast_kernel
def _closeness(
    q: Float32Array,
    X: Float32Array | UInt16Array | UInt8Array,
    row: int,
    scale: np.float32,
    offset: np.float32,
    inverse_norms: Float32Array,
    metric: int,
) -> np.float32:
    """Return minus half the squared distance of a query and a row; under cosine distance of both at unit length."""
    x, total = X[np.uint64(row)], np.float32(0)
    if metric == COSINE:
        for t in range(q.shape[0]):
            total += q[t] * decode(x[t], scale, offset)
        return fma(total, inverse_norms[np.uint64(row)], np.float32(-1))  # type: ignore[no-any-return]  # as in `ranking`
    for t in range(q.shape[0]):
        difference = q[t] - decode(x[t], scale, offset)
        total += difference * difference
    return -total / np.float32(2)


@kernel
def _prefetch_node(node: int, rows: UInt8Array, inverse_norms: Float32Array, codes: UInt8Array) -> None:
    for t in range(0, rows.shape[1], _CACHE_LINE):
        prefetch(rows, node * rows.shape[1] + t)
    prefetch(inverse_norms, node)
    for t in range(0, RECORD_BYTES, _CACHE_LINE):
        prefetch(codes, node * RECORD_BYTES + t)
