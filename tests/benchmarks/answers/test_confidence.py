"""Confidence intervals of means and differences."""

import numpy as np
import pytest

from benchmarks.answers.confidence import macro_figure, mean_figure


def test_an_interval_contains_the_mean_and_shrinks_with_the_root_of_the_number_of_queries():
    values = np.random.default_rng(0).random(100)
    few, many = mean_figure(values), mean_figure(np.tile(values, 16))
    assert few["low"] < few["value"] < few["high"]
    assert many["value"] == few["value"]
    ratio = (few["high"] - few["low"]) / (many["high"] - many["low"])
    assert ratio == pytest.approx(4, rel=0.15)  # quantiles of 2,000 resamples vary by some per cent


def test_the_interval_of_many_queries_is_that_of_the_normal_distribution():
    values = np.random.default_rng(1).standard_normal(400)
    figure = mean_figure(values)
    error = values.std() / np.sqrt(len(values))
    assert figure["high"] - figure["low"] == pytest.approx(2 * 1.96 * error, rel=0.1)


def test_the_same_values_have_the_same_interval_each_time():
    values = np.random.default_rng(2).random(50)
    assert mean_figure(values) == mean_figure(values)


def test_equal_values_have_an_interval_without_width():
    assert mean_figure([0.5] * 20) == {"value": 0.5, "low": 0.5, "high": 0.5}


def test_every_label_has_the_same_weight_whatever_its_number_of_queries():
    counted = np.array([[1, 0], [1, 0], [1, 1]], bool)
    values = np.array([[0.0, 9.0], [0.5, 9.0], [1.0, 0.2]])
    assert macro_figure(values, counted)["value"] == pytest.approx((0.5 + 0.2) / 2)


def test_a_label_without_queries_is_left_out():
    counted = np.array([[1, 0], [1, 0]], bool)
    assert macro_figure(np.full((2, 2), 0.25), counted) == {"value": 0.25, "low": 0.25, "high": 0.25}
