"""LSHIndex against LSH with dictionaries of lists."""

import doctest
import tracemalloc

import numpy as np
import pytest

import lsh
from earshot_common.encoded_vectors import EncodedVectors
from lsh import LSHIndex, SketchIndex, exact_search, plan, recall_grid
from lsh.analysis.numpy_search import NumPySearch
from lsh.errors import ParameterError, ShapeError, ZeroVectorError
from tests import reference

METRICS = ["cosine", "euclidean"]


def data(n=150, dim=6, seed=0):
    return np.random.default_rng(seed).standard_normal((n, dim)).astype(np.float32)


def with_duplicates(n=120, dim=4, seed=0):
    """Return vectors of which many are equal, so that the k-th place is often a tie."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n // 4, dim)).astype(np.float32)[rng.integers(0, n // 4, n)]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(("L", "K"), [(1, 1), (1, 6), (5, 1), (3, 4), (5, 12), (2, 32)])
@pytest.mark.parametrize("n_probes", [1, 2, 6])
@pytest.mark.parametrize("centre", [True, False])
def test_a_search_ranks_the_candidates_of_lsh_with_dictionaries_exactly(metric, L, K, n_probes, centre):
    if n_probes > 1 and K > 6:
        K = 6  # the reference tries every set of perturbations
    X, Q = data(), data(12, seed=1)
    index = LSHIndex(metric, 5, max(K, 12), seed=2, centre=centre).fit(X)
    by_hand = reference.DictionaryLSH(index, L, K)
    found = index.search(Q, 10, L, K, n_probes)
    exact = exact_search(X, Q, len(X), metric)
    for q in range(len(Q)):
        wanted = by_hand.candidates(Q[q], n_probes)
        ranked = [i for i in exact.ids[q].tolist() if i in wanted][:10]
        assert found.n_candidates[q] == len(wanted)
        assert found.ids[q, : len(ranked)].tolist() == ranked
        assert (found.ids[q, len(ranked) :] == -1).all()


@pytest.mark.parametrize("width", [0.1, 0.3, 2.0])
def test_saturation_adds_candidates_but_loses_none(width):
    X, Q = data(300), data(20, seed=1) * 5  # queries reach far beyond the range of the data
    index = LSHIndex("euclidean", 4, 6, bucket_width=width).fit(X)
    by_hand = reference.DictionaryLSH(index, 4, 2, saturated=False)
    exact = reference.DictionaryLSH(index, 4, 2)
    for q in Q:
        assert by_hand.candidates(q) <= exact.candidates(q)
    assert index.search(Q, 1, 4, 2, 1).n_candidates.tolist() == [len(exact.candidates(q)) for q in Q]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("n_probes", [1, 3, 16])
def test_matches_returns_the_tables_in_which_a_query_finds_each_row(metric, n_probes):
    X, Q = data(80), data(5, seed=1)
    index = LSHIndex(metric, 6, 8).fit(X)
    for q in Q:
        for L, K in [(6, 5), (3, 2), (1, 1)]:
            by_table = reference.DictionaryLSH(index, L, K).found_by_table(q, n_probes)
            expected = [[i in table for table in by_table] for i in range(80)]
            assert index.matches(q, range(80), L, K, n_probes).tolist() == expected


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("encoded", [False, True])
def test_a_subset_finds_the_candidates_of_the_whole_that_are_in_it(metric, encoded):
    X, Q = data(), data(6, seed=1)
    whole = LSHIndex(metric, 8, 10, sketches=True).fit(EncodedVectors.encode(X, "uint8") if encoded else X)
    rows = np.r_[3:40:2, 90:150]
    part = whole.subset(rows)
    assert (part.n, part.default_setting, part.sketches.nbytes > 0) == (len(rows), whole.default_setting, True)
    assert type(part.exact.X) is type(whole.exact.X)
    for setting in [(8, 10, 4), (4, 7, 1), (1, 3, 2)]:
        here, there = (index.search(Q, index.n, *setting) for index in (part, whole))
        for q in range(6):
            found = rows[here.ids[q, : here.n_found[q]]].tolist()
            assert found == [i for i in there.ids[q].tolist() if i in rows]
            assert here.n_candidates[q] == len(found)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("n_probes", [1, 4])
def test_rows_that_match_in_some_table_are_the_candidates_of_a_search(metric, n_probes):
    X, Q = data(), data(6, seed=1)
    index = LSHIndex(metric, 8, 10).fit(X)
    for L, K in [(8, 10), (4, 7), (1, 3)]:
        found = index.search(Q, len(X), L, K, n_probes)
        for q in range(6):
            met = index.matches(Q[q], np.arange(len(X)), L, K, n_probes).any(axis=1)
            assert np.flatnonzero(met).tolist() == sorted(found.ids[q, : found.n_found[q]].tolist())


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("dim", [1, 6, 128, 200])
def test_n_reranked_changes_only_which_candidates_are_ranked(metric, dim):
    X, Q = data(300, dim), data(20, dim, seed=1)
    index = LSHIndex(metric, 4, 6, sketches=True).fit(X)
    plain = index.search(Q, 10, n_bits=2)
    wide, narrow = (index.search(Q, 10, n_bits=2, n_reranked=n_reranked) for n_reranked in (300, 3))
    assert np.array_equal(wide.ids, plain.ids)
    assert np.array_equal(wide.distances, plain.distances)
    assert np.array_equal(narrow.n_candidates, plain.n_candidates)
    assert np.array_equal(narrow.n_found, plain.n_found)  # at least k are ranked
    assert (narrow.distances >= plain.distances).all()


@pytest.mark.parametrize("metric", METRICS)
def test_sketches_select_the_true_neighbours(metric):
    X, Q = data(2000, 32) + 3, data(50, 32, seed=1) + 3
    index = LSHIndex(metric, 1, 1, sketches=True).fit(X)
    found, all_ranked = (index.search(Q, 10, n_probes=4, n_reranked=most) for most in (40, None))
    assert (all_ranked.n_candidates > 1000).all()
    kept = [len(set(a) & set(b)) for a, b in zip(found.ids.tolist(), all_ranked.ids.tolist(), strict=True)]
    assert np.mean(kept) > 9  # 40 of 1000 by chance would hold less than one


def test_n_reranked_without_sketches_is_refused_with_advice():
    with pytest.raises(ParameterError, match=r"n_reranked needs sketches.*sketches=True.*leave n_reranked out"):
        LSHIndex().fit(data()).search(data(2), n_reranked=50)
    with pytest.raises(ParameterError, match="n_reranked is 0"):
        LSHIndex(sketches=True).fit(data()).search(data(2), n_reranked=0)


def test_sketches_count_among_the_bytes():
    plain, with_sketches = (LSHIndex(n_tables=2, n_bits=4, sketches=kept).fit(data()) for kept in (False, True))
    assert with_sketches.nbytes - plain.nbytes == with_sketches.sketches.nbytes >= 150 * 44
    assert plain.sketches.nbytes == 0


def test_matches_of_no_rows_is_empty():
    index = LSHIndex(n_tables=3, n_bits=4).fit(data())
    assert index.matches(data(1)[0], [], 3).shape == (0, 3)
    assert index.collision_probabilities(data(1)[0], []).shape == (0,)


@pytest.mark.parametrize("centre", [True, False])
def test_collision_probabilities_follow_the_angle_between_centred_directions(centre):
    X = data(50) + 1
    q = data(1, seed=1)[0]
    index = LSHIndex("cosine", 2, 4, centre=centre).fit(X)
    unit = X.astype(np.float64) / np.linalg.norm(X.astype(np.float64), axis=1, keepdims=True)
    middle = unit.mean(axis=0) if centre else 0
    a, b = q / np.linalg.norm(q) - middle, unit - middle
    angles = np.arccos(b @ a / np.linalg.norm(a) / np.linalg.norm(b, axis=1))
    assert np.allclose(index.collision_probabilities(q, range(50)), 1 - angles / np.pi, atol=1e-6)


def test_hyperplanes_under_euclidean_distance_follow_the_angle_about_the_centre():
    X, q = data(50) + 2, data(1, seed=1)[0] + 2
    index = LSHIndex("euclidean", 3, 4, family="hyperplanes").fit(X)
    a, b = q.astype(np.float64) - X.mean(axis=0), X.astype(np.float64) - X.mean(axis=0)
    angles = np.arccos(b @ a / np.linalg.norm(a) / np.linalg.norm(b, axis=1))
    assert np.allclose(index.collision_probabilities(q, range(50)), 1 - angles / np.pi, atol=1e-5)
    assert index.bucket_width is None


def test_collision_probabilities_follow_the_euclidean_distance():
    X, q = data(50), data(1, seed=1)[0]
    index = LSHIndex("euclidean", 2, 4, bucket_width=3.0).fit(X)
    distances = reference.exact(X, q[None, :], 1, "euclidean")[0]
    expected = index.hasher.family.collision_probability(distances)
    assert np.allclose(index.collision_probabilities(q, range(50)), expected, atol=1e-6)


@pytest.mark.parametrize("metric", METRICS)
def test_a_vector_always_collides_with_itself_even_at_the_centre(metric):
    for X in (data(5), np.ones((1, 3)), np.ones((20, 3))):
        index = LSHIndex(metric, 1, 2).fit(X)
        assert index.collision_probabilities(X[0], [0]).tolist() == [1.0]
        assert index.matches(X[0], [0]).all()


@pytest.mark.parametrize("call", ["matches", "collision_probabilities"])
@pytest.mark.parametrize(
    ("ids", "message"),
    [([150], "ids run from 150 to 150; expected rows 0 to 149"), ([-1, 3], "from -1 to 3")]
    + [(bad, "expected a list of row numbers") for bad in ([0.7], [True], [[1]], [[]], 3, ["1"])],
)
def test_ids_that_are_no_rows_are_refused(call, ids, message):
    index = LSHIndex(n_tables=2, n_bits=4).fit(data())
    with pytest.raises(ShapeError, match=message):
        getattr(index, call)(data(1)[0], ids)


@pytest.mark.parametrize("call", ["matches", "collision_probabilities"])
def test_one_query_is_a_vector_or_a_matrix_of_one_row(call):
    index = LSHIndex(n_tables=2, n_bits=4).fit(data())
    q = data(1)
    assert np.array_equal(getattr(index, call)(q[0], [1, 2]), getattr(index, call)(q, [1, 2]))
    with pytest.raises(ShapeError, match=r"q has shape \(2, 6\); expected one vector of 6 features"):
        getattr(index, call)(data(2), [1, 2])
    with pytest.raises(ZeroVectorError):
        getattr(index, call)(np.zeros(6), [1])


@pytest.mark.parametrize("metric", METRICS)
def test_what_a_search_is_not_given_is_that_of_the_default_setting(metric):
    index = LSHIndex(metric, 4, 6).fit(data())
    L, K, n_probes = index.default_setting
    for given, setting in (
        ({}, (L, K, n_probes)),
        ({"n_tables": 3}, (3, K, n_probes)),
        ({"n_bits": 5}, (L, 5, n_probes)),
        ({"n_probes": 7}, (L, K, 7)),
    ):
        found, expected = index.search(data(9, seed=1), **given), index.search(data(9, seed=1), 10, *setting)
        assert np.array_equal(found.ids, expected.ids)
        assert np.array_equal(found.n_candidates, expected.n_candidates)
        matches = index.matches(data(1)[0], range(150), **given)
        assert np.array_equal(matches, index.matches(data(1)[0], range(150), *setting))


@pytest.mark.parametrize("metric", METRICS)
def test_n_found_counts_fewer_than_k_neighbours_and_the_rest_is_marked_missing(metric):
    index = LSHIndex(metric, 1, 12).fit(data())
    found = index.search(data(40, seed=1), 10, 1, 12, 1)
    assert (found.n_found == np.minimum(found.n_candidates, 10)).all()
    assert (found.n_found < 10).any()
    for q in range(40):
        assert (found.ids[q, found.n_found[q] :] == -1).all()
        assert np.isinf(found.distances[q, found.n_found[q] :]).all()
        assert np.isfinite(found.distances[q, : found.n_found[q]]).all()


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("n", [1, 2, 5])
def test_a_collection_smaller_than_k_answers_with_all_it_has(metric, n):
    X = data(n)
    found = LSHIndex(metric, 8, 1).fit(X).search(X, 10)
    assert found.ids.shape == (n, n)
    assert (found.n_found <= n).all()
    assert (found.ids[:, 0] == np.arange(n)).all()


@pytest.mark.parametrize("metric", METRICS)
def test_every_copy_of_a_repeated_vector_is_a_candidate_and_the_lowest_ids_are_returned(metric):
    X = np.tile(np.float32([[1, 2, 3]]), (5000, 1))
    found = LSHIndex(metric, 4, 24).fit(X).search(X[:2], 10)
    assert (found.ids == np.arange(10)).all()
    assert found.n_candidates.tolist() == [5000, 5000]


@pytest.mark.parametrize("metric", METRICS)
def test_among_duplicates_a_search_at_one_bit_and_many_tables_is_exact(metric):
    X = with_duplicates()
    found = LSHIndex(metric, 64, 1).fit(X).search(X[:20], 7, n_tables=64, n_bits=1)
    truth = exact_search(X, X[:20], 7, metric)
    assert np.array_equal(found.ids, truth.ids)


@pytest.mark.parametrize("metric", METRICS)
def test_no_queries_get_an_empty_answer(metric):
    for n_probes in (1, 3):
        found = LSHIndex(metric, 2, 3).fit(data()).search(np.empty((0, 6)), 4, n_probes=n_probes)
        assert found.ids.shape == found.distances.shape == (0, 4)
        assert len(found.n_candidates) == len(found.n_found) == 0


@pytest.mark.parametrize("metric", METRICS)
def test_a_mapped_file_is_indexed_without_a_copy(metric, tmp_path):
    np.save(tmp_path / "X.npy", data())
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    index = LSHIndex(metric, 4, 5).fit(mapped)
    assert np.shares_memory(index.exact.X, mapped)
    assert np.array_equal(index.search(data(9)).ids, LSHIndex(metric, 4, 5).fit(data()).search(data(9)).ids)


@pytest.mark.parametrize("metric", METRICS)
def test_the_tables_and_functions_of_an_index_are_read_only(metric):
    index = LSHIndex(metric, 2, 3).fit(data())
    family = index.hasher.family
    arrays = [index.tables.keys, index.tables.ids, index.exact.inverse_norms, index.hasher.centre, family.directions]
    for array in arrays:
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


@pytest.mark.parametrize("metric", METRICS)
def test_bytes_grow_by_the_same_for_each_table(metric):
    index = LSHIndex(metric, 6, 8).fit(data())
    steps = np.diff([index.nbytes_of(n_tables) for n_tables in range(1, 7)])
    assert len(set(steps.tolist())) == 1
    keys_and_ids = 150 * (4 * index.hasher.n_words + 4)
    heads = 4 * index.tables.starts.shape[1]
    lines = 8 * (4 + 8) if metric == "euclidean" else 0  # an offset and the lowest number
    assert steps[0] == keys_and_ids + heads + 6 * 8 * 4 + lines  # and 8 directions of 6 float32
    assert index.nbytes == index.nbytes_of(6)


def test_the_example_in_the_docstring_of_the_package_works():
    assert doctest.testmod(lsh).failed == 0
    assert doctest.testmod(lsh).attempted >= 4


@pytest.mark.parametrize("metric", METRICS)
def test_a_k_larger_than_n_takes_the_memory_of_n(metric):
    X, Q, k = data(), data(40, seed=1), 2**31 - 1
    sketches = SketchIndex(metric, 1).fit(X)
    tables = LSHIndex(metric, 4, 4, sketches=True).fit(X)
    searches = {
        "exact": lambda q: exact_search(X, q, k, metric),
        "without kernels": lambda q: NumPySearch(X, metric).search(q, k),
        "sketches": lambda q: sketches.search(q, k),
        "sketches, in threads": lambda q: sketches.search(q, k, n_threads=2),
        "tables": lambda q: tables.search(q, k, 4, 1),
        "tables, in threads": lambda q: tables.search(q, k, 4, 1, n_threads=2),
        "tables with sketches": lambda q: tables.search(q, k, 4, 1, n_reranked=k),
    }
    for name, search in searches.items():
        for q in (Q, Q[:1]):
            search(q)
            tracemalloc.start()
            found = search(q)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert found.ids.shape == found.distances.shape == (len(q), len(X)), name
            assert (found.n_found == found.n_candidates).all(), name
            assert peak < 10_000_000, name
    assert len(tables.exact.neighbours_with_ties(Q[:2], k)[1]) == 2 * len(X)
    assert recall_grid(tables, Q, k).recall.shape == (4, 4)
    assert plan(X, Q, metric=metric, k=k, recall=1.0).search(Q).ids.shape == (40, len(X))
