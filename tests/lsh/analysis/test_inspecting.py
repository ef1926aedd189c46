"""Inspection of one query: key, margins, buckets, missed neighbours."""

import tracemalloc

import numpy as np
import pytest

from lsh import LSHIndex
from lsh.analysis import inspecting
from lsh.errors import ZeroVectorError
from lsh.hasher import prepare

L, K = 5, 6
BOTH = pytest.mark.parametrize("metric", ["cosine", "euclidean"])


def made(metric, n=400, dim=9, **options):
    rng = np.random.default_rng(3)
    centres = rng.standard_normal((12, dim)) * 2
    X = (centres[rng.integers(0, 12, n)] + rng.standard_normal((n, dim))).astype(np.float32)
    q = (centres[0] + rng.standard_normal(dim)).astype(np.float32)
    return LSHIndex(metric, n_tables=8, n_bits=12, **options).fit(X), q


@BOTH
@pytest.mark.parametrize("n_probes", [1, 2, 7])
def test_the_buckets_of_a_walk_hold_exactly_what_a_search_looks_at(metric, n_probes):
    index, q = made(metric)
    buckets = inspecting.walk(index, q, L, K, n_probes)
    seen = set(np.concatenate([b.ids for table in buckets for b in table]).tolist())
    found = index.search(q[None], index.n, L, K, n_probes)
    assert seen == set(found.ids[0, : found.n_found[0]].tolist())
    assert len(seen) == found.n_candidates[0]


@BOTH
def test_a_walk_finds_a_row_in_the_tables_that_matches_returns(metric):
    index, q = made(metric)
    buckets = inspecting.walk(index, q, L, K, 4)
    in_table = [{row for b in table for row in b.ids.tolist()} for table in buckets]
    met = index.matches(q, np.arange(index.n), L, K, 4)
    assert [[row in table for table in in_table] for row in range(index.n)] == met.tolist()


@BOTH
def test_every_member_of_a_bucket_has_its_key(metric):
    index, q = made(metric)
    symbols = inspecting.symbols_of(index, index.exact.X, L, K)
    for table, buckets in enumerate(inspecting.walk(index, q, L, K, 5)):
        for bucket in buckets:
            assert (symbols[bucket.ids, table] == bucket.symbols).all()


@BOTH
def test_probes_come_in_order_of_cost_and_the_own_bucket_costs_nothing(metric):
    index, q = made(metric)
    for table in inspecting.walk(index, q, L, K, 16):
        costs = [bucket.cost for bucket in table]
        assert costs[0] == 0
        assert costs == pytest.approx(sorted(costs), abs=1e-6)
        assert len({bucket.symbols.tobytes() for bucket in table}) == len(table)


def test_the_cost_of_a_probe_is_the_sum_of_squared_distances_to_the_planes_it_crosses():
    index, q = made("cosine")
    projections = index.hasher.project(q[None], 1)[0, :K].astype(np.float64)
    own, *others = inspecting.walk(index, q, 1, K, 10)[0]
    for other in others:
        assert other.cost == pytest.approx((projections[other.symbols != own.symbols] ** 2).sum(), rel=1e-5)


@BOTH
@pytest.mark.parametrize("n_probes", [1, 3])
def test_the_candidates_are_what_a_search_looks_at_without_the_querys_own_row(metric, n_probes, monkeypatch):
    monkeypatch.setattr(inspecting, "_BLOCK_IDS", 16)
    index, _ = made(metric)
    query = index.exact.X[7]
    found = index.search(query[None], index.n, L, K, n_probes)
    rows = np.flatnonzero(inspecting.candidates(index, query, L, K, n_probes))
    assert 7 in rows
    assert rows.tolist() == sorted(found.ids[0, : found.n_found[0]].tolist())
    others = np.flatnonzero(inspecting.candidates(index, query, L, K, n_probes, own=7))
    assert others.tolist() == [row for row in rows.tolist() if row != 7]


@BOTH
def test_buckets_are_views_of_the_tables(metric):
    index, q = made(metric)
    for table, buckets in enumerate(inspecting.walk(index, q, L, K, 3)):
        assert all(np.shares_memory(bucket.ids, index.tables.ids[table]) for bucket in buckets if len(bucket.ids))


def test_inspecting_a_query_whose_buckets_hold_most_rows_takes_two_bytes_per_row(monkeypatch):
    monkeypatch.setattr(inspecting, "_BLOCK_IDS", 8192)
    n = 300_000
    index = LSHIndex("cosine", n_tables=8, n_bits=2).fit(np.random.default_rng(1).standard_normal((n, 4)))
    q, rows = np.ones(4, np.float32), np.arange(10)
    tracemalloc.start()
    try:
        walk = inspecting.walk(index, q, 8, 1, 2)
        inspecting.recall_by_probe(n, walk, rows)
        assert inspecting.candidates(index, q, 8, 1, 2).all()
        assert len(inspecting.nearest_of(index, q, walk[0][0].ids, 10)[0]) == 10
        inspecting.smallest_fix(index, q, rows, 1, 2, 1, 4)
        assert inspecting.bucket_sizes(index, 3, 2).sum() == n
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2 * n  # the ids of one bucket of half the rows take more as int64


@BOTH
def test_recall_by_probe_is_what_searches_with_so_many_probes_find(metric):
    index, q = made(metric)
    truth = index.exact.search(q[None], 10).ids[0]
    looked_at, met = inspecting.recall_by_probe(index.n, inspecting.walk(index, q, L, K, 6), truth)
    for probes in range(1, 7):
        found = index.search(q[None], 10, L, K, probes)
        assert looked_at[probes - 1] == found.n_candidates[0]
        assert met[probes - 1] == np.isin(truth, found.ids[0]).sum()


def test_a_bit_is_set_exactly_where_the_signed_angle_is_above_the_plane():
    index, q = made("cosine")
    for table in range(L):
        key = inspecting.key_of(index, q, table, K)
        np.testing.assert_array_equal(key.symbols, key.positions > 0)


def test_the_angle_to_a_plane_is_that_of_geometry():
    index, q = made("cosine")
    x = prepare(q[None], "cosine", index.hasher.centre)[0].astype(np.float64)
    normal = index.hasher.family.directions[:, 12 + 2].astype(np.float64)  # the third function of the second table
    angle = 90 - np.degrees(np.arccos(x @ normal / np.linalg.norm(x) / np.linalg.norm(normal)))
    assert inspecting.key_of(index, q, 1, K).positions[2] == pytest.approx(angle, abs=1e-4)


def test_a_position_in_a_bucket_gives_the_distances_to_its_boundaries():
    index, q = made("euclidean")
    key = inspecting.key_of(index, q, 0, K)
    projections = index.hasher.project(q[None], 1)[0, :K].astype(np.float64)
    offsets = index.hasher.family.offsets[:K]
    np.testing.assert_allclose(key.positions, projections / index.bucket_width + offsets, atol=1e-9)
    np.testing.assert_allclose(key.margin, 1 - np.abs(2 * (key.positions % 1) - 1), atol=1e-9)


@BOTH
def test_the_nearest_of_all_rows_are_what_exact_search_finds(metric):
    index, q = made(metric)
    ids, distances = inspecting.nearest_of(index, q, np.arange(index.n), 12)
    truth = index.exact.search(q[None], 12)
    np.testing.assert_array_equal(ids, truth.ids[0])
    np.testing.assert_array_equal(distances, truth.distances[0])


@BOTH
@pytest.mark.parametrize("k", [1, 12, 50])
def test_the_nearest_are_the_same_in_blocks_and_in_any_order_of_rows(metric, k, monkeypatch):
    index, q = made(metric)
    rows = np.random.default_rng(4).permutation(index.n)[:300].astype(np.int32)
    whole = inspecting.nearest_of(index, q, np.sort(rows), k)
    monkeypatch.setattr(inspecting, "_BLOCK_IDS", 16)
    blocks = inspecting.nearest_of(index, q, rows, k)
    for one, other in zip(whole, blocks, strict=True):
        np.testing.assert_array_equal(one, other)


def test_of_no_rows_none_is_nearest():
    index, q = made("cosine")
    assert len(inspecting.nearest_of(index, q, [], 5)[0]) == 0


@BOTH
def test_the_margins_of_random_functions_are_uniformly_distributed(metric):
    rng = np.random.default_rng(0)
    index = LSHIndex(metric, n_tables=64, n_bits=32).fit(rng.standard_normal((50, 40)))
    q = rng.standard_normal(40).astype(np.float32)
    margins = np.sort(np.concatenate([inspecting.key_of(index, q, table, 32).margin for table in range(64)]))
    gap = np.abs(margins - (np.arange(len(margins)) + 0.5) / len(margins)).max()
    assert gap < 1.95 / np.sqrt(len(margins))  # Kolmogorov and Smirnov, at a chance of 1 in 1000


def test_a_query_at_the_centre_of_all_lies_on_every_plane():
    index = LSHIndex("cosine", n_tables=1, n_bits=4).fit(np.tile([[3.0, 4.0]], (5, 1)))
    key = inspecting.key_of(index, np.array([3.0, 4.0]), 0, 4)
    assert key.positions.tolist() == key.margin.tolist() == [0, 0, 0, 0]


@BOTH
def test_a_found_row_differs_in_no_symbol_of_that_table_and_other_rows_differ(metric):
    index, q = made(metric)
    differ = inspecting.differences(index, q, np.arange(index.n), L, K)
    np.testing.assert_array_equal(~differ.any(axis=2), index.matches(q, np.arange(index.n), L, K, 1))


@BOTH
def test_a_near_miss_is_the_table_with_the_fewest_differing_symbols(metric):
    index, q = made(metric)
    rows = index.exact.search(q[None], 60).ids[0]
    differ = inspecting.differences(index, q, rows, L, K)
    for i, miss in enumerate(inspecting.near_misses(index, q, rows, L, K)):
        assert len(miss.differing) == differ[i].sum(axis=1).min()
        assert miss.differing == tuple(np.flatnonzero(differ[i, miss.table]))
        prefixes = [next((j for j in range(K) if row[j]), K) for row in differ[i]]
        assert miss.shared == max(prefixes)


@BOTH
def test_fewer_bits_up_to_the_shared_prefix_would_have_found_a_missed_row(metric):
    index, q = made(metric)
    rows = index.exact.search(q[None], 60).ids[0]
    for row, miss in zip(rows, inspecting.near_misses(index, q, rows, L, K), strict=True):
        if miss.shared:
            assert index.matches(q, [row], L, miss.shared, 1).any()
        if miss.shared < K:
            assert not index.matches(q, [row], L, miss.shared + 1, 1).any()


@BOTH
@pytest.mark.parametrize("n_probes", [1, 3])
def test_the_smallest_fix_is_the_first_change_of_one_setting_with_which_a_search_finds_the_row(metric, n_probes):
    index, q = made(metric)
    met = index.matches(q, np.arange(index.n), 2, 8, n_probes).any(axis=1)
    missed = [row for row in index.exact.search(q[None], 40).ids[0].tolist() if not met[row]]
    assert missed

    def sees(row, n_tables, n_bits, probes):
        found = index.search(q[None], index.n, n_tables, n_bits, probes)
        return row in found.ids[0, : found.n_found[0]]

    for row, fix in zip(missed, inspecting.smallest_fix(index, q, missed, 2, 8, n_probes, 9), strict=True):
        assert fix.n_bits == next((b for b in range(7, 0, -1) if sees(row, 2, b, n_probes)), None)
        assert fix.n_tables == next((t for t in range(3, 9) if sees(row, t, 8, n_probes)), None)
        assert fix.n_probes == next((t for t in range(n_probes + 1, 10) if sees(row, 2, 8, t)), None)


def test_where_nothing_is_missed_there_is_nothing_to_fix():
    index, q = made("cosine")
    assert inspecting.smallest_fix(index, q, [], L, K, 1, 16) == []


@BOTH
@pytest.mark.parametrize("block", [1, 7, 400, 65_536])
def test_bucket_sizes_are_the_counts_of_equal_keys_and_hold_every_row(metric, block, monkeypatch):
    monkeypatch.setattr(inspecting, "_BLOCK_IDS", block)
    index, _ = made(metric)
    for n_bits in (1, 4, 12):
        keys = inspecting.symbols_of(index, index.exact.X, 3, n_bits)[:, 2]
        counts = np.unique(keys, axis=0, return_counts=True)[1]
        assert inspecting.bucket_sizes(index, 2, n_bits).tolist() == sorted(counts.tolist(), reverse=True)


def test_identical_rows_fill_one_bucket():
    index = LSHIndex("cosine", n_tables=2, n_bits=8).fit(np.ones((30, 4)))
    assert inspecting.bucket_sizes(index, 1, 8).tolist() == [30]
    assert inspecting.recall_by_probe(30, inspecting.walk(index, np.ones(4), 2, 8), [0, 5])[1].tolist() == [2]


@pytest.mark.parametrize(
    ("metric", "family"), [("cosine", "hyperplanes"), ("euclidean", "hyperplanes"), ("cosine", "itq")]
)
def test_the_family_distance_of_planes_is_the_angle_about_the_centre(metric, family):
    index, q = made(metric, family=family)
    X = prepare(index.exact.X, metric, index.hasher.centre).astype(np.float64)
    x = prepare(q[None], metric, index.hasher.centre)[0].astype(np.float64)
    angles = np.degrees(np.arccos(X @ x / np.linalg.norm(X, axis=1) / np.linalg.norm(x)))
    np.testing.assert_allclose(inspecting.family_distance(index, q, np.arange(index.n)), angles, atol=1e-4)


def test_the_family_distance_of_projections_is_the_euclidean_distance():
    index, q = made("euclidean")
    exact = index.exact.search(q[None], index.n)
    np.testing.assert_allclose(inspecting.family_distance(index, q, exact.ids[0]), exact.distances[0], rtol=1e-5)


@pytest.mark.parametrize("n", [5, None])
@BOTH
def test_the_plane_is_the_one_in_which_vectors_spread_most(metric, n):
    index, _ = made(metric)
    X = index.exact.X[:n]  # fewer vectors than values, and more
    assert (len(X) <= index.dim) == (n is not None)
    flat = inspecting.plane_of(index, X)
    prepared = prepare(X, metric, index.hasher.centre).astype(np.float64)
    spread = np.linalg.eigvalsh(np.cov(prepared.T, bias=True))[::-1]
    np.testing.assert_allclose(flat.var(axis=0), spread[:2], rtol=1e-6)


def test_a_single_vector_lies_at_the_origin_of_its_plane():
    index, q = made("cosine")
    assert inspecting.plane_of(index, q[None]).tolist() == [[0, 0]]


def test_queries_that_a_search_refuses_are_refused():
    index, _ = made("cosine")
    with pytest.raises(ZeroVectorError):
        inspecting.walk(index, np.zeros(9), 2, 2)
