"""Relevance feedback: each number beside a slow one that is written from its formula."""

import math
import tracemalloc

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from earshot_common.encoded_vectors import EncodedVectors
from lsh import exact_search
from lsh.errors import ShapeError
from lsh.feedback import (
    MIN_MARKS,
    Classifier,
    RocchioQuery,
    background_of,
    fit_classifier,
    next_to_judge,
    precision_of_marks,
    rocchio,
    scores_of,
    teach,
)
from lsh.feedback.classifier import BACKGROUND_SHARE, C
from lsh.feedback.precision import wilson_interval

METRICS = ["cosine", "euclidean"]


def vectors(n=600, d=12, seed=0):
    """Return vectors around ten centres that lie away from the origin, and the centre of each."""
    rng = np.random.default_rng(seed)
    of = rng.integers(0, 10, n)
    centres = 3 + 2 * rng.standard_normal((10, d))
    return (centres[of] + rng.standard_normal((n, d))).astype(np.float32), of


def directions(X, metric):
    """Return vectors one by one as the classifier sees them."""
    return np.array([x / np.linalg.norm(x) if metric == "cosine" and x.any() else x for x in X.astype(np.float64)])


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("n_no", [0, 4])
@pytest.mark.parametrize("with_query", [True, False])
def test_rocchio_is_the_weighted_sum_of_query_and_means(metric, n_no, with_query):
    X, _ = vectors()
    query, yes, no = X[0], X[1:4], X[10 : 10 + n_no]
    unit = directions(X, metric)
    expected, total = np.zeros(12), 0.0
    for weight, some in ((1.0 * with_query, unit[:1]), (0.75, unit[1:4]), (-0.15 * bool(n_no), unit[10 : 10 + n_no])):
        for x in some:
            expected += weight * x / len(some)
        total += weight
    if metric == "euclidean":
        expected /= total
    found = rocchio(query if with_query else None, yes, no, metric)
    assert found.vector == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("metric", METRICS)
def test_rocchio_ranks_as_a_search_with_its_query_does(metric):
    X, _ = vectors()
    moved = rocchio(X[0], X[1:4], X[10:12], metric)
    expected = exact_search(X, moved.vector.astype(np.float32)[None], 20, metric).ids[0]
    assert next_to_judge(scores_of(moved, X), np.empty(0, np.int64), 20).tolist() == expected.tolist()


def test_the_query_of_rocchio_under_euclidean_distance_moves_with_the_vectors():
    X, _ = vectors()
    here, there = (rocchio(some[0], some[1:4], some[10:12], "euclidean").vector for some in (X, X + np.float32(7)))
    assert there - here == pytest.approx(np.full(12, 7), abs=1e-4)


def test_rocchio_without_a_query_and_a_yes_is_refused():
    X, _ = vectors()
    with pytest.raises(ShapeError, match="neither a query nor a vector marked yes"):
        rocchio(None, X[:0], X[:3], "cosine")


def slow_classifier(background, X, is_yes, metric):
    """Return weights and intercept of scikit-learn's minimum of the same loss, over vectors scaled one by one."""
    marked = {x.tobytes() for x in X}
    others = [x for x in background.vectors if x.tobytes() not in marked]
    rows = np.concatenate([X, np.array(others, np.float32).reshape(-1, X.shape[1])])
    scaled = (directions(rows, metric) - background.mean) / background.deviation
    y = [*is_yes.tolist(), *[False] * len(others)]
    n, n_yes, share = len(X), sum(is_yes), BACKGROUND_SHARE if others else 0
    weight = [n / 2 / n_yes if yes else (1 - share) * n / 2 / (n - n_yes) for yes in is_yes]
    weight += [share * n / 2 / max(len(others), 1)] * len(others)
    model = LogisticRegression(C=C, tol=1e-10, max_iter=10_000).fit(scaled, y, sample_weight=weight)
    weights = model.coef_[0] / background.deviation
    return weights, model.intercept_[0] - weights @ background.mean


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(("d", "n_marks"), [(12, 30), (400, 12)])  # the second has more values than vectors
def test_the_classifier_is_that_of_scikit_learn(metric, d, n_marks):
    X, of = vectors(700, d)
    X[5] = 0  # has no direction
    background = background_of(X, metric)
    rows = np.linspace(0, 699, n_marks).astype(int)
    is_yes = of[rows] < 5
    found = fit_classifier(background, X[rows], is_yes)
    weights, intercept = slow_classifier(background, X[rows], is_yes, metric)
    assert found.weights == pytest.approx(weights, rel=1e-3, abs=1e-4 * np.abs(weights).max())
    assert found.intercept == pytest.approx(intercept, rel=1e-3, abs=1e-3)
    assert found.score(X) == pytest.approx(directions(X, metric) @ weights + intercept, abs=1e-3)


def test_marked_vectors_are_no_background():
    X, of = vectors(40)
    background = background_of(X, "cosine")
    assert len(background.vectors) == 40
    assert background.without(X[:10]).vectors.tolist() == X[10:].tolist()
    assert fit_classifier(background, X, of < 5).weights == pytest.approx(
        slow_classifier(background, X, of < 5, "cosine")[0], rel=1e-3, abs=1e-4
    )


def test_a_constant_feature_changes_nothing():
    X, of = vectors()
    X[:, 3] = 2
    found = fit_classifier(background_of(X, "euclidean"), X[:40], of[:40] < 5)
    assert np.isfinite(found.weights).all()
    assert found.weights[3] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("is_yes", [np.ones(4, bool), np.zeros(4, bool), np.ones(3, bool)])
def test_a_classifier_of_one_kind_is_refused(is_yes):
    X, _ = vectors()
    with pytest.raises(ShapeError, match="expected both kinds"):
        fit_classifier(background_of(X, "cosine"), X[:4], is_yes)


@pytest.mark.parametrize(
    ("n_yes", "n_no", "kind"),
    [(3, 0, RocchioQuery), (MIN_MARKS, 0, RocchioQuery), (5, 4, RocchioQuery), (5, 5, Classifier), (1, 9, Classifier)],
)
def test_a_classifier_serves_from_ten_marks_of_both_kinds_on(n_yes, n_no, kind):
    X, _ = vectors()
    scorer = teach(background_of(X, "cosine"), X[0], X[1 : 1 + n_yes], X[20 : 20 + n_no])
    assert type(scorer) is kind


@pytest.mark.parametrize("metric", METRICS)
def test_scores_of_a_collection_are_those_of_its_decoded_vectors_one_by_one(metric):
    X, of = vectors(40_000, 128)
    scorers = [fit_classifier(background_of(X, metric), X[:40], of[:40] < 5), rocchio(X[0], X[1:4], X[9:12], metric)]
    for stored in (X, EncodedVectors.encode(X, "uint8"), EncodedVectors.encode(X, "float16")):
        for scorer in scorers:
            found = scores_of(scorer, stored)
            assert found.dtype == np.float32
            rows = [0, 16_383, 16_384, 32_768, 39_999]
            expected = [float(scorer.score(stored[[row]])[0]) for row in rows]
            assert found[rows] == pytest.approx(expected, rel=1e-5, abs=1e-5)


def test_a_large_collection_is_decoded_block_by_block():
    stored = EncodedVectors(np.random.default_rng(0).integers(0, 255, (300_000, 64)).astype(np.uint8), 0.01, 0)
    scorer = rocchio(stored[[0]][0], stored[:3], stored[5:9], "cosine")
    tracemalloc.start()
    scores_of(scorer, stored)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 300_000 * 64  # bytes: a quarter of the vectors in float32


@pytest.mark.parametrize("order", ["likely", "uncertain"])
def test_what_is_judged_next_is_the_first_of_all_that_are_not_judged(order):
    rng = np.random.default_rng(1)
    scores = rng.integers(-6, 6, 200).astype(np.float32)  # with many ties
    left_out = rng.choice(200, 50, replace=False)
    key = (lambda row: (-scores[row], row)) if order == "likely" else (lambda row: (abs(scores[row]), row))
    expected = sorted(set(range(200)) - set(left_out.tolist()), key=key)
    for k in (1, 10, 149, 150, 300):
        assert next_to_judge(scores, left_out, k, order).tolist() == expected[:k]
    assert next_to_judge(scores, np.arange(200), 10, order).tolist() == []


@pytest.mark.parametrize("n", [600, 60])  # of 60 all are marked, so that there is no background but the marks
def test_precision_counts_the_marks_that_classifiers_without_them_call_yes(n):
    X, of = vectors(n, seed=3)
    rng = np.random.default_rng(0)
    is_yes = (of[:60] < 4) ^ (rng.random(60) < 0.2)  # a fifth is marked wrongly
    background = background_of(X, "cosine")
    yes_seen = no_seen = right = called = 0
    for i in range(60):
        if is_yes[i]:
            fold, yes_seen = yes_seen % 5, yes_seen + 1
        else:
            fold, no_seen = no_seen % 5, no_seen + 1
        others, seen = [], [0, 0]
        for j in range(60):
            kind = int(is_yes[j])
            if seen[kind] % 5 != fold:
                others.append(j)
            seen[kind] += 1
        w, b = slow_classifier(background.without(X[:60]), X[others], is_yes[others], "cosine")
        if directions(X[[i]], "cosine")[0] @ w + b > 0:
            called += 1
            right += int(is_yes[i])
    found = precision_of_marks(background, X[:60], is_yes)
    assert (found.right, found.called) == (right, called)
    assert 0 < right < called
    assert found.value == right / called
    assert found.low < found.value < found.high


def test_too_few_marks_of_a_kind_have_no_precision():
    X, _ = vectors()
    background = background_of(X, "cosine")
    assert precision_of_marks(background, X[:40], np.arange(40) < 4) is None
    assert precision_of_marks(background, X[:40], np.arange(40) >= 4) is None
    assert precision_of_marks(background, X[:10], np.arange(10) < 5) is not None


@pytest.mark.parametrize(("right", "total"), [(0, 3), (3, 3), (7, 10), (80, 100)])
def test_the_interval_holds_the_shares_that_the_counts_do_not_contradict(right, total):
    """A share p is inside if the share observed is less than 1.96 standard deviations of p away from it."""
    low, high = wilson_interval(right, total)
    inside = [
        p
        for p in np.linspace(0, 1, 20_001)
        if abs(right / total - p) <= 1.959964 * math.sqrt(p * (1 - p) / total) + 1e-12
    ]
    assert (low, high) == pytest.approx((inside[0], inside[-1]), abs=1e-4)
