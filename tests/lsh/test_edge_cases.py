"""Edge cases of LSHIndex: zeros, NaN, shapes, scales, and data with outliers."""

import numpy as np
import pytest

from lsh import LSHIndex
from lsh.errors import NonFiniteError, NotFittedError, ScaleError, ShapeError, ZeroVectorError

METRICS = ["cosine", "euclidean"]


def data(n=150, dim=6, seed=0):
    return np.random.default_rng(seed).standard_normal((n, dim)).astype(np.float32)


def test_rows_of_zeros_may_be_indexed_and_are_at_cosine_distance_one():
    X = np.concatenate([np.zeros((2, 6)), data(30)]).astype(np.float32)
    index = LSHIndex("cosine", 64, 1).fit(X)
    found = index.search(X[2:5], 32)
    for q in range(3):
        assert {0, 1} <= set(found.ids[q].tolist())
        assert (found.distances[q][np.isin(found.ids[q], [0, 1])] == 1.0).all()


def test_only_rows_of_zeros_can_be_indexed_too():
    found = LSHIndex("cosine", 16, 1).fit(np.zeros((4, 3))).search([[1, 2, 3]], 4)
    assert found.ids.tolist() == [[0, 1, 2, 3]]
    assert found.distances.tolist() == [[1.0] * 4]


def test_a_zero_query_under_cosine_is_refused_and_under_euclidean_is_a_point():
    with pytest.raises(ZeroVectorError, match="Q row 1 is all zeros"):
        LSHIndex("cosine", 2, 2).fit(data()).search([data(1)[0], np.zeros(6)])
    assert LSHIndex("euclidean", 32, 1).fit(data()).search(np.zeros((1, 6))).n_found.tolist() == [10]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_refused_at_fit_and_search_with_their_position(metric, value):
    bad = data()
    bad[17, 3] = value
    with pytest.raises(NonFiniteError, match=f"X holds {value} at row 17, column 3"):
        LSHIndex(metric, 2, 2).fit(bad)
    with pytest.raises(NonFiniteError, match=f"Q holds {value} at row 1, column 3"):
        LSHIndex(metric, 2, 2).fit(data()).search(bad[16:19])


@pytest.mark.parametrize("metric", METRICS)
def test_queries_of_another_shape_are_refused(metric):
    index = LSHIndex(metric, 2, 2).fit(data())
    with pytest.raises(ShapeError, match="Q has 5 features per row; the indexed vectors have 6"):
        index.search(data(3, 5))
    with pytest.raises(ShapeError, match=r"pass q\[None, :\]"):
        index.search(data(1)[0])


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(("shape", "message"), [((0, 3), "X has no rows"), ((3, 0), "at least one feature")])
def test_data_without_rows_or_features_is_refused(metric, shape, message):
    with pytest.raises(ShapeError, match=message):
        LSHIndex(metric).fit(np.empty(shape))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("scale", [1e20, 1e-20, 1e-50])
def test_data_beyond_the_scale_of_float32_is_refused(metric, scale):
    with pytest.raises(ScaleError):
        LSHIndex(metric, 2, 2).fit(data().astype(np.float64) * scale)
    with pytest.raises(ScaleError):
        LSHIndex(metric, 2, 2).fit(data()).search(data(2).astype(np.float64) * scale)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("scale", [2.0**-40, 2.0**56])
def test_data_of_any_scale_that_is_accepted_is_answered_like_that_of_scale_one(metric, scale):
    found, scaled = (LSHIndex(metric, 4, 5).fit(data() * s).search(data(9, seed=1) * s) for s in (1.0, scale))
    assert np.array_equal(found.ids, scaled.ids)
    assert np.array_equal(found.n_candidates, scaled.n_candidates)


def test_a_search_before_fit_says_to_fit():
    with pytest.raises(NotFittedError, match=r"call fit\(X\) first"):
        LSHIndex().search(data())


@pytest.mark.parametrize("name", ["n", "dim", "exact", "hasher", "tables", "bucket_width"])
def test_fitted_attributes_raise_before_fit(name):
    with pytest.raises(NotFittedError):
        getattr(LSHIndex(), name)


def test_an_index_can_be_fitted_again():
    index = LSHIndex(n_tables=4, n_bits=4).fit(data())
    assert np.array_equal(
        index.fit(data(seed=5)).search(data(3)).ids,
        LSHIndex(n_tables=4, n_bits=4).fit(data(seed=5)).search(data(3)).ids,
    )


@pytest.mark.parametrize(
    "X",
    [
        np.concatenate([data(200) * 0.01, data(200, seed=1) * 0.01 + 1000]),  # two far clusters
        np.concatenate([data(200), np.full((1, 6), 1e6, np.float32)]),  # an outlier
        data(400) ** 7,  # heavy tails
        np.concatenate([np.zeros((300, 6), np.float32), data(20)]),  # mostly duplicates
    ],
    ids=["clusters", "outlier", "tails", "duplicates"],
)
def test_without_a_width_given_any_data_can_be_indexed_and_each_point_found(X):
    index = LSHIndex("euclidean", 8, 12).fit(X)
    assert index.bucket_width > 0
    for q in range(0, len(X), 17):
        assert index.matches(X[q], [q]).all()


def test_hyperplanes_have_no_bucket_width():
    assert LSHIndex("cosine", 2, 2).fit(data()).bucket_width is None


def test_a_bucket_width_given_is_used():
    assert LSHIndex("euclidean", 2, 2, bucket_width=2.5).fit(data()).bucket_width == 2.5


@pytest.mark.parametrize("metric", METRICS)
def test_data_far_from_the_origin_still_finds_its_neighbours(metric):
    rng = np.random.default_rng(0)
    X = (rng.standard_normal((300, 6)) + 1000).astype(np.float32)  # centring keeps the buckets apart
    index = LSHIndex(metric, 8, 6).fit(X)
    found = index.search(X, 1, n_tables=8, n_bits=6, n_probes=1)
    assert (found.distances[:, 0] <= 8 * np.finfo(np.float32).eps).all()
    assert found.n_candidates.mean() < 0.5 * len(X)  # all, if every plane had all vectors on one side
