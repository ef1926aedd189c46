"""Properties of answers, and changes of the data that must not change them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsh import exact_search
from tests.laws.random_collections import MAX_TABLES, UNIT, bytes_, clustered, collections, examples, normal, same
from tests.laws.random_collections import settings_of_a_search as settings_

probes = st.integers(1, 16)


@examples
@given(collections(), settings_, probes)
def test_ids_are_unique_in_range_and_sorted_by_distance_then_id_and_counted_by_n_found(collection, setting, n_probes):
    k, n = collection.k, len(collection.X)
    for found in (
        collection.index().search(collection.Q, k, *setting, n_probes),
        exact_search(collection.X, collection.Q, k, collection.metric),
    ):
        assert found.ids.shape == found.distances.shape == (len(collection.Q), min(k, len(collection.X)))
        assert (found.n_found == np.minimum(k, found.n_candidates)).all()
        for ids, distances, n_found in zip(found.ids, found.distances, found.n_found, strict=True):
            pairs = list(zip(distances[:n_found].tolist(), ids[:n_found].tolist(), strict=True))
            assert pairs == sorted(pairs)
            assert len(set(ids[:n_found].tolist())) == n_found
            assert ((ids[:n_found] >= 0) & (ids[:n_found] < n)).all()
            assert np.isfinite(distances[:n_found]).all()
            assert (ids[n_found:] == -1).all()
            assert np.isinf(distances[n_found:]).all()


@examples
@given(collections(), settings_, probes)
def test_a_batch_is_its_queries_one_by_one(collection, setting, n_probes):
    index, Q, k = collection.index(), collection.Q, collection.k
    for search in (lambda q: index.search(q, k, *setting, n_probes), lambda q: index.exact.search(q, k)):
        batch = search(Q)
        for q in range(len(Q)):
            alone = search(Q[q : q + 1])
            assert alone.ids.tobytes() == batch.ids[q].tobytes()
            assert alone.distances.tobytes() == batch.distances[q].tobytes()
            assert alone.n_candidates[0] == batch.n_candidates[q]


@examples
@given(collections())
def test_where_every_point_is_a_candidate_a_search_is_exact(collection):
    # Both sides of one plane are all there is; so are three neighbouring buckets far wider than the data.
    index = collection.index(1, 1, bucket_width=1e7)
    found = index.search(collection.Q, collection.k, 1, 1, 3)
    assert (found.n_candidates == index.n).all()
    assert same(found, exact_search(collection.X, collection.Q, collection.k, collection.metric))


@examples
@given(collections(), settings_, probes)
def test_no_neighbour_is_nearer_than_that_of_exact_search_at_its_rank(collection, setting, n_probes):
    found = collection.index().search(collection.Q, collection.k, *setting, n_probes)
    truth = exact_search(collection.X, collection.Q, collection.k, collection.metric)
    assert (found.distances >= truth.distances).all()


@examples
@given(collections(metrics=("cosine",)), settings_, st.integers(-40, 40), st.integers(-40, 40))
def test_scaling_by_powers_of_two_does_not_change_cosine_answers(collection, setting, up, further):
    data_scale, query_scale = np.float32(2.0**up), np.float32(2.0**further)
    plain = collection.index().search(collection.Q, collection.k, *setting, 1)
    scaled = collection.index(X=collection.X * data_scale).search(collection.Q * query_scale, collection.k, *setting, 1)
    assert same(plain, scaled)


@examples
@given(collections(metrics=("euclidean",)), settings_, st.integers(-20, 20))
def test_scaling_by_powers_of_two_scales_euclidean_distances_and_nothing_else(collection, setting, up):
    scale = np.float32(2.0**up)
    indexes = (collection.index(X=collection.X * s, bucket_width=40.0 * float(s)) for s in (1, scale))
    plain, scaled = (
        index.search(collection.Q * s, collection.k, *setting, 1) for index, s in zip(indexes, (1, scale), strict=True)
    )
    assert np.array_equal(plain.ids, scaled.ids)
    assert np.array_equal(plain.distances * scale, scaled.distances)


@examples
@given(collections(metrics=("cosine",)), st.floats(1e-6, 1e6))
def test_scaling_by_any_constant_changes_exact_cosine_answers_by_rounding_only(collection, scale):
    plain = exact_search(collection.X, collection.Q, collection.k)
    scaled = exact_search(collection.X * np.float32(scale), collection.Q, collection.k)
    n_found = plain.n_found[0]
    # Each coordinate is rounded once more; a cosine then moves by 2 units, and both sides are off by dim + 6 units.
    bound = 2 * (collection.X.shape[1] + 8) * UNIT
    assert (np.abs(plain.distances[:, :n_found] - scaled.distances[:, :n_found]) <= bound).all()


@examples
@given(collections(metrics=("euclidean",)), st.integers(0, 2**32), st.sampled_from([0.5, 10.0, 1000.0]))
def test_adding_a_constant_vector_changes_exact_euclidean_answers_by_rounding_only(collection, seed, size):
    shift = (np.random.default_rng(seed).standard_normal(collection.X.shape[1]) * size).astype(np.float32)
    X, Q = collection.X + shift, collection.Q + shift
    plain = exact_search(collection.X, collection.Q, collection.k, "euclidean")
    moved = exact_search(X, Q, collection.k, "euclidean")
    n_found, dim = plain.n_found[0], X.shape[1]
    # Rounding moves each point by at most a unit of its length; then every distance is off by dim + 6 units of itself.
    lengths = np.linalg.norm(X.astype(np.float64), axis=1).max() + np.linalg.norm(Q.astype(np.float64), axis=1)
    true = plain.distances[:, :n_found].astype(np.float64)
    bound = UNIT * 2 * lengths[:, None] + 2 * (dim + 6) * UNIT * (true + 2 * UNIT * lengths[:, None])
    assert (np.abs(moved.distances[:, :n_found] - true) <= bound).all()


@examples
@given(collections(kinds=(normal, clustered)), settings_, probes, st.randoms(use_true_random=False))
def test_permuting_the_rows_permutes_the_ids(collection, setting, n_probes, random):
    order = list(range(len(collection.X)))
    random.shuffle(order)
    plain, permuted = (
        collection.index(X=X, bucket_width=2.0).search(collection.Q, len(X), *setting, n_probes)
        for X in (collection.X, collection.X[order])
    )
    assert np.array_equal(plain.n_candidates, permuted.n_candidates)
    for q in range(len(collection.Q)):
        n_found = plain.n_found[q]
        there = {(i, d) for i, d in zip(plain.ids[q, :n_found], plain.distances[q, :n_found], strict=True)}
        here = {(order[i], d) for i, d in zip(permuted.ids[q, :n_found], permuted.distances[q, :n_found], strict=True)}
        assert there == here


@examples
@given(collections(), settings_)
def test_asking_for_fewer_neighbours_gives_the_first_ones(collection, setting):
    index = collection.index()
    many, few = (index.search(collection.Q, k, *setting, 1) for k in (collection.k + 3, collection.k))
    assert np.array_equal(few.ids, many.ids[:, : collection.k])
    assert np.array_equal(few.distances, many.distances[:, : collection.k])


def spaced(array):
    return np.repeat(array, 2, axis=1)[:, ::2]


def fixed(array):
    array = array.copy()
    array.flags.writeable = False
    return array


FORMS = {
    "float64": lambda X: X.astype(np.float64),
    "float16": lambda X: X.astype(np.float16),
    "uint8": lambda X: X.astype(np.uint8),
    "int16": lambda X: X.astype(np.int16),
    "int64": lambda X: X.astype(np.int64),
    "big-endian": lambda X: X.astype(">f4"),
    "Fortran order": np.asfortranarray,
    "every second column": spaced,
    "backwards": lambda X: np.ascontiguousarray(X[::-1])[::-1],
    "read-only": fixed,
    "lists": lambda X: X.tolist(),
}


@pytest.mark.parametrize("form", FORMS)
@examples
@given(collections(kinds=(bytes_,)), settings_)
def test_the_same_numbers_in_another_dtype_or_layout_get_the_same_answer(form, collection, setting):
    changed = FORMS[form]
    plain = collection.index().search(collection.Q, collection.k, *setting, 1)
    other = collection.index(X=changed(collection.X)).search(changed(collection.Q), collection.k, *setting, 1)
    assert same(plain, other)
    assert same(
        exact_search(collection.X, collection.Q, collection.k, collection.metric),
        exact_search(changed(collection.X), changed(collection.Q), collection.k, collection.metric),
    )


@examples
@given(collections(), st.integers(1, MAX_TABLES))
def test_searching_changes_nothing(collection, n_tables):
    index, X, Q = collection.index(), collection.X.copy(), collection.Q.copy()
    first = index.search(Q, collection.k, n_tables)
    index.matches(Q[0], [0])
    index.exact.search(Q, collection.k)
    assert same(first, index.search(Q, collection.k, n_tables))
    assert np.array_equal(index.exact.X, X)
    assert np.array_equal(collection.Q, Q)
