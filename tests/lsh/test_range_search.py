"""Searches within a radius: exact, in hash tables, and in sketched buckets."""

import numpy as np
import pytest

from lsh import EncodedVectors, ExactSearch, LSHIndex, SketchIndex
from lsh.errors import ParameterError, ShapeError, ZeroVectorError

METRICS = ["cosine", "euclidean"]


def data(metric, n=400, dim=12):
    rng = np.random.default_rng([n, dim])
    X = rng.standard_normal((n, dim)).astype(np.float32)
    X[n // 2] = X[3]  # a tie
    Q = X[::50] + np.float32(0.2) * rng.standard_normal((len(X[::50]), dim)).astype(np.float32)
    return X, np.concatenate([X[3:4], Q])


def of_search(found, radius):
    """Return the neighbours of a search that are within a radius, in the form of a search within a radius."""
    within = (found.ids >= 0) & (found.distances <= np.float32(radius))
    limits = np.concatenate([[0], np.cumsum(within.sum(axis=1))])
    return [limits.tolist(), found.distances[within].tolist(), found.ids[within].tolist()]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("encoded", [False, True])
def test_a_range_search_finds_what_a_search_for_all_candidates_finds_within_the_radius(metric, encoded):
    X, Q = data(metric)
    X = EncodedVectors.encode(X, np.uint8) if encoded else X
    exact = ExactSearch(X, metric)
    tables, sketches = LSHIndex(metric, n_tables=4, n_bits=8).fit(X), SketchIndex(metric, n_buckets=8).fit(X)
    gaps = np.full_like(sketches.gaps, np.inf)  # each query searches as many buckets
    even = SketchIndex.from_parts(*sketches._given(), exact, sketches.buckets, gaps, sketches.default_setting)
    near = exact.search(Q, 5).distances
    for radius in (0, float(near[2, 1]), float(np.median(near)), 10 * float(near.max())):
        assert [a.tolist() for a in exact.range_search(Q, radius)] == of_search(exact.search(Q, len(X)), radius)
        for setting in ({}, {"n_tables": 2, "n_bits": 5, "n_probes": 3}):
            expected = of_search(tables.search(Q, len(X), **setting), radius)
            for n_threads in (1, 2):
                found = tables.range_search(Q, radius, n_threads=n_threads, **setting)
                assert [a.tolist() for a in found] == expected
        for n_probes in (1, 3, 8):
            expected = of_search(even.search(Q, len(X), n_probes, len(X)), radius)
            for n_threads in (1, 2):
                found = sketches.range_search(Q, radius, n_probes, n_threads)
                assert [a.tolist() for a in found] == expected


@pytest.mark.parametrize("metric", METRICS)
def test_a_vector_just_at_the_radius_is_found_and_one_beyond_is_not(metric):
    X, Q = data(metric)
    exact = ExactSearch(X, metric)
    for index in (exact, LSHIndex(metric, n_tables=8, n_bits=1).fit(X), SketchIndex(metric, n_buckets=1).fit(X)):
        true = index.search(Q, 3)
        for q, at in enumerate(true.distances[:, 2]):
            limits, _, ids = index.range_search(Q[q : q + 1], at)
            assert true.ids[q, 2] in ids
            less = index.range_search(Q[q : q + 1], max(float(np.nextafter(at, np.float32(-1))), 0.0))
            assert at == 0 or true.ids[q, 2] not in less.ids
            assert limits.tolist() == [0, len(ids)]


@pytest.mark.parametrize("metric", METRICS)
def test_exact_ranges_lose_nothing_far_from_the_origin(metric):
    X = np.random.default_rng(0).standard_normal((3000, 3)).astype(np.float32) + np.float32(300)
    exact = ExactSearch(X, metric)
    true = exact.search(X[:40], len(X))
    for place in (0, 1, 10, 100):
        at = float(true.distances[:, place].max())
        assert [a.tolist() for a in exact.range_search(X[:40], at)] == of_search(true, at)


def test_many_queries_are_searched_in_parts(monkeypatch):
    X, Q = data("cosine")
    monkeypatch.setattr("lsh.tables._BATCH", 3)
    monkeypatch.setattr("lsh.tables._MIN_ROOM", 1)
    tables, sketches = LSHIndex(n_tables=4, n_bits=4).fit(X), SketchIndex(n_buckets=4).fit(X)
    expected = of_search(tables.search(Q, len(X)), 0.9)
    assert [a.tolist() for a in tables.range_search(Q, 0.9, n_threads=2)] == expected
    expected = of_search(sketches.search(Q, len(X), 8, len(X)), 0.9)
    assert [a.tolist() for a in sketches.range_search(Q, 0.9)] == expected


MAKERS = {"exact": ExactSearch, "tables": LSHIndex(n_tables=2).fit, "sketches": SketchIndex().fit}


@pytest.mark.parametrize("kind", MAKERS)
def test_no_queries_have_an_empty_answer_and_wrong_arguments_are_refused(kind):
    index = MAKERS[kind](data("cosine")[0])
    none = index.range_search(np.empty((0, 12), np.float32), 1.0)
    assert [a.tolist() for a in none] == [[0], [], []]
    assert [str(a.dtype) for a in none] == ["int64", "float32", "int64"]
    q = np.ones((1, 12), np.float32)
    for radius in (-0.1, np.nan, np.inf, "1", None, True):
        with pytest.raises(ParameterError, match="radius"):
            index.range_search(q, radius)
    with pytest.raises(ShapeError):
        index.range_search(q[:, :5], 1.0)
    with pytest.raises(ZeroVectorError):
        index.range_search(np.zeros((1, 12)), 1.0)
