"""Hit probability and predicted recall."""

import numpy as np
import pytest

from lsh import LSHIndex, exact_search, hit_probability, predicted_recall, recall_grid
from lsh.errors import ShapeError
from tests.lsh.confidence import binomial_agrees, half_width

METRICS = ["cosine", "euclidean"]


def test_hit_probability_is_the_formula_where_that_is_safe_to_compute():
    p = np.linspace(0.05, 0.95, 19)
    for n_tables in (1, 2, 10):
        for n_bits in (1, 3, 8):
            expected = 1 - (1 - p**n_bits) ** n_tables
            assert np.allclose(hit_probability(p, n_tables, n_bits), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(("n_tables", "n_bits"), [(1, 1), (5, 3), (512, 32)])
def test_hit_probability_is_zero_at_zero_and_one_at_one(n_tables, n_bits):
    assert hit_probability([0.0, 1.0], n_tables, n_bits).tolist() == [0.0, 1.0]


def test_hit_probability_keeps_its_digits_where_the_plain_formula_loses_them():
    # (1e-2)^16 = 1e-32 vanishes beside 1; L of it is what is left
    assert hit_probability(1e-2, 100, 16) == pytest.approx(1e-30, rel=1e-12)
    assert hit_probability(1 - 1e-12, 1, 1) == pytest.approx(1 - 1e-12, rel=1e-15)


def test_one_table_and_one_bit_hit_as_often_as_one_function_collides():
    p = np.linspace(0, 1, 11)
    assert np.allclose(hit_probability(p, 1, 1), p, atol=1e-15)


def test_hit_probability_rises_with_p_and_tables_and_falls_with_bits():
    p = np.linspace(0.01, 0.99, 40)[:, None, None]
    values = hit_probability(p, np.arange(1, 33)[:, None], np.arange(1, 25))
    assert values.shape == (40, 32, 24)
    assert (np.diff(values, axis=0) >= 0).all()
    assert (np.diff(values, axis=1) >= 0).all()
    assert (np.diff(values, axis=2) <= 0).all()


@pytest.mark.parametrize("metric", METRICS)
def test_pairs_share_a_bucket_as_often_as_their_collision_probability_predicts(metric):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((9, 4)) + 0.5
    q, seeds, tables = rng.standard_normal(4), 40, 512
    met = np.zeros(9, int)
    for seed in range(seeds):
        index = LSHIndex(metric, tables, 1, seed=seed, bucket_width=1.5).fit(X)
        met += index.matches(q, range(9), tables, 1, 1).sum(axis=1)
    p = index.collision_probabilities(q, range(9))
    for count, probability in zip(met.tolist(), p.tolist(), strict=True):
        assert binomial_agrees(count, seeds * tables, probability, comparisons=18)


CELLS = [(1, 1), (1, 3), (2, 6), (8, 4), (8, 8), (4, 2)]  # L, K


@pytest.mark.parametrize("metric", METRICS)
def test_recall_over_many_seeds_is_what_theory_predicts(metric):
    rng = np.random.default_rng(1)
    X, Q = rng.standard_normal((300, 6)), rng.standard_normal((25, 6))
    truth = exact_search(X, Q, 5, metric)
    measured = []
    for seed in range(150):
        index = LSHIndex(metric, 8, 8, seed=seed, bucket_width=3.0).fit(X)
        measured.append(recall_grid(index, Q, 5).recall)
    predicted = predicted_recall(index, Q, truth.ids)  # the same for every seed: angles and distances do not change
    band = half_width(np.array(measured), comparisons=2 * len(CELLS))
    difference = np.abs(np.mean(measured, axis=0) - predicted)
    for n_tables, n_bits in CELLS:
        cell = n_tables - 1, n_bits - 1
        assert difference[cell] <= band[cell], (n_tables, n_bits)
        # A test that could not tell K from K + 1 would be none.
        longer = hit_probability(predicted_p(index, Q, truth.ids), n_tables, n_bits + 1).mean()
        assert band[cell] < abs(predicted[cell] - longer)


def predicted_p(index, Q, truth):
    return np.stack([index.collision_probabilities(q, ids) for q, ids in zip(Q, truth, strict=True)])


@pytest.mark.parametrize("metric", METRICS)
def test_predicted_recall_is_the_mean_of_the_pairs_own_hit_probabilities(metric):
    rng = np.random.default_rng(2)
    X, Q = rng.standard_normal((50, 4)), rng.standard_normal((3, 4))
    index = LSHIndex(metric, 3, 5).fit(X)
    truth = exact_search(X, Q, 4, metric).ids
    predicted = predicted_recall(index, Q, truth)
    assert predicted.shape == (3, 5)
    p = predicted_p(index, Q, truth)
    for n_tables in range(1, 4):
        for n_bits in range(1, 6):
            expected = (1 - (1 - p**n_bits) ** n_tables).mean()
            assert predicted[n_tables - 1, n_bits - 1] == pytest.approx(expected, rel=1e-12)


def test_neighbours_that_do_not_exist_do_not_count():
    X = np.eye(3)
    index = LSHIndex("cosine", 2, 3).fit(X)
    few, padded = (predicted_recall(index, X[:1], np.array([ids])) for ids in ([0, 1], [0, 1, -1, -1]))
    assert np.array_equal(few, padded)


def test_there_is_no_prediction_for_no_queries():
    with pytest.raises(ShapeError, match="Q has no rows"):
        predicted_recall(LSHIndex(n_tables=2, n_bits=2).fit(np.eye(3)), np.empty((0, 3)), np.empty((0, 2), int))
