"""Exact distances and the k nearest candidates."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earshot_common.encoded_vectors import EncodedVectors
from lsh.kernels.ranking import (
    COSINE,
    EUCLIDEAN,
    Vectors,
    decode_rows,
    distances_to,
    exact_is_faster,
    inner_products,
    is_rare,
    list_all,
    nearest,
    rank_more,
    shortlist,
)
from tests import reference
from tests.lsh.kernels.random_tables import protected

METRICS = [COSINE, EUCLIDEAN]
# Small whole numbers and inverse norms that are powers of two: every float32 operation is exact, and ties are many.
INVERSE_NORMS = np.float32([0.0, 0.125, 0.0625, 0.03125])


def vectors(*facts):
    return protected(*Vectors.of(*facts))


def distance(q, x, inverse_norm, metric):
    out = np.empty(1, np.float32)
    distances_to(q, vectors(x[None, :], np.float32([inverse_norm]), metric), np.zeros(1, np.int64), out)
    return out[0]


def whole_numbers(rng, n, dim):
    return rng.integers(-2, 3, (n, dim)).astype(np.float32), INVERSE_NORMS[rng.integers(0, 4, n)]


def found_by(kernel_nearest, q, X, inverse_norms, metric, candidates, k):
    ids, distances = np.full(k, 99, np.int64), np.full(k, np.nan, np.float32)
    count = kernel_nearest(q, vectors(X, inverse_norms, metric), candidates, ids, distances)
    assert count == (ids >= 0).sum()
    return ids, distances


@pytest.mark.parametrize("dim", [1, 2, 3, 7, 128, 1000])
def test_cosine_distance_is_as_near_to_float64_as_float32_allows(dim):
    rng = np.random.default_rng(dim)
    unit = np.finfo(np.float32).eps / 2
    for scale in (1e-15, 1.0, 1e15):
        q = rng.standard_normal(dim)
        q = (q / np.linalg.norm(q)).astype(np.float32)
        x = (rng.standard_normal(dim) * scale).astype(np.float32)
        inverse = np.float32(1 / np.linalg.norm(x.astype(np.float64)))
        terms = float(np.abs(q.astype(np.float64)) @ np.abs(x.astype(np.float64))) * float(inverse)
        bound = (dim + 2) * unit * terms + 2 * unit  # the sum, the product and the subtraction (Higham 2002, 3.1)
        assert abs(float(distance(q, x, inverse, COSINE)) - reference.cosine_distance(q, x, inverse)) <= bound


@pytest.mark.parametrize("dim", [1, 2, 3, 7, 128, 1000])
def test_euclidean_distance_is_as_near_to_float64_as_float32_allows(dim):
    rng = np.random.default_rng(dim)
    unit = np.finfo(np.float32).eps / 2
    for scale in (1e-15, 1.0, 1e15):
        q, x = (rng.standard_normal((2, dim)) * scale).astype(np.float32)
        true = reference.euclidean_distance(q, x)
        bound = (dim + 6) * unit * true  # each square is off by 3 units, their sum by dim, the root halves and adds one
        assert abs(float(distance(q, x, np.float32(1), EUCLIDEAN)) - true) <= bound


def test_a_distance_is_the_difference_not_an_expanded_square():
    q = np.full(128, 1e4, np.float32)
    x = q.copy()
    x[0] += np.float32(2**-6)
    assert distance(q, x, np.float32(1), EUCLIDEAN) == np.float32(2**-6)


def test_cosine_distance_stays_between_zero_and_two():
    rng = np.random.default_rng(0)
    for _ in range(500):
        q = rng.standard_normal(7)
        q = (q / np.linalg.norm(q)).astype(np.float32)
        inverse = np.float32(1 / np.linalg.norm(q.astype(np.float64)))
        assert distance(q, q, inverse, COSINE) >= 0
        assert distance(q, -q, inverse, COSINE) <= 2


@pytest.mark.parametrize("metric", METRICS)
def test_a_distance_to_nan_is_nan(metric):
    q, x = np.ones(9, np.float32), np.full(9, np.nan, np.float32)
    assert not distance(q, x, np.float32(1), metric) <= 2


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("n_candidates", [0, 1, 33])
def test_distances_to_many_candidates_equal_those_to_each_alone_bit_for_bit(metric, n_candidates):
    rng = np.random.default_rng(n_candidates)
    X, q = rng.standard_normal((40, 20), dtype=np.float32), rng.standard_normal(20, dtype=np.float32)
    inverse_norms = rng.random(40, dtype=np.float32)
    candidates = rng.permutation(40)[:n_candidates]
    out = np.full(n_candidates, np.nan, np.float32)
    distances_to(q, vectors(X, inverse_norms, metric), candidates, out)
    assert out.tolist() == [float(distance(q, X[i], inverse_norms[i], metric)) for i in candidates]
    assert out == pytest.approx(reference.distances_to(q, X, inverse_norms, metric, candidates), abs=1e-5)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("dim", [1, 2, 3, 7])
@pytest.mark.parametrize("k", [1, 2, 10, 41])
def test_nearest_agrees_with_sorting_everything_ties_and_all(metric, dim, k):
    for n in (1, 2, 3, 40):
        rng = np.random.default_rng([metric, dim, k, n])
        X, inverse_norms = whole_numbers(rng, n, dim)
        q = rng.integers(-2, 3, dim).astype(np.float32)
        for n_candidates in (0, 1, n):
            candidates = rng.permutation(n)[:n_candidates]
            ids, distances = found_by(nearest, q, X, inverse_norms, metric, candidates, k)
            expected_ids, expected_distances = reference.nearest(q, X, inverse_norms, metric, candidates, k)
            assert ids.tolist() == expected_ids.tolist()
            assert distances.tolist() == expected_distances.tolist()


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("n_candidates", [0, 1, 4])
def test_list_all_keeps_the_order_of_candidates_and_fills_the_rest(metric, n_candidates):
    rng = np.random.default_rng([metric, n_candidates])
    X, inverse_norms = whole_numbers(rng, 9, 3)
    q, candidates = rng.integers(-2, 3, 3).astype(np.float32), rng.permutation(9)[:n_candidates]
    scores = rng.standard_normal(9).astype(np.float32)
    ids, distances, estimates = np.zeros(4, np.int64), np.zeros(4, np.float32), np.zeros(4, np.float32)
    list_all(q, vectors(X, inverse_norms, metric), candidates, scores, ids, distances, estimates)
    expected = reference.list_all(q, X, inverse_norms, metric, candidates, scores, 4)
    assert ids.tolist() == expected[0]
    assert distances == pytest.approx(expected[1], abs=1e-6)
    assert estimates.tolist() == expected[2]


def test_candidates_ranked_in_parts_are_those_ranked_together():
    rng = np.random.default_rng(4)
    X = rng.integers(0, 3, (60, 3)).astype(np.float32)  # many ties
    candidates, terms = rng.permutation(60), np.ones(60, np.float32)
    ids, distances, found = np.full(10, -1), np.full(10, np.inf, np.float32), 0
    for part in np.split(candidates, [0, 4, 9, 40]):
        found = rank_more(X[0], vectors(X, terms, EUCLIDEAN), part, np.empty(60, np.float32), found, ids, distances)
    expected_ids, expected_distances = reference.rank_more(X[0], X, terms, EUCLIDEAN, candidates, 10)
    assert found == 10
    np.testing.assert_array_equal(ids, expected_ids)
    np.testing.assert_allclose(distances, expected_distances, rtol=1e-6)


def test_nearest_does_not_depend_on_the_order_of_candidates():
    rng = np.random.default_rng(0)
    X = rng.integers(-1, 2, (60, 3)).astype(np.float32)
    expected = found_by(nearest, X[0], X, np.ones(60, np.float32), EUCLIDEAN, np.arange(60), 10)
    for _ in range(20):
        shuffled = found_by(nearest, X[0], X, np.ones(60, np.float32), EUCLIDEAN, rng.permutation(60), 10)
        assert np.array_equal(shuffled, expected)


@pytest.mark.parametrize(("n", "dim"), [(1, 1), (3, 2), (50, 7), (9, 128), (0, 4)])
def test_inner_products_are_a_matrix_vector_product(n, dim):
    rng = np.random.default_rng([n, dim])
    q, X = rng.standard_normal(dim, dtype=np.float32), rng.standard_normal((n, dim), dtype=np.float32)
    out = np.full(n, np.nan, np.float32)
    inner_products(q, vectors(X, np.ones(n, np.float32), COSINE), 0, out)
    bound = dim * np.finfo(np.float32).eps * (np.abs(X).astype(np.float64) @ np.abs(q))  # Higham (2002), section 3.1
    assert (np.abs(out - reference.inner_products(q, X)) <= bound).all()


@pytest.mark.parametrize("n", [1, 5, 300])
@pytest.mark.parametrize("margin", [0.0, 0.3, 2.0])
def test_a_shortlist_holds_every_score_within_the_margin_of_the_kth_best(n, margin):
    for seed in range(10):
        rng = np.random.default_rng([n, seed])
        for scores in (rng.standard_normal(n), rng.integers(0, 4, n), np.zeros(n)):
            for k in (1, 3, 10, n, n + 1):
                rows, own = np.full(n, -1), scores.astype(np.float32)
                count = shortlist(own, k, margin, rows)
                assert set(reference.shortlist(own, k, margin)) <= set(rows[:count].tolist())
                assert rows[:count].tolist() == sorted(set(rows[:count].tolist()))


ENCODED = {
    "uint8": lambda rng, shape: (rng.integers(0, 256, shape, np.uint8), np.float32(4 / 255), np.float32(-2)),
    "float16": lambda rng, shape: ((rng.standard_normal(shape) * 3).astype(np.float16), 1, 0),
}


@pytest.mark.parametrize("dtype", ENCODED)
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("dim", [1, 3, 16, 128, 131])
def test_encoded_vectors_are_ranked_as_the_float32_that_they_stand_for_bit_for_bit(dtype, metric, dim):
    rng = np.random.default_rng([dim, metric])
    stored, scale, offset = ENCODED[dtype](rng, (33, dim))
    X, inverse_norms, q = (
        reference.decode_rows(stored, scale, offset),
        rng.random(33, dtype=np.float32),
        rng.random(dim, np.float32),
    )
    candidates, out, expected = rng.permutation(33), np.empty(33, np.float32), np.empty(33, np.float32)
    distances_to(q, vectors(stored, inverse_norms, metric, scale, offset), candidates, out)
    distances_to(q, vectors(X, inverse_norms, metric), candidates, expected)
    assert out.tolist() == expected.tolist()
    products, theirs = np.empty(20, np.float32), np.empty(20, np.float32)
    inner_products(q, vectors(stored, inverse_norms, metric, scale, offset), 5, products)
    inner_products(q, vectors(X, inverse_norms, metric), 5, theirs)
    assert products.tolist() == theirs.tolist()


@pytest.mark.parametrize("dtype", ENCODED)
@pytest.mark.parametrize("dim", [1, 17, 128])
def test_rows_are_decoded_as_the_array_decodes_them(dtype, dim):
    stored, scale, offset = ENCODED[dtype](np.random.default_rng(dim), (40, dim))
    X = EncodedVectors(stored, scale, offset)
    for first, n in ((0, 40), (5, 20), (39, 1), (7, 0)):
        for rows in (stored, X[:]):
            facts = vectors(rows, np.ones(40, np.float32), COSINE, *((scale, offset) if rows is stored else ()))
            out = np.full((n, dim), np.nan, np.float32)
            decode_rows(facts, first, out)
            assert np.array_equal(out, reference.decode_rows(stored, scale, offset, first, n))


@given(scale=st.floats(2**-60, 2**20, width=32), steps=st.sampled_from([0, 2**-19, 0.3, 1, 127.5, 2**19]))
def test_each_byte_is_decoded_by_kernel_and_array_to_the_float32_nearest_to_its_value(scale, steps):
    offset = -np.float32(scale * steps)
    stored = np.arange(256, dtype=np.uint8)[:, None]
    out = np.empty(256, np.float32)
    inner_products(np.ones(1, np.float32), vectors(stored, np.ones(256, np.float32), COSINE, scale, offset), 0, out)
    assert out.tolist() == reference.decode_rows(stored, scale, offset)[:, 0].tolist()
    assert EncodedVectors(stored, scale, offset)[:][:, 0].tolist() == out.tolist()


def test_every_finite_float16_is_decoded_to_its_value():
    stored = np.arange(2**16, dtype=np.uint16).view(np.float16)
    stored = stored[np.isfinite(stored)][:, None]
    out = np.empty(len(stored), np.float32)
    inner_products(np.ones(1, np.float32), vectors(stored, np.ones(len(stored), np.float32), COSINE), 0, out)
    assert out.tolist() == stored[:, 0].astype(np.float32).tolist()


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6), st.integers(1, 500))
def test_two_costs_are_compared_as_by_their_reference(n_allowed, n_ranked, n_ids, dim):
    assert exact_is_faster(n_allowed, n_ranked, n_ids, dim) == reference.exact_is_faster(
        n_allowed, n_ranked, n_ids, dim
    )


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60), st.integers(1, 60))
def test_two_shares_are_compared_as_by_their_reference(count, n_met, n_allowed, n):
    count = min(count, n_met)
    assert is_rare(count, n_met, n_allowed, n) == reference.is_rare(count, n_met, n_allowed, n)
