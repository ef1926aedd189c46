"""Validation of parameters and search settings."""

import numpy as np
import pytest

from lsh import LSHIndex
from lsh.errors import ParameterError


@pytest.mark.parametrize(("name", "low", "high"), [("n_tables", 1, 512), ("n_bits", 1, 32), ("seed", 0, 2**63 - 1)])
def test_the_ends_of_each_range_are_accepted_and_values_beyond_refused(name, low, high):
    for value in (low, high, np.int64(high)):
        assert getattr(LSHIndex(**{name: value}).params, name) == value
    for value in (low - 1, high + 1, float(high), str(low), None, True):
        with pytest.raises(ParameterError, match=f"{name} is .*; expected a whole number from {low} to {high}"):
            LSHIndex(**{name: value})


def test_numpy_integers_are_accepted():
    X = np.random.default_rng(0).standard_normal((50, 4))
    small = LSHIndex("euclidean", np.uint8(5), np.uint8(30)).fit(X)
    assert np.array_equal(small.tables.keys, LSHIndex("euclidean", 5, 30).fit(X).tables.keys)


@pytest.mark.parametrize("metric", ["manhattan", "COSINE", "", None, 0])
def test_an_unknown_metric_is_refused_with_the_ones_available(metric):
    with pytest.raises(ParameterError, match="expected one of 'cosine', 'euclidean'"):
        LSHIndex(metric)


@pytest.mark.parametrize(("metric", "family"), [("cosine", "pstable"), ("euclidean", "planes"), ("cosine", "")])
def test_a_family_of_another_metric_is_refused_with_the_ones_available(metric, family):
    with pytest.raises(ParameterError, match=f"family is '{family}'; for {metric} distance expected one of '"):
        LSHIndex(metric, family=family)


@pytest.mark.parametrize(("metric", "family"), [("cosine", "hyperplanes"), ("euclidean", "pstable")])
def test_each_metric_has_its_family(metric, family):
    assert LSHIndex(metric).params.family == family


@pytest.mark.parametrize("width", [0, -1.0, np.nan, np.inf, "1"])
def test_a_bucket_width_that_is_no_number_above_zero_is_refused(width):
    with pytest.raises(ParameterError, match="bucket_width is"):
        LSHIndex("euclidean", bucket_width=width)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"n_tables": 0}, "n_tables is 0; expected a whole number from 1 to 4"),
        ({"n_tables": 5}, "n_tables is 5; expected a whole number from 1 to 4"),
        ({"n_bits": 0}, "n_bits is 0; expected a whole number from 1 to 6"),
        ({"n_bits": 7}, "n_bits is 7; expected a whole number from 1 to 6"),
        ({"n_bits": 6.0}, r"n_bits is 6\.0; expected a whole number"),
        ({"n_probes": 0}, "n_probes is 0; expected a whole number from 1 to 64"),
        ({"n_probes": 65}, "n_probes is 65; expected a whole number from 1 to 64"),
        ({"k": 0}, "k is 0; expected a whole number from 1"),
        ({"k": 2.5}, r"k is 2\.5"),
    ],
)
def test_a_setting_beyond_the_index_is_refused_with_the_range(setting, message):
    index = LSHIndex(n_tables=4, n_bits=6).fit(np.eye(5))
    with pytest.raises(ParameterError, match=message):
        index.search(np.eye(5), **setting)


def test_parameters_are_read_only():
    with pytest.raises(AttributeError):
        LSHIndex().params.seed = 3
