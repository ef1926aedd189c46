"""Links of a graph: each node's neighbours, chosen so that no two of them lie in one direction.

A candidate is left out where a neighbour that was chosen before is much nearer to it than the node is: from there it
can be reached (J. Jaromczyk, G. Toussaint, "Relative neighborhood graphs and their relatives", 1992; with a factor:
S. Jayaram Subramanya et al., "DiskANN", NeurIPS 2019).
"""

import numpy as np

from lsh.arrays import Float32Array, Int32Array, Int64Array, UInt64Array
from lsh.kernels.jit import fast_kernel, kernel
from lsh.kernels.sketching import DIMENSIONS

_NONE = -1
_WORD = 64  # bits
_MIDDLE = np.float32(1.5)


@kernel
def choose_links(
    Y: Float32Array,
    order: Int32Array,
    pools: Int32Array,
    starts: Int64Array,
    back: Int32Array,
    factor: np.float32,
    filling: Int32Array,
    links: Int32Array,
) -> None:
    """Fill links, int32[n, m], with the neighbours of each node among its candidates, nearest first, then -1.

    Y float32[n, 128]; order int32[n]: of the nodes, such that near ones follow one another. Candidates of node i are
    pools[i], int32[n, c], and back[starts[i] : starts[i + 1]], without those below 0 and i itself. From the nearest on,
    one is chosen unless factor times its squared distance from a chosen one is less than that from the node, or it
    equals a chosen one. filling: int32[n, f], further nodes, nearest first; with f > 0 free places are given to the
    nearest candidates that were left out, and then to these.
    """
    n, m = links.shape
    room = pools.shape[1]
    for i in range(n):
        room = max(room, pools.shape[1] + starts[i + 1] - starts[i])
    candidates, mark = np.empty(room, np.int32), np.full(n, _NONE, np.int32)
    squares, chosen = np.empty(room, np.float32), np.empty(room, np.bool_)
    for i in order:
        mark[i] = i
        count = _add_new(pools[i], i, mark, candidates, 0)
        count = _add_new(back[starts[i] : starts[i + 1]], i, mark, candidates, count)
        for c in range(count):
            squares[c] = _squared_distance(Y[i], Y[candidates[c]])
        n_links = 0
        nearest_first = np.argsort(squares[:count], kind="mergesort")
        for c in nearest_first:
            if n_links == m:
                break
            chosen[c] = _is_apart(Y, candidates[c], squares[c], links[i, :n_links], factor)
            if chosen[c]:
                links[i, n_links] = candidates[c]
                n_links += 1
        if filling.shape[1] > 0:
            for c in nearest_first:
                if n_links == m:
                    break
                if not chosen[c]:
                    links[i, n_links] = candidates[c]
                    n_links += 1
            n_links += _add_new(filling[i], i, mark, links[i, n_links:], 0)
        links[i, n_links:] = _NONE


@kernel
def _add_new(ids: Int32Array, node: int, mark: Int32Array, candidates: Int32Array, count: int) -> int:
    """Append the ids that are not marked for this node, while there is room, and mark them; return the new count."""
    for j in ids:
        if j >= 0 and mark[j] != node and count < candidates.shape[0]:
            mark[j] = node
            candidates[count] = j
            count += 1
    return count


@kernel
def _is_apart(Y: Float32Array, candidate: int, square: np.float32, chosen: Int32Array, factor: np.float32) -> bool:
    c = 0
    while c < chosen.shape[0]:
        between = _squared_distance(Y[chosen[c]], Y[candidate])
        if factor * between < square or between == 0:
            break
        c += 1
    return c == chosen.shape[0]  # type: ignore[no-any-return]


@fast_kernel
def _squared_distance(x: Float32Array, y: Float32Array) -> np.float32:
    total = np.float32(0)
    for t in range(DIMENSIONS):
        total += (x[t] - y[t]) * (x[t] - y[t])
    return total


@kernel
def links_back(links: Int32Array, starts: Int64Array, back: Int32Array) -> None:
    """List for each node those that link to it: links int32[n, m] -> back[starts[i] : starts[i + 1]], ascending.

    starts int64[n + 1], back int32[at least the number of links]; links below 0 are none.
    """
    starts[:] = 0
    n = links.shape[0]
    for i in range(n):
        for j in links[i]:
            if j >= 0 and j + 2 <= n:
                starts[j + 2] += 1
    for i in range(2, n + 1):
        starts[i] += starts[i - 1]
    for i in range(n):  # starts[j + 1] moves from the first to the end of those of j
        for j in links[i]:
            if j >= 0:
                back[starts[j + 1]] = i
                starts[j + 1] += 1


@fast_kernel
def level_products(planes: UInt64Array, Y: Float32Array, out: Float32Array) -> None:
    """Fill out[i] = <Y[i], c>, c being the levels of sketch i: planes uint64[4, n], Y float32[n, 128]."""
    for i in range(out.shape[0]):
        y, total = Y[i], np.float32(0)
        for word in range(2):
            low, high = planes[word, i], planes[2 + word, i]
            for j in range(_WORD):
                bit = np.uint64(j)
                number = np.int32((low >> bit) & np.uint64(1)) + np.int32(2) * np.int32((high >> bit) & np.uint64(1))
                total += y[_WORD * word + j] * (np.float32(number) - _MIDDLE)
        out[i] = total
