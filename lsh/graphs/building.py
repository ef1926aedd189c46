"""Building of a graph: candidates from our own buckets, links chosen among them, and sketches of the links' ends.

Nearest vectors alone link hardly anything to other regions. So those that are nearest among samples are candidates too,
and the first graph is searched for every vector, from few nodes on: the nodes on the way are further candidates.
"""

from collections.abc import Iterator

import numpy as np

from earshot_common.stages import stage, steps
from lsh.arrays import BoolArray, Float32Array, Int32Array, Int64Array, read_only
from lsh.exact import ExactSearch
from lsh.hasher import mean_vector, prepare
from lsh.kernels.fast_scan import pack_codes
from lsh.kernels.graphs.linking import choose_links, level_products, links_back
from lsh.kernels.graphs.records import RECORD_BYTES, GraphArrays
from lsh.kernels.graphs.search import search_graph
from lsh.kernels.hashing import PREPARED, projections
from lsh.kernels.linear_algebra import half_squares
from lsh.kernels.shuffling import BLOCK, BLOCK_BYTES
from lsh.kernels.sketching import DIMENSIONS, PLANES, encode
from lsh.sampling import evenly_spaced, evenly_spaced_rows
from lsh.sketch_index import SketchIndex
from lsh.sketches.partition import default_buckets
from lsh.sketches.sketch import draw_rotation

N_LINKS = BLOCK  # of a node
_SAMPLE_ROWS = 16_384  # from which the centre and the rotation are learned
_BLOCK_ROWS = 4_096
_PACKED_NODES = 256  # at a time
_N_NEAREST, _PROBES = 48, 6  # candidates from the buckets, and of these at least
_SEARCHED = 512  # vectors in as many as are searched, at least
_SHARES, _N_FARTHER = (8, 64, 512), 16  # of the vectors in samples, and candidates from each
_N_FILLING = 32  # of these that are candidates for free places
_KEPT, _VISITED = 64, 96  # of the search that finds further candidates
_FIRST_FACTOR, _LAST_FACTOR = np.float32(1.2), np.float32(1.0)  # of `choose_links`


class Graph(GraphArrays):
    """A graph over n vectors; the arrays are those of `GraphArrays`, read-only."""

    __slots__ = ()

    @property
    def nbytes(self) -> int:
        """Return the bytes that these arrays take."""
        return sum(array.nbytes for array in self)


def build(exact: ExactSearch, seed: int) -> Graph:
    """Return the graph over the vectors that `exact` searches."""
    rng = np.random.default_rng(seed)
    sample = evenly_spaced(exact.X, _SAMPLE_ROWS)
    centre = mean_vector(sample, exact.metric)
    rotation = draw_rotation(prepare(sample, exact.metric, centre), rng)
    Y = np.concatenate([projections(rows, rotation) for _, rows in _prepared(exact, centre)])
    n_buckets = min(2 * default_buckets(len(Y)), len(Y))
    nearby = SketchIndex("euclidean", n_buckets, seed).fit(Y)
    order, nearest = nearby.buckets.order, _nearest(nearby, Y, _N_NEAREST + 1)
    # There are as many first nodes as buckets, so that one is near every vector.
    first = np.unique(nearby.search(nearby.buckets.centroids.copy(), 1, n_probes=2).ids)
    links = _linked(Y, order, np.concatenate([nearest, *_farther(Y, rng, seed)], axis=1), nearest)
    start = first[evenly_spaced_rows(len(first), BLOCK)]  # few, so that the ways from them are long
    visited = _visited(exact, _graph(exact, centre, rotation, Y, np.concatenate([links, _blocks(start)])))
    links = _linked(Y, order, np.concatenate([visited, links, nearest[:, :_N_FILLING]], axis=1), nearest)
    del visited  # its memory is free for the second graph, as that of the first one, which has no name
    return _graph(exact, centre, rotation, Y, _with_first(links, first))


def _with_first(links: Int32Array, first: Int64Array) -> Int32Array:
    """Return links, int32[n, 32], and those to first nodes behind them: some given ones, and what these do not reach.

    So no vector is lost, even one that no other links to.
    """
    nodes, reached = [first], np.zeros(len(links), np.bool_)
    _reach(links, first, reached)
    for node in np.flatnonzero(~reached):
        if not reached[node]:
            nodes.append(np.array([node]))
            _reach(links, nodes[-1], reached)
    return np.concatenate([links, _blocks(np.concatenate(nodes))])


def _blocks(nodes: Int64Array) -> Int32Array:
    """Return nodes as links of whole blocks: int32[b, 32], the last ones -1."""
    blocks = np.full((-(-len(nodes) // BLOCK), BLOCK), -1, np.int32)
    blocks.ravel()[: len(nodes)] = nodes
    return blocks


def _reach(links: Int32Array, nodes: Int64Array, reached: BoolArray) -> None:
    """Mark the nodes, and all that links lead to from them."""
    while len(nodes):
        reached[nodes] = True
        ends = links[nodes]
        ends = ends[ends >= 0]
        nodes = np.unique(ends[~reached[ends]]).astype(np.int64)


def _prepared(exact: ExactSearch, centre: Float32Array) -> Iterator[tuple[int, Float32Array]]:
    """Yield (first row, prepared vectors float32[m, d]) of one block after another."""
    for start in range(0, len(exact.X), _BLOCK_ROWS):
        yield start, prepare(exact.X[start : start + _BLOCK_ROWS], exact.metric, centre)


@stage("lsh", "finding the nearest vectors of each")
def _nearest(among: SketchIndex, Y: Float32Array, count: int) -> Int32Array:
    """Return the nearest vectors of an index, mostly, to each: int32[n, c], -1 where there are fewer."""
    found = np.empty((len(Y), min(count, among.n)), np.int32)
    n_probes = max(_PROBES, -(-_SEARCHED * among.n_buckets // among.n))
    for start in steps("lsh", "finding the nearest vectors", range(0, len(Y), _BLOCK_ROWS)):
        rows = slice(start, start + _BLOCK_ROWS)
        found[rows] = among.search(Y[rows], found.shape[1], n_probes, found.shape[1]).ids
    return found


def _farther(Y: Float32Array, rng: np.random.Generator, seed: int) -> list[Int32Array]:
    """Return the vectors nearest to each among samples of ever fewer, which lie ever farther: int32[n, c] of each."""
    found = []
    for share in _SHARES:
        rows = np.sort(rng.permutation(len(Y))[: len(Y) // share]).astype(np.int32)
        if len(rows) >= 2 * _N_FARTHER:
            places = _nearest(SketchIndex("euclidean", None, seed).fit(Y[rows]), Y, _N_FARTHER)
            found.append(np.where(places < 0, np.int32(-1), rows[places]))
    return found


@stage("lsh", "choosing the links")
def _linked(Y: Float32Array, order: Int32Array, pools: Int32Array, nearest: Int32Array) -> Int32Array:
    """Return links chosen from pools, int32[n, c], then from these and their reverse; nearest: for free places."""
    n, m = len(Y), N_LINKS
    own, links = np.empty((n, m), np.int32), np.empty((n, m), np.int32)
    starts, back = np.zeros(n + 1, np.int64), np.empty(n * m, np.int32)
    choose_links(Y, order, pools, starts, back, _FIRST_FACTOR, nearest[:, :0].copy(), own)
    links_back(own, starts, back)
    choose_links(Y, order, own, starts, back, _LAST_FACTOR, nearest, links)
    return links


@stage("lsh", "searching the graph for every vector")
def _visited(exact: ExactSearch, graph: Graph) -> Int32Array:
    """Return the nodes that a search for each vector visits, the first and farthest too: int32[n, c], then -1."""
    n, vectors = len(exact.X), exact.vectors.arguments()
    found, origin = np.empty((n, min(_VISITED, n)), np.int32), np.zeros(exact.X.shape[1], np.float32)
    for start, Q in _prepared(exact, origin):
        ids, distances = np.empty((len(Q), found.shape[1]), np.int64), np.empty((len(Q), found.shape[1]), np.float32)
        search_graph(Q, PREPARED, tuple(graph), vectors, _KEPT, ids, distances, np.empty(len(Q), np.int64))
        found[start : start + len(Q)] = ids
    return found


@stage("lsh", "sketching the links")
def _graph(
    exact: ExactSearch, centre: Float32Array, rotation: Float32Array, Y: Float32Array, links: Int32Array
) -> Graph:
    """Return a graph with the sketches of its links, int32[b, 32], -1 for none."""
    n, b = len(Y), len(links)
    graph = Graph(centre, rotation, np.zeros((b, RECORD_BYTES), np.uint8))
    graph.links[:], graph.terms[:, 1] = np.maximum(links, 0), np.where(links < 0, np.float32(np.inf), np.float32(0))
    for start in steps("lsh", "sketching the links", range(0, b, _PACKED_NODES)):
        some = links[start : start + _PACKED_NODES]
        own, places = np.nonzero(some >= 0)
        nodes, ends = own + start, some[some >= 0].astype(np.int64)
        starts = Y[np.minimum(nodes, n - 1)]
        starts[nodes >= n] = 0  # the centre
        differences = Y[ends] - starts
        planes, factors = np.empty((PLANES, len(ends)), np.uint64), np.empty((2, len(ends)), np.float32)
        encode(differences, planes, factors)
        codes = np.zeros((len(some), BLOCK_BYTES), np.uint8)
        pack_codes(planes, BLOCK * own + places, codes.reshape(-1))
        graph.codes[start : start + len(some)] = codes
        along, halves = np.empty(len(ends), np.float32), np.empty(len(ends), np.float32)
        level_products(planes, starts, along)
        if exact.X.shape[1] > DIMENSIONS:  # the part of a difference that has no sketch counts too
            differences = _vectors(exact, centre, ends) - np.where(
                (nodes < n)[:, None], _vectors(exact, centre, np.minimum(nodes, n - 1)), np.float32(0)
            )
        half_squares(differences, halves)
        graph.terms[nodes, 0, places] = factors[0]
        graph.terms[nodes, 1, places] = halves + factors[0] * along
    read_only(*graph)
    return graph


def _vectors(exact: ExactSearch, centre: Float32Array, rows: Int64Array) -> Float32Array:
    return prepare(exact.X[rows], exact.metric, centre)
