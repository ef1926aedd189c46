"""Sketches, their estimates and the selection of the best scores."""

import numpy as np
import pytest

from lsh.kernels.selection import count_above, exact_limit, keep_best, limit_for, limits_of_best, select_above
from lsh.kernels.sketching import DIMENSIONS, encode, matvec, quantise, score
from tests import reference
from tests.lsh.confidence import half_width

UNIT = float(np.finfo(np.float32).eps) / 2


def encoded(Y):
    planes, factors = np.empty((4, len(Y)), np.uint64), np.empty((2, len(Y)), np.float32)
    encode(Y, planes, factors)
    return planes, factors


def quantised(y):
    planes = np.empty(8, np.uint64)
    step, total = quantise(y, planes)
    return planes, step, total


@pytest.mark.parametrize(("d", "m"), [(1, 1), (2, 5), (3, 1), (7, 33), (128, 16), (130, 3), (5, 0)])
def test_matvec_is_a_product_of_vector_and_matrix(d, m):
    rng = np.random.default_rng([d, m])
    vector, matrix = rng.standard_normal(d, dtype=np.float32), rng.standard_normal((d, m), dtype=np.float32)
    out = np.full(m, np.nan, np.float32)
    matvec(vector, matrix, out)
    bound = d * UNIT / (1 - d * UNIT) * (np.abs(vector).astype(np.float64) @ np.abs(matrix))  # Higham (2002), 3.1
    assert (np.abs(out - reference.matvec(vector, matrix)) <= bound).all()


@pytest.mark.parametrize("scale", [1e-10, 1.0, 1e15])
def test_a_sketch_has_the_smallest_angle_of_five_widths_and_the_right_factors(scale):
    rng = np.random.default_rng(0)
    Y = (rng.standard_normal((40, DIMENSIONS)) * scale).astype(np.float32)
    planes, factors = encoded(Y)
    levels = reference.sketch_levels(planes)
    for y, numbers, (factor, sum_factor) in zip(Y.astype(np.float64), levels, factors.T, strict=True):
        c = numbers - 1.5
        best = reference.cosine(y, reference.encode(y) - 1.5)
        # A coordinate on the boundary of two levels may get either; that changes the cosine by rounding only.
        assert reference.cosine(y, c) >= best - 4 * DIMENSIONS * UNIT
        assert factor == pytest.approx(y @ y / (y @ c), rel=2 * DIMENSIONS * UNIT)
        assert sum_factor == pytest.approx(factor * numbers.sum(), rel=4 * UNIT)


def test_the_sketch_of_zero_is_zero():
    planes, factors = encoded(np.zeros((2, DIMENSIONS), np.float32))
    assert not planes.any()
    assert not factors.any()


def test_the_estimate_of_an_inner_product_is_unbiased():
    """Over random rotations: a vector turned at random, and a query at a given angle to it (RaBitQ, 2024)."""
    rng = np.random.default_rng(1)
    draws, wanted = 4000, 0.6
    Y = rng.standard_normal((draws, DIMENSIONS))
    Y /= np.linalg.norm(Y, axis=1, keepdims=True)
    across = rng.standard_normal((draws, DIMENSIONS))
    across -= (across * Y).sum(axis=1, keepdims=True) * Y
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    queries = wanted * Y + 0.8 * across
    planes, factors = encoded(Y.astype(np.float32))
    estimates = factors[0] * (queries * (reference.sketch_levels(planes) - 1.5)).sum(axis=1)
    assert abs(estimates.mean() - wanted) <= half_width(estimates, 1)
    assert half_width(estimates, 1) < 0.01  # a bias of one in a hundred would show


@pytest.mark.parametrize("scale", [1e-15, 1.0, 1e15])
def test_a_query_is_rounded_to_the_nearest_of_sixteen_steps(scale):
    rng = np.random.default_rng(0)
    for _ in range(20):
        y = (rng.standard_normal(DIMENSIONS) * scale).astype(np.float32)
        planes, step, total = quantised(y)
        numbers, (expected, exact_step) = reference.query_numbers(planes), reference.quantise(y.astype(np.float64))
        halfway = np.abs((y / exact_step + 7.5) % 1 - 0.5) < 16 * 8 * UNIT  # where rounding may go either way
        assert (numbers == expected)[~halfway].all()
        assert float(step) == pytest.approx(exact_step, rel=4 * UNIT)
        rounded = float(step) * (numbers - 7.5)
        assert (np.abs(rounded - y) <= 0.5 * step * (1 + 64 * UNIT)).all()
        assert float(total) == pytest.approx(rounded.sum(), abs=DIMENSIONS * UNIT * np.abs(rounded).sum())


def test_a_query_of_zeros_has_an_estimate_of_almost_zero():
    _, step, total = quantised(np.zeros(DIMENSIONS, np.float32))
    assert 0 <= step < 1e-30
    assert abs(total) < 1e-27


@pytest.mark.parametrize("n", [0, 1, 7, 8, 33])
@pytest.mark.parametrize("start", [0, 5])
def test_score_agrees_with_the_decoded_numbers(n, start):
    rng = np.random.default_rng([n, start])
    planes, factors = encoded(rng.standard_normal((n + 9, DIMENSIONS)).astype(np.float32))
    penalties = rng.standard_normal(n + 9).astype(np.float32)
    query, step, total = quantised(rng.standard_normal(DIMENSIONS).astype(np.float32))
    out, offset = np.full(n, np.nan, np.float32), np.float32(0.7)
    score(planes, factors, penalties, start, query, step, total, offset, out)
    rows = slice(start, start + n)
    q = float(step) * (reference.query_numbers(query) - 7.5)
    levels = reference.sketch_levels(planes)[rows]
    f = factors[0, rows].astype(np.float64)
    expected = reference.score(planes, factors, penalties, np.arange(start, start + n), q) + 0.7
    # Each of some ten operations is off by a unit of the largest thing that it adds or takes away.
    largest = f * (float(step) * (levels @ reference.query_numbers(query)) + 7.5 * float(step) * levels.sum(axis=1))
    assert (np.abs(out - expected) <= 32 * UNIT * (largest + np.abs(penalties[rows]) + 1)).all()


@pytest.mark.parametrize("n", [1, 10, 100, 5000])
@pytest.mark.parametrize("shape", ["normal", "uniform", "heavy", "shifted"])
def test_at_least_as_many_scores_as_wanted_exceed_the_limit(n, shape):
    for seed in range(10):
        rng = np.random.default_rng([n, seed])
        scores = {
            "normal": rng.standard_normal(n),
            "uniform": rng.random(n),
            "heavy": rng.standard_cauchy(n),
            "shifted": rng.standard_normal(n) + 100,
        }[shape].astype(np.float32)
        for wanted in (1, 2, 10, 50, n, n + 5):
            for slack in (0, wanted // 4 + 4):
                assert limit_for(scores, wanted, slack) < reference.limit_for(scores, wanted)


@pytest.mark.parametrize("n", [100, 5000])
@pytest.mark.parametrize("wanted", [1, 8, 40, 99])
def test_at_most_the_slack_more_exceed_the_limit_where_scores_are_distinct(n, wanted):
    scores = np.random.default_rng(n).permutation(n).astype(np.float32)
    for slack in (0, wanted // 4 + 4):
        assert wanted <= (scores > limit_for(scores, wanted, slack)).sum() <= wanted + slack


@pytest.mark.parametrize("n", [2, 7, 200])
@pytest.mark.parametrize("n_values", [1, 4, 10**6])
def test_exactly_as_many_scores_as_wanted_exceed_the_exact_limit_unless_some_are_equal(n, n_values):
    scores = np.random.default_rng([n, n_values]).integers(0, n_values, n).astype(np.float32)
    for wanted in {1, n // 2, n - 1}:
        limit = exact_limit(scores, np.float32(-1), wanted)
        assert sorted(scores[scores > limit].tolist(), reverse=True) == reference.exact_limit(scores, wanted)


@pytest.mark.parametrize("n", [1, 7, 200])
@pytest.mark.parametrize("n_values", [1, 4, 1000])
@pytest.mark.parametrize("below", [-1.0, -1e9, -np.inf])
@pytest.mark.parametrize("far", [0, 1e8])
def test_keep_best_keeps_the_best_in_their_order_and_of_equal_ones_the_lower_ids(n, n_values, below, far):
    rng = np.random.default_rng([n, n_values])
    scores, ids = rng.integers(0, n_values, n).astype(np.float32), rng.permutation(n)
    scores[n // 3] += far  # first guesses by the mean are wrong
    for wanted in {1, 2, n // 2 + 1, max(n - 1, 1), n, n + 3}:
        kept_scores, kept = scores.copy(), ids.copy()
        count = keep_best(kept_scores, np.float32(below), wanted, kept)
        found = list(zip(kept[:count].tolist(), kept_scores[:count].tolist(), strict=True))
        assert found == reference.keep_best(scores, wanted, ids)


@pytest.mark.parametrize("n", [2, 9, 200])
@pytest.mark.parametrize("n_values", [1, 4])
def test_the_limits_of_the_best_are_the_least_of_them_and_the_last_id_that_has_it(n, n_values):
    rng = np.random.default_rng([n, n_values])
    scores, ids = rng.integers(0, n_values, n).astype(np.float32), 3 * rng.permutation(n)
    for wanted in range(1, n):
        limit, last = limits_of_best(scores, np.float32(-1), wanted, ids)
        least, last_of_least = reference.limits_of_best(scores, wanted, ids)
        assert (limit, last) == (least, last_of_least) or (limit < least and last == -1)  # all of these are among them
        assert ((scores > limit) | ((scores == limit) & (ids <= last))).sum() == wanted


@pytest.mark.parametrize("size", [8, 9, 33])
def test_a_sketch_has_the_same_estimate_wherever_it_is_in_a_block(size):
    rng = np.random.default_rng(size)
    planes, factors = encoded(rng.standard_normal((500, DIMENSIONS)).astype(np.float32))
    penalties = rng.standard_normal(500).astype(np.float32)
    query, step, total = quantised(rng.standard_normal(DIMENSIONS).astype(np.float32))
    whole, parts = np.empty(500, np.float32), np.empty(500, np.float32)
    score(planes, factors, penalties, 0, query, step, total, np.float32(0.3), whole)
    for start in range(0, 500, size):
        score(planes, factors, penalties, start, query, step, total, np.float32(0.3), parts[start : start + size])
    assert whole.tobytes() == parts.tobytes()


@pytest.mark.parametrize("n", [0, 1, 31, 32, 33, 200])
def test_select_above_appends_the_places_of_all_scores_beyond_the_limit(n):
    scores = np.random.default_rng(n).standard_normal(n).astype(np.float32)
    for limit in (-np.inf, 0.0, 1.5, np.inf):
        rows = np.full(n + 2, 99, np.uint32)
        count = select_above(scores, np.float32(limit), 1000, rows, 2)
        assert rows[2:count].tolist() == reference.select_above(scores, limit, 1000)


@pytest.mark.parametrize("n", [0, 1, 15, 16, 17, 1000])
def test_count_above_counts_the_scores_beyond_the_limit(n):
    scores = np.random.default_rng(n).integers(-3, 4, n).astype(np.float32)
    for limit in (-np.inf, -3, 0, 3, np.inf):
        assert count_above(scores, np.float32(limit)) == reference.count_above(scores, limit)
