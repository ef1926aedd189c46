"""Nodes that a search in a graph keeps, best estimates first, and the set of the nodes that it has met."""

import numpy as np

from lsh.arrays import Float32Array, Int32Array, Int64Array
from lsh.kernels.jit import kernel

NONE = -1  # no node
_MIXER, _TOP_BITS = np.uint32(2654435761), np.uint32(7)  # multiplicative hashing (Knuth, "The Art ...", volume 3, 6.4)


@kernel
def next_place(nodes: Int32Array, at: int, count: int) -> int:
    """Return the place of the best kept node from place `at` on that was not taken, `count` for none."""
    while at < count and nodes[at] < 0:
        at += 1
    return at


@kernel
def take(nodes: Int32Array, at: int, count: int) -> tuple[int, int]:
    """Return (place behind it, id) of the best kept node from place `at` on that was not taken, -1 for none.

    It is marked as taken, by the complement of its id.
    """
    at = next_place(nodes, at, count)
    if at == count:
        return at, NONE
    node = nodes[at]
    nodes[at] = ~node
    return at + 1, node


@kernel
def is_new(node: int, seen: Int32Array) -> bool:
    """Add a node to a hash set, int32[power of two], -1 for free places; return whether it was not there."""
    last = seen.shape[0] - 1
    place = np.int64((np.uint32(node) * _MIXER) >> _TOP_BITS) & last
    while seen[place] != NONE:
        if seen[place] == node:
            return False
        place = (place + 1) & last
    seen[place] = node
    return True


@kernel
def keep(
    score: np.float32, node: int, scores: Float32Array, nodes: Int32Array | Int64Array, count: int
) -> tuple[int, np.float32, int]:
    """Insert a node among the `count` kept ones, best first, or in place of the last one where there is no room.

    Return (count, score that further ones must exceed, its place).
    """
    room = scores.shape[0]
    place = count if count < room else room - 1
    count = min(count + 1, room)
    while place > 0 and (scores[place - 1] < score or (scores[place - 1] == score and nodes[place - 1] > node)):
        scores[place], nodes[place] = scores[place - 1], nodes[place - 1]
        place -= 1
    scores[place], nodes[place] = score, node
    return count, scores[room - 1] if count == room else np.float32(-np.inf), place
