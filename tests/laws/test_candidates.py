"""Properties of candidates: how they change with L, K and T."""

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lsh import default_setting, exact_search, recall_at_k, recall_grid
from tests.laws.random_collections import (
    FAMILIES,
    MAX_BITS,
    MAX_TABLES,
    UNIT,
    collections,
    everything,
    examples,
    same,
    settings_of_a_search,
)


def all_within(smaller, larger):
    return all(a <= b for a, b in zip(smaller, larger, strict=True))


@examples
@given(collections(families=FAMILIES), settings_of_a_search)
def test_a_shorter_key_never_loses_a_candidate(collection, setting):
    index, (n_tables, n_bits) = collection.index(), setting
    for shorter in range(1, n_bits):
        longer = everything(index, collection.Q, n_tables, shorter + 1)
        assert all_within(longer, everything(index, collection.Q, n_tables, shorter))


@examples
@given(collections(families=FAMILIES), settings_of_a_search, st.integers(1, 64))
def test_a_further_table_never_loses_a_candidate(collection, setting, n_probes):
    index, (n_tables, n_bits) = collection.index(), setting
    for fewer in range(1, n_tables):
        few = everything(index, collection.Q, fewer, n_bits, n_probes)
        assert all_within(few, everything(index, collection.Q, fewer + 1, n_bits, n_probes))


@examples
@given(collections(families=FAMILIES), settings_of_a_search, st.lists(st.integers(1, 64), min_size=2, max_size=4))
def test_more_probes_never_lose_a_candidate(collection, setting, probes):
    index, (n_tables, n_bits) = collection.index(), setting
    met = [everything(index, collection.Q, n_tables, n_bits, n_probes) for n_probes in sorted(probes)]
    for fewer, more in itertools.pairwise(met):
        assert all_within(fewer, more)


@examples
@given(collections(families=FAMILIES), settings_of_a_search, st.integers(1, 5))
def test_a_vector_finds_itself_at_every_setting(collection, setting, n_probes):
    index, X, dim = collection.index(), collection.X, collection.X.shape[1]
    for i in range(0, len(X), 7):
        assert index.matches(X[i], [i]).all()  # in every table at the longest key, so at every (L, K)
    found = index.search(X, len(X), *setting, n_probes)
    own = found.distances[found.ids == np.arange(len(X))[:, None]]
    assert len(own) == len(X)
    # Euclidean: x - x is 0. Cosine: the sum, its two factors and the subtraction are rounded (Higham 2002, 3.1).
    assert (own <= ((dim + 6) * UNIT if collection.metric == "cosine" else 0.0)).all()


@examples
@given(collections(families=FAMILIES), st.integers(1, MAX_TABLES))
def test_a_smaller_index_draws_the_first_functions_of_a_larger_one(collection, n_tables):
    small, large = collection.index(n_tables), collection.index(MAX_TABLES)
    f = n_tables * MAX_BITS
    assert np.array_equal(small.hasher.family.directions, large.hasher.family.directions[:, :f])
    if large.params.family == "pstable":
        # The range of bucket numbers that is stored depends on all tables, so keys may differ where they saturate.
        assert np.array_equal(small.hasher.family.offsets, large.hasher.family.offsets[:f])
        assert small.bucket_width == large.bucket_width


@examples
@given(collections(families=FAMILIES[1:]), st.integers(1, MAX_TABLES), settings_of_a_search)
def test_the_first_tables_of_an_index_of_planes_are_an_index_of_so_many_tables(collection, n_tables, setting):
    small, large = collection.index(n_tables), collection.index(MAX_TABLES)
    assert small.tables.keys.tobytes() == large.tables.keys[:n_tables].tobytes()
    assert small.tables.ids.tobytes() == large.tables.ids[:n_tables].tobytes()
    n_bits = setting[1]
    answers = (index.search(collection.Q, collection.k, n_tables, n_bits, 1) for index in (small, large))
    assert same(*answers)


@examples
@given(collections(families=FAMILIES))
def test_the_same_seed_gives_the_same_bytes(collection):
    first, second = collection.index(), collection.index()
    for name in ("keys", "ids"):
        assert getattr(first.tables, name).tobytes() == getattr(second.tables, name).tobytes()
    assert first.hasher.family.directions.tobytes() == second.hasher.family.directions.tobytes()


@examples
@given(collections(), st.integers(0, 2**63 - 1))
def test_another_seed_draws_different_functions(collection, seed):
    same_seed = seed == collection.seed
    first, second = collection.index(), collection.index(seed=seed)
    assert np.array_equal(first.hasher.family.directions, second.hasher.family.directions) == same_seed


@examples
@given(collections(families=FAMILIES), settings_of_a_search, st.integers(1, 9))
def test_a_cell_of_the_surface_is_a_search(collection, setting, n_probes):
    index, Q, k = collection.index(), collection.Q, collection.k
    found, truth = index.search(Q, k, *setting, n_probes), exact_search(collection.X, Q, k, collection.metric)
    measured = recall_grid(index, Q, k, n_probes)
    cell = measured.hits[:, setting[0] - 1, setting[1] - 1] / min(k, index.n)
    assert np.array_equal(cell, recall_at_k(found, truth))
    assert np.array_equal(measured.looked_at[:, setting[0] - 1, setting[1] - 1], found.n_candidates)


@examples
@given(collections(families=FAMILIES), settings_of_a_search, st.sampled_from(default_setting.PROBES))
def test_no_setting_that_finds_as_much_in_the_collection_itself_costs_less_than_the_default(
    collection, setting, n_probes
):
    index, X = collection.index(), collection.X
    own = [i for i in range(len(X)) if collection.metric == "euclidean" or X[i].any()]
    if len(X) < 2:
        return
    k = min(10, len(X) - 1)
    truth = [[j for j in index.exact.search(X[i][None], k + 1).ids[0].tolist() if j != i][:k] for i in own]

    def measured(n_tables, n_bits, n_probes):
        found = everything(index, X[own], n_tables, n_bits, n_probes)
        hits = sum(len(ids & set(near)) for ids, near in zip(found, truth, strict=True))
        candidates = sum(len(ids - {i}) for ids, i in zip(found, own, strict=True)) / len(own)
        return hits, candidates + default_setting.LOOKUP_COST * n_tables * n_probes

    hits, cost = measured(*index.default_setting)
    most = measured(MAX_TABLES, 1, default_setting.PROBES[-1])[0]
    assert hits >= min(default_setting.RECALL * k * len(own) - 1e-9, most)
    others, other_cost = measured(*setting, n_probes)
    assert other_cost >= cost or others < min(default_setting.RECALL * k * len(own), most)
