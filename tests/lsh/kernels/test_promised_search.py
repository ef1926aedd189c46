"""The kernels of a search with a promised recall, against slow twins, and its probabilities against frequencies."""

import math

import numpy as np
import pytest

from lsh import ExactSearch, LSHIndex
from lsh.kernels.angles import widest_angle
from lsh.kernels.promised_search import (
    PLANES,
    PSTABLE,
    fill_chances,
    hit_chance,
    search_until,
    tail,
)
from lsh.kernels.ranking import COSINE, EUCLIDEAN
from tests import reference

FAMILIES = [("cosine", "hyperplanes", True), ("cosine", "hyperplanes", False), ("euclidean", "hyperplanes", True)]
FAMILIES += [("euclidean", "pstable", True)]


def test_the_tail_of_the_normal_distribution_is_never_too_small_and_at_most_four_millionths_too_large():
    for x in np.concatenate([np.linspace(-9, 9, 4_001), [0.0, 8.0, 40.0, np.inf]]):
        assert 0 <= tail(float(x)) - reference.tail(x) <= 4.01e-6


@pytest.mark.parametrize("family", [PLANES, PSTABLE])
@pytest.mark.parametrize("scale", [1e-6, 0.3, 2.0, 50.0])
def test_chances_of_symbols_are_those_of_the_formula_and_never_larger(family, scale):
    costs = np.random.default_rng(0).random((9, 1 if family == PLANES else 2), np.float32)
    if family == PSTABLE:
        costs[:, 1] = (1 - np.sqrt(costs[:, 0])) ** 2
        costs[0, 0], costs[1, 1] = np.inf, np.inf
    fill_chances(costs, 9, family, scale, out := np.empty((9, 1 + costs.shape[1])))
    expected = np.maximum(reference.fill_chances(costs.astype(float), family == PLANES, scale), 0)
    assert ((expected - out >= -1e-9) & (expected - out <= 1e-5)).all()


def test_the_chance_of_a_table_adds_up_its_patterns():
    rng = np.random.default_rng(1)
    chances, patterns = rng.random((7, 3)) / 3, rng.integers(0, 3, (5, 7)).astype(np.uint8)
    assert hit_chance(patterns, 4, 6, chances) == pytest.approx(reference.hit_chance(patterns[:4, :6], chances[:6]))


@pytest.mark.parametrize("metric", [COSINE, EUCLIDEAN])
@pytest.mark.parametrize("seed", range(6))
def test_no_vector_within_the_distance_is_seen_under_a_wider_angle_and_some_almost_under_it(metric, seed):
    rng = np.random.default_rng(seed)
    q, centre = rng.standard_normal(3), 0.6 * rng.standard_normal(3)
    q = q / np.linalg.norm(q) if metric == COSINE else q
    centre *= 0.9 / max(np.linalg.norm(centre), 0.9)
    distance = float(rng.choice([0.05, 0.3, 0.8]))
    X = rng.standard_normal((200_000, 3))
    if metric == COSINE:
        X /= np.linalg.norm(X, axis=1, keepdims=True)
        near = X[1 - X @ q <= distance]
    else:
        near = q + distance * X / np.linalg.norm(X, axis=1, keepdims=True) * rng.random((len(X), 1)) ** (1 / 3)
    least = float(rng.choice([0.0, 0.1])) * np.linalg.norm(q - centre)
    near = near[np.linalg.norm(near - centre, axis=1) >= least]
    geometry = PLANES, 0.0, centre.astype(np.float64), float(least)
    angle = math.pi / 2 - math.atan(widest_angle(q.astype(np.float32), distance, metric, geometry))
    seen = reference.widest_angle(q, near, centre)
    assert 0.9 * angle <= seen <= angle + 1e-5


def test_about_the_query_itself_every_side_is_as_likely():
    q = np.array([0.6, 0.8], np.float32)
    assert widest_angle(q, 0.1, COSINE, (PLANES, 0.0, q.astype(np.float64), 0.0)) == 0


def made(metric, family, centre, n_tables, n=400, n_bits=8, seed=0):
    rng = np.random.default_rng(seed)
    X = (rng.standard_normal((n, 6)) + 1.0).astype(np.float32)
    index = LSHIndex(metric, n_tables, n_bits, seed=seed, centre=centre, family=family, bucket_width=None).fit(X)
    return index, (rng.standard_normal((30, 6)) + 1.0).astype(np.float32)


def chance_of(index, q, table, n_bits, n_probes, distance):
    """Return the chance that a table finds a vector at `distance`, from the keys of its probes."""
    hasher = index.hasher
    query = hasher.query(index.exact.prepare_queries(q[None]), index.params.n_tables, n_probes)
    geometry, prepared = hasher.geometry(index.exact), query.vectors[0]
    if geometry.family == PSTABLE:
        scale = geometry.width / distance
    else:
        metric = COSINE if index.params.metric == "cosine" else EUCLIDEAN
        own = np.linalg.norm(prepared - geometry.centre)
        scale = widest_angle(prepared, distance, metric, tuple(geometry)) / own
    probes = hasher.probes(query, table, n_bits, n_probes)
    per_word = 32 // hasher.family.symbol_bits

    def symbol(key, j):
        shift = 32 - hasher.family.symbol_bits * (j % per_word + 1)
        return (int(key[j // per_word]) >> shift) & (2**hasher.family.symbol_bits - 1)

    own_symbols = [symbol(query.keys[table, 0], j) for j in range(n_bits)]
    others = query.symbols[0, table]
    patterns = [
        [0 if symbol(p, j) == own_symbols[j] else 1 + others[j].tolist().index(symbol(p, j)) for j in range(n_bits)]
        for p in probes
    ]
    costs = query.costs[0, table, :n_bits].astype(float)
    return reference.hit_chance(
        patterns, np.maximum(reference.fill_chances(costs, geometry.family == PLANES, scale), 0)
    )


@pytest.mark.parametrize(("metric", "family", "centre"), FAMILIES)
@pytest.mark.parametrize("miss", [0.5, 0.1, 1e-9])
def test_a_search_stops_where_the_rule_says_and_returns_the_nearest_that_it_met(metric, family, centre, miss):
    index, Q = made(metric, family, centre, n_tables=6)
    prepared = index.exact.prepare_queries(Q)
    queries = tuple(index.hasher.query(prepared, 6, 4))
    arrays = tuple(index.tables), tuple(index.exact.vectors), tuple(index.hasher.geometry(index.exact))
    ids, distances = np.empty((30, 5), np.int64), np.empty((30, 5), np.float32)
    counts, searched = np.empty(30, np.int64), np.empty(30, np.int64)
    search_until(
        queries, *arrays, 8, index.hasher.family.symbol_bits, 4, miss, ids, distances, counts, searched, None, 0
    )
    exact = ExactSearch(index.exact.X, metric).search(Q, 400)
    for q in range(30):
        away = dict(zip(exact.ids[q].tolist(), exact.distances[q].tolist(), strict=True))

        def buckets(table, bits, q=q):
            return np.flatnonzero(index.matches(Q[q], np.arange(400), 6, bits, 4)[:, table]).tolist()

        def hit(table, bits, r, q=q):
            return chance_of(index, Q[q], table, bits, 4, r * (1 + 1e-5) + 1e-6)

        hit.n_tables = 6
        expected = reference.search_until([away[i] for i in range(400)], buckets, hit, 8, 5, miss)
        assert (ids[q].tolist(), counts[q], searched[q]) == expected
        assert distances[q].tolist() == [away[i] for i in ids[q].tolist()]


@pytest.mark.parametrize(("metric", "family", "centre"), FAMILIES)
def test_tables_find_neighbours_as_often_as_their_chances_say(metric, family, centre):
    n_tables, n_bits = 400, 6
    index, Q = made(metric, family, centre, n_tables, n_bits=n_bits, seed=5)
    predicted, observed = [], []
    for q in Q[:8]:
        found = index.exact.search(q[None], 40)
        row, distance = int(found.ids[0, 30]), float(found.distances[0, 30])
        chances = [chance_of(index, q, table, n_bits, 4, distance) for table in range(0, n_tables, 4)]
        predicted.append(np.mean(chances))
        observed.append(index.matches(q, np.array([row]), n_tables, n_bits, 4)[0, ::4].mean())
    margin = 3 * math.sqrt(0.25 / (8 * n_tables / 4))
    assert np.mean(observed) >= np.mean(predicted) - margin  # chances are bounds where the centre is not the origin
    if not centre or family == "pstable":
        assert np.mean(observed) <= np.mean(predicted) + margin
    assert np.mean(predicted) > 0.05
