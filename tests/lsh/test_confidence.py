"""The bands themselves must be right, and tight enough to catch a wrong formula."""

import numpy as np

from tests.lsh.confidence import binomial_agrees, half_width


def test_the_binomial_band_has_its_known_edges():
    # n = 10, p = 1/2, one comparison at 99.9 %: P[X = 0] = 1/1024 > 0.0005, so all counts pass; n = 12: 1/4096 does not
    assert binomial_agrees(0, 10, 0.5, 1)
    assert not binomial_agrees(0, 12, 0.5, 1)
    assert not binomial_agrees(12, 12, 0.5, 1)


def test_the_binomial_band_notices_a_probability_that_is_off_by_two_in_a_hundred():
    assert binomial_agrees(10_000, 20_000, 0.50, 12)
    assert not binomial_agrees(10_000, 20_000, 0.52, 12)
    assert not binomial_agrees(10_000, 20_000, 0.48, 12)


def test_a_certain_event_must_happen_every_time():
    assert binomial_agrees(0, 5, 0.0, 1)
    assert not binomial_agrees(1, 5, 0.0, 1)
    assert binomial_agrees(5, 5, 1.0, 1)


def test_the_band_of_a_mean_is_its_standard_error_times_the_normal_quantile():
    samples = np.array([0.0, 1.0] * 50)
    assert abs(half_width(samples, 1) - 3.2905 * samples.std(ddof=1) / 10) < 1e-4
