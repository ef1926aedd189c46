"""Graphs: search in them, and the choice of their links."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsh import EncodedVectors, GraphIndex
from lsh.kernels.graphs.kept_nodes import is_new, keep, next_place, take
from lsh.kernels.graphs.linking import choose_links, level_products, links_back
from lsh.kernels.graphs.search import search_graph
from lsh.kernels.ranking import EXACT
from lsh.kernels.sketching import encode
from lsh.result import SearchResult
from tests import reference
from tests.lsh.confidence import half_width

NODES = st.lists(st.tuples(st.sampled_from([-2.0, -1.5, 0.0, 1.0]), st.integers(0, 2**31 - 1)), max_size=30)
UNIT = float(np.finfo(np.float32).eps) / 2
METRICS = ["cosine", "euclidean"]


def clustered(n, dim, seed):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((20, dim))[rng.integers(0, 20, n)] + rng.standard_normal((n, dim))).astype(np.float32)


def expected_of(index, Q, n_kept, k, allowed=None):
    exact = index.exact
    vectors = reference.normalise(Q, index.metric == "cosine", 1e-18, 1e18)
    return reference.search_graph(
        vectors, index.graph, exact.X[:], exact.inverse_norms, exact.vectors.metric, n_kept, k, allowed
    )


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("dim", [3, 128, 140])
def test_where_all_nodes_are_kept_a_search_agrees_with_its_reference(metric, dim):
    X, Q = clustered(150, dim, 0), clustered(12, dim, 1)
    index = GraphIndex(metric).fit(X)
    found = index.search(Q, 7, n_kept=150)
    ids, _, n_candidates = expected_of(index, Q, 150, 7)
    assert np.array_equal(found.n_candidates, n_candidates)
    assert np.array_equal(found.ids, ids)


def test_vectors_of_different_squared_distances_and_the_same_distance_are_ordered_by_id():
    squares = np.random.default_rng(0).permutation(60) * 2.0**-23  # above 1, where square roots of neighbours coincide
    X = np.zeros((60, 3), np.float32)
    X[:, 0], X[:, 1] = 3, np.sqrt(squares)
    index = GraphIndex("euclidean").fit(X)
    found, truth = (kind.search(np.float32([[2, 0, 0]]), 60) for kind in (index, index.exact))
    assert len(np.unique(found.distances)) < 40
    assert np.array_equal(found.ids, truth.ids)
    assert np.array_equal(found.distances, truth.distances)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("dtype", [None, np.uint8, np.float16])
def test_where_few_nodes_are_kept_a_search_has_the_recall_and_the_visits_of_its_reference(metric, dtype):
    X, Q = clustered(900, 64, 0), clustered(60, 64, 1)
    index = GraphIndex(metric).fit(X if dtype is None else EncodedVectors.encode(X, dtype))
    truth = index.exact.search(Q, 10).ids
    for n_kept in (10, 14):
        found, expected = index.search(Q, 10, n_kept), expected_of(index, Q, n_kept, 10)
        shares = [
            np.array([len(set(a) & set(b)) / 10 for a, b in zip(ids, truth, strict=True)])
            for ids in (found.ids, expected[0])
        ]
        # The query is rounded here and not there.
        assert abs((shares[0] - shares[1]).mean()) <= half_width(shares[0] - shares[1], 1)
        assert 0.3 < shares[1].mean() < 1
        assert abs(found.n_candidates.mean() / expected[2].mean() - 1) < 0.1


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0, 1e-30])
def test_a_query_that_cannot_be_scaled_is_left_to_the_caller(value):
    index = GraphIndex("cosine").fit(clustered(50, 4, 0))
    exact, Q = index.exact, np.float32([[1, 2, 3, 4], [value, 0, 0, 0]])
    arguments = exact.limits, tuple(index.graph), exact.vectors.arguments(), 10
    assert not search_graph(Q, *arguments, *SearchResult.empty(2, 5))


@pytest.mark.parametrize("n_filling", [0, 3])
@pytest.mark.parametrize("factor", [1.0, 1.2])
def test_links_are_chosen_nearest_first_unless_a_chosen_one_is_much_nearer(factor, n_filling):
    rng = np.random.default_rng(0)
    Y = np.zeros((60, 128), np.float32)
    Y[:, :3] = rng.standard_normal((60, 3))
    pools = rng.integers(-1, 60, (60, 5)).astype(np.int32)
    counts = rng.integers(0, 5, 60)
    starts = np.concatenate([[0], np.cumsum(counts)])
    back = rng.integers(0, 60, starts[-1]).astype(np.int32)
    filling = rng.integers(-1, 60, (60, n_filling)).astype(np.int32)
    links = np.full((60, 8), 99, np.int32)
    order = rng.permutation(60).astype(np.int32)
    choose_links(Y, order, pools, starts, back, np.float32(factor), filling, links)
    candidates = [
        [*pool.tolist(), *back[first:last].tolist()]
        for pool, first, last in zip(pools, starts[:-1], starts[1:], strict=True)
    ]
    expected = reference.choose_links(Y, candidates, np.float32(factor), filling.tolist(), 8)
    assert [[j for j in own if j >= 0] for own in links.tolist()] == expected
    assert min(map(len, expected)) < 8 <= max(map(len, expected)) + (n_filling == 0) * 8
    assert (links >= -1).all()


def test_equal_vectors_do_not_take_all_links():
    Y = np.zeros((6, 128), np.float32)
    Y[4:, 0] = [1, -1]
    pools = np.tile(np.arange(6, dtype=np.int32), (6, 1))
    rule = np.float32(1), np.empty((6, 0), np.int32)
    links, none = np.empty((6, 3), np.int32), np.empty(0, np.int32)
    choose_links(Y, np.arange(6, dtype=np.int32), pools, np.zeros(7, np.int64), none, *rule, links)
    assert links[0].tolist() == [1, 4, 5]


def test_links_back_lists_those_that_link_to_each_node():
    rng = np.random.default_rng(1)
    for n in (1, 2, 30):
        links = np.stack([rng.permutation(n)[: min(n, 4)] for _ in range(n)]).astype(np.int32)
        links[rng.random(links.shape) < 0.3] = -1
        starts, back = np.full(n + 1, 99, np.int64), np.empty(links.size, np.int32)
        links_back(links, starts, back)
        expected = reference.links_back(links.tolist())
        assert [back[a:b].tolist() for a, b in itertools.pairwise(starts)] == expected


def test_level_products_are_those_of_the_levels_of_a_sketch():
    Y = np.random.default_rng(0).standard_normal((20, 128), dtype=np.float32)
    planes, out = np.empty((4, 20), np.uint64), np.empty(20, np.float32)
    encode(Y, planes, np.empty((2, 20), np.float32))
    level_products(planes, Y[::-1].copy(), out)
    expected = reference.level_products(planes, Y[::-1].astype(np.float64))
    bound = 128 * UNIT / (1 - 128 * UNIT) * 1.5 * np.abs(Y[::-1]).sum(axis=1)  # Higham, 3.1
    assert (np.abs(out - expected) <= bound).all()


@pytest.mark.parametrize("metric", METRICS)
def test_a_search_with_a_filter_agrees_with_its_reference_or_leaves_the_query_to_exact_search(metric):
    X, Q = clustered(300, 40, 0), clustered(40, 40, 1)
    index = GraphIndex(metric).fit(X)
    exact, k = index.exact, 5
    nearest = exact.search(Q[:1], 120).ids
    masks = {"half": np.arange(300) % 2 == 0, "far": ~np.isin(np.arange(300), nearest), "three": np.arange(300) < 3}
    left = dict.fromkeys(masks, 0)
    for name, allowed in masks.items():
        found = SearchResult.empty(len(Q), k)
        arguments = exact.limits, tuple(index.graph), exact.vectors.arguments(), 300
        assert search_graph(Q, *arguments, *found, allowed, int(allowed.sum()))
        expected = expected_of(index, Q, 300, k, allowed)
        assert np.array_equal(found.n_candidates, expected[2])
        answered = found.n_candidates != EXACT
        assert np.array_equal(found.ids[answered], expected[0][answered])
        few = SearchResult.empty(len(Q), k)
        assert search_graph(Q, *arguments[:-1], 20, *few, allowed, int(allowed.sum()))
        left[name] = int((few.n_candidates == EXACT).sum())
        ids = few.ids[few.n_candidates != EXACT]
        assert allowed[ids[ids >= 0]].all()
    assert left["half"] == 0 < left["far"]
    assert left["three"] > 0


@given(NODES, st.integers(1, 8))
def test_the_best_nodes_are_kept_in_order_and_the_limit_is_the_score_of_the_last_one(added, room):
    scores, nodes, count, kept = np.empty(room, np.float32), np.empty(room, np.int32), 0, []
    for score, node in added:
        if len(kept) < room or score > kept[-1][0]:
            count, limit, place = keep(np.float32(score), node, scores, nodes, count)
            kept = reference.keep(score, node, kept, room)
            assert limit == (kept[-1][0] if len(kept) == room else -np.inf)
            assert (scores[place], nodes[place]) == (score, node)
        assert list(zip(scores[:count].tolist(), nodes[:count].tolist(), strict=True)) == kept


@given(st.lists(st.integers(-5, 5), max_size=12).map(lambda nodes: np.array(nodes, np.int32)), st.integers(0, 12))
def test_nodes_are_taken_in_order_once_each_and_marked_ones_are_passed_over(nodes, at):
    at = min(at, len(nodes))
    for _ in range(len(nodes) + 1):
        assert next_place(nodes, at, len(nodes)) == reference.next_place(nodes.tolist(), at, len(nodes))
        expected = reference.take(nodes.tolist(), at, len(nodes))
        at, node = take(nodes, at, len(nodes))
        assert (at, node) == expected
        assert node == -1 or nodes[at - 1] == ~node
    assert node == -1


@given(st.lists(st.integers(0, 20) | st.integers(0, 2**31 - 1), max_size=63))
def test_a_node_is_new_once(nodes):
    seen, met = np.full(64, -1, np.int32), set()
    for node in nodes:
        assert is_new(node, seen) == reference.is_new(node, met)
    assert set(seen.tolist()) - {-1} == met
