"""A promised recall: kept on average over the draws of hash functions, and refused where there is no theory."""

import numpy as np
import pytest

from benchmarks.promise import PROMISES, SEARCHED, margin, recalls_of
from data_prep.dataset import open_dataset
from lsh import ExactSearch, LSHIndex, recall_at_k
from lsh.errors import ParameterError
from tests.stress import stress

K = 10


def clustered(seed=0, n=4_000, dim=24):
    rng = np.random.default_rng(seed)
    centres = 1.5 * rng.standard_normal((40, dim)) + 1

    def drawn(count):
        return (centres[rng.integers(0, 40, count)] + rng.standard_normal((count, dim))).astype(np.float32)

    return drawn(n), drawn(200)


@pytest.mark.parametrize(
    ("metric", "family", "centre"),
    [
        ("cosine", "hyperplanes", True),
        ("cosine", "hyperplanes", False),
        ("euclidean", "hyperplanes", True),
        ("euclidean", "pstable", True),
    ],
)
def test_the_mean_recall_over_seeds_is_not_below_the_promise(metric, family, centre):
    X, Q = clustered()
    true = ExactSearch(X, metric).search(Q, K)
    indexes = [LSHIndex(metric, 40, 16, seed, centre=centre, family=family).fit(X) for seed in range(6)]
    for recall in (0.6, 0.9):
        found = [index.search(Q, K, recall=recall) for index in indexes]
        assert {each.promised for each in found} == {recall}
        means = [recall_at_k(each, true).mean() for each in found]
        assert np.mean(means) - margin(means) >= recall
        assert np.mean([each.n_candidates.mean() for each in found]) < 0.6 * len(X)


@stress
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("metric", "family"), SEARCHED)
def test_the_promise_is_kept_on_real_clips_over_twenty_seeds(root, metric, family):
    dataset = open_dataset(root / "data" / "audioset-small")
    X, Q = (np.asarray(dataset.features(split)[:]) for split in ("train", "test"))
    for promise, means in zip(PROMISES, recalls_of(X, Q[:1000], metric, family, 20).T, strict=True):
        assert means.mean() - margin(means) >= promise, promise


def test_a_higher_promise_looks_at_more_and_finds_more():
    X, Q = clustered()
    index, true = LSHIndex(n_tables=40, n_bits=16).fit(X), ExactSearch(X).search(Q, K)
    found = [index.search(Q, K, recall=recall) for recall in (0.5, 0.8, 0.99)]
    shares = [recall_at_k(each, true).mean() for each in found]
    assert shares == sorted(shares)
    assert [each.n_candidates.mean() for each in found] == sorted(each.n_candidates.mean() for each in found)


def test_few_tables_keep_a_high_promise_by_shorter_keys_and_by_looking_at_everything():
    X, Q = clustered(n=600)
    found = LSHIndex(n_tables=2, n_bits=12).fit(X).search(Q, K, recall=0.999999)
    np.testing.assert_array_equal(found.ids, ExactSearch(X).search(Q, K).ids)
    assert found.n_candidates.max() == 600


def test_the_answer_is_the_same_for_any_number_of_threads_and_for_one_query_at_a_time():
    X, Q = clustered()
    index = LSHIndex(n_tables=20, n_bits=16).fit(X)
    found = index.search(Q, K, recall=0.9)
    for other in (index.search(Q, K, recall=0.9, n_threads=3), index.search(Q[:7], K, recall=0.9)):
        np.testing.assert_array_equal(other.ids, found.ids[: len(other.ids)])
        np.testing.assert_array_equal(other.n_candidates, found.n_candidates[: len(other.ids)])


def test_an_index_that_is_fitted_anew_promises_by_the_new_vectors():
    X, Q = clustered(n=600)
    index = LSHIndex(n_tables=20, n_bits=8).fit(10 * np.abs(X))
    index.search(Q, K, recall=0.9)
    again, fresh = (one.fit(X).search(Q, K, recall=0.9) for one in (index, LSHIndex(n_tables=20, n_bits=8)))
    np.testing.assert_array_equal(again.n_candidates, fresh.n_candidates)
    np.testing.assert_array_equal(again.ids, fresh.ids)


def test_without_a_recall_nothing_is_promised():
    X, Q = clustered(n=300)
    assert LSHIndex(n_tables=4, n_bits=6).fit(X).search(Q).promised is None


def test_the_vector_that_is_the_query_can_be_left_out_and_the_promise_stays():
    X, _ = clustered(n=300)
    found = LSHIndex(n_tables=20, n_bits=6).fit(X).search(X[:5], 4, recall=0.9).without(np.arange(5))
    assert found.ids.shape == (5, 3)
    assert found.promised == 0.9


@pytest.mark.parametrize(
    ("options", "arguments", "message"),
    [
        ({}, {"recall": 1.0}, "recall is 1.0; expected a number above 0 and below 1"),
        ({}, {"recall": 0.0}, "recall is 0.0; expected a number above 0"),
        ({"family": "itq"}, {"recall": 0.9}, "family 'itq' is learned"),
        ({"sketches": True}, {"recall": 0.9, "n_reranked": 20}, "n_reranked leaves candidates out"),
        ({}, {"recall": 0.9, "n_probes": 1}, "n_probes is 1; expected 2 or more"),
        ({}, {"recall": 0.9, "n_tables": 9}, "n_tables is 9"),
    ],
)
def test_what_cannot_be_promised_is_refused_in_words(options, arguments, message):
    index = LSHIndex(n_tables=8, n_bits=8, **options).fit(clustered(n=100)[0])
    with pytest.raises(ParameterError, match=message):
        index.search(np.ones((1, 24)), **arguments)
