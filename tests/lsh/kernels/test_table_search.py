"""Search in hash tables."""

import numpy as np
import pytest

from lsh.kernels.buckets import prefix_mask
from lsh.kernels.intrinsics import clear_lowest, highest_bit, lowest_bit
from lsh.kernels.ranking import COSINE, EUCLIDEAN, Vectors
from lsh.kernels.sketching import quantise
from lsh.kernels.table_search import (
    best_candidates,
    collect_allowed,
    collect_marked,
    mark_candidates,
    mark_found,
    score_rows,
    search_tables,
)
from lsh.sketches.sketch import sketch
from tests import reference
from tests.lsh.kernels.random_tables import protected, random_tables

METRICS = [COSINE, EUCLIDEAN]
# Small whole numbers and inverse norms that are powers of two: every float32 operation is exact, and ties are many.
INVERSE_NORMS = np.float32([0.0, 0.125, 0.0625, 0.03125])


def whole_numbers(rng, n, dim):
    return rng.integers(-2, 3, (n, dim)).astype(np.float32), INVERSE_NORMS[rng.integers(0, 4, n)]


def sketched(rng, n):
    """Return the sketches of n random vectors of 128 dimensions with penalties: planes uint64[n, 4], terms [n, 3]."""
    planes, factors = sketch(rng.standard_normal((n, 128)).astype(np.float32), np.eye(128, dtype=np.float32))
    terms = np.concatenate([factors, rng.standard_normal((1, n)).astype(np.float32)])
    return protected(np.ascontiguousarray(planes.T), np.ascontiguousarray(terms.T))


def rounded(y):
    planes = np.empty(8, np.uint64)
    step, total = quantise(y, planes)
    return planes, np.float32(step), np.float32(total)


@pytest.mark.parametrize("places", [[0], [63], [0, 63], [5, 17, 40], range(64)])
def test_the_lowest_and_the_highest_bit_are_found(places):
    word = sum(1 << place for place in places)
    assert lowest_bit(np.uint64(word)) == reference.lowest_bit(word) == min(places)
    assert highest_bit(np.uint64(word)) == reference.highest_bit(word) == max(places)
    assert int(clear_lowest(np.uint64(word))) == reference.clear_lowest(word)


@pytest.mark.parametrize("n", [1, 63, 64, 65, 300])
def test_collect_marked_returns_each_id_once_in_order_and_clears_the_marks(n):
    rng = np.random.default_rng(n)
    for share in (0, 0.1, 1):
        members = np.flatnonzero(rng.random(n) < share)
        marks, candidates = np.zeros(-(-n // 64), np.uint64), np.full(n, -5, np.int64)
        for i in members:
            marks[i // 64] |= np.uint64(1) << np.uint64(i % 64)
        expected = reference.collect_marked(marks)
        assert expected == members.tolist()
        assert candidates[: collect_marked(marks, candidates)].tolist() == expected
        assert not marks.any()


@pytest.mark.parametrize("n", [1, 64, 200])
def test_collect_allowed_lists_the_marked_ids_that_are_allowed_and_counts_all(n):
    rng = np.random.default_rng(n)
    for marked, share in [(0.5, 0.5), (1, 1), (0, 1), (1, 0), (0.9, 0.1)]:
        marks, candidates = np.zeros(-(-n // 64), np.uint64), np.empty(n, np.int64)
        for i in np.flatnonzero(rng.random(n) < marked).tolist():
            marks[i // 64] |= np.uint64(1) << np.uint64(i % 64)
        allowed = rng.random(n) < share
        n_marked, count = collect_allowed(marks, allowed, candidates)
        assert (n_marked, candidates[:count].tolist()) == reference.collect_allowed(marks, allowed)


@pytest.mark.parametrize("bits", [1, 3, 8])
@pytest.mark.parametrize("n", [1, 2, 30, 200])
def test_mark_candidates_adds_the_ids_of_the_probed_buckets_to_those_marked(bits, n):
    rng = np.random.default_rng([bits, n])
    tables = random_tables(rng, n=n, nq=4, L=1, K=9, bits=bits, m=1)
    mask = np.empty(tables.keys.shape[2], np.uint32)
    for length in (1, 2, 9):
        prefix_mask(length, bits, mask)
        marks, candidates = np.zeros(-(-n // 64), np.uint64), np.empty(n, np.int64)
        marks[0] = 1  # met in an earlier table
        probes = tables.query_keys[0]
        n_ids = mark_candidates(tables.keys[0], tables.ids[0], tables.starts[0], probes, mask, marks)
        assert n_ids == sum((((tables.keys[0] ^ probe) & mask) == 0).all(axis=1).sum() for probe in probes)
        expected = {0, *reference.mark_candidates(tables.keys[0], tables.ids[0], probes, mask, set())}
        assert candidates[: collect_marked(marks, candidates)].tolist() == sorted(expected)


@pytest.mark.parametrize(("bits", "m"), [(1, 1), (3, 2)])
@pytest.mark.parametrize("n_probes", [1, 4])
def test_mark_found_adds_what_each_query_finds_in_a_table_to_those_marked(bits, m, n_probes):
    rng = np.random.default_rng([bits, n_probes])
    n, nq, L, K = 150, 5, 2, 6
    tables = random_tables(rng, n=n, nq=nq, L=L, K=K, bits=bits, m=m)
    for table in range(L):
        for n_bits in (1, 4, K):
            marks, ids = np.zeros((nq, -(-n // 64)), np.uint64), np.empty(n, np.int64)
            marks[2, 1] = 1  # query 2 has met id 64 in an earlier table
            of_table = tables.keys[table], tables.ids[table], tables.starts[table]
            queries = tables.query_keys[table], tables.symbols[:, table], tables.costs[:, table]
            mark_found(*of_table, *queries, n_bits, bits, n_probes, marks)
            expected = reference.mark_found(*tables, n_bits, bits, n_probes, K, table)
            expected[2].add(64)
            assert [set(ids[: collect_marked(own, ids)].tolist()) for own in marks] == expected


@pytest.mark.parametrize("m", [0, 1, 7, 511, 512, 513, 1300])
def test_score_rows_agrees_with_the_estimates_of_the_sketches_in_any_order(m):
    rng = np.random.default_rng(m)
    planes, terms = sketched(rng, 700)
    query, step, total = rounded(rng.standard_normal(128).astype(np.float32))
    rows, out = rng.integers(0, 700, m), np.full(m, np.nan, np.float32)
    score_rows(planes, terms, rows, query, step, total, out)
    expected = reference.score_rows(planes, terms, query, float(step))[rows]
    # Some ten float32 operations on terms whose sizes sum to at most four times the largest one, |f| Σ|q| 1.5.
    size = 1.5 * np.abs(terms[:, 0]).max() * 7.5 * 128 * float(step) + np.abs(terms[:, 2]).max()
    assert (np.abs(out - expected) <= 40 * np.finfo(np.float32).eps * size).all()


@pytest.mark.parametrize(("n", "n_kept"), [(30, 1), (30, 10), (30, 31), (3000, 40), (3000, 2999)])
def test_best_candidates_moves_the_best_to_the_front_with_their_scores(n, n_kept):
    rng = np.random.default_rng([n, n_kept])
    scores, candidates = rng.standard_normal(n).astype(np.float32).round(1), rng.permutation(10 * n)[:n]
    expected = reference.best_candidates(scores, n_kept, candidates)
    count = best_candidates(scores, n_kept, candidates)
    assert list(zip(candidates[:count].tolist(), scores[:count].tolist(), strict=True)) == expected


SETTINGS = [
    (bits, m, K, L, n_probes)
    for bits, m in [(1, 1), (2, 1), (3, 2), (8, 2)]
    for K, L, n_probes in [(1, 1, 1), (6, 3, 1), (6, 3, 4), (4, 2, 64), (24, 2, 1)]
]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(("bits", "m", "K", "L", "n_probes"), SETTINGS)
def test_search_tables_agrees_with_its_reference(metric, bits, m, K, L, n_probes):
    for n, nq, k in [(1, 1, 1), (2, 3, 5), (40, 4, 3), (7, 0, 2)]:
        rng = np.random.default_rng([metric, bits, K, L, n_probes, n])
        tables = random_tables(rng, n=n, nq=nq, L=L, K=K, bits=bits, m=m)
        X, inverse_norms = whole_numbers(rng, n, 3)
        Q = rng.integers(-2, 3, (nq, 3)).astype(np.float32)
        assert_agrees(tables, max(1, K - 1), bits, n_probes, K, Q, X, inverse_norms, metric, k)  # shorter than the keys


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("n_reranked", [1, 5, 20, 10**6])
def test_with_n_reranked_the_candidates_with_the_best_sketches_are_ranked(metric, n_reranked):
    rng = np.random.default_rng([metric, n_reranked])
    n, nq, dim = 300, 5, 3
    tables = random_tables(rng, n=n, nq=nq, L=3, K=6, bits=1, m=1)
    X, inverse_norms = whole_numbers(rng, n, dim)
    Q, centre = rng.integers(-2, 3, (nq, dim)).astype(np.float32), rng.standard_normal(dim).astype(np.float32)
    rotation, (planes, terms) = rng.standard_normal((dim, 128)).astype(np.float32), sketched(rng, n)

    def best(n_kept):
        def kept(q, candidates):
            query, step, _ = rounded(np.asarray((Q[q] - centre) @ rotation, np.float32))
            scores = reference.score_rows(planes, terms, query, float(step))[candidates]
            return [candidates[place] for place in np.argsort(-scores)[:n_kept]]

        return reference.search_tables(*tables, 3, 1, 2, 6, Q, X, inverse_norms, metric, 3, kept)

    filtering = centre, rotation, planes, terms, n_reranked
    _, distances, counts = searched(tables, 3, 1, 2, Q, X, inverse_norms, metric, *filtering, 3)
    expected = best(n_reranked)
    assert counts.tolist() == expected[2].tolist()
    assert distances.tolist() == expected[1].tolist()


@pytest.mark.parametrize("n_best", [1, 5, 300])
def test_with_estimates_the_best_candidates_are_listed_with_what_their_sketches_say(n_best):
    rng = np.random.default_rng(n_best)
    n, nq, dim = 300, 4, 3
    tables = random_tables(rng, n=n, nq=nq, L=3, K=6, bits=1, m=1)
    X, inverse_norms = whole_numbers(rng, n, dim)
    Q, centre = rng.integers(-2, 3, (nq, dim)).astype(np.float32), rng.standard_normal(dim).astype(np.float32)
    rotation, (planes, terms) = rng.standard_normal((dim, 128)).astype(np.float32), sketched(rng, n)
    arguments = tables, 3, 1, 2, Q, X, inverse_norms, EUCLIDEAN, centre, rotation, planes, terms, n_best, n_best
    estimates = np.empty((nq, n_best), np.float32)
    ids, distances, counts = searched(*arguments, estimates)
    for q in range(nq):
        there = ids[q] >= 0
        assert there.sum() == min(counts[q], n_best)
        query, step, total = rounded(np.asarray((Q[q] - centre) @ rotation, np.float32))
        every = np.empty(n, np.float32)
        score_rows(planes, terms, np.arange(n), query, step, total, every)
        assert estimates[q, there] == pytest.approx(every[ids[q, there]], rel=1e-4, abs=1e-3)  # rotated otherwise here
        assert (estimates[q, ~there] == -np.inf).all()
        assert np.isinf(distances[q, ~there]).all()
        assert np.allclose(distances[q, there], np.linalg.norm(X[ids[q, there]] - Q[q], axis=1))


def searched(
    tables,
    n_bits,
    bits,
    n_probes,
    Q,
    X,
    inverse_norms,
    metric,
    centre,
    rotation,
    planes,
    terms,
    most,
    k,
    estimates=None,
):
    ids, distances = np.full((len(Q), k), -1, np.int64), np.full((len(Q), k), np.inf, np.float32)
    counts = np.zeros(len(Q), np.int64)
    queries = Q, tables.query_keys, tables.symbols, tables.costs
    lookup, vectors = (tables.keys, tables.ids, tables.starts), protected(*Vectors.of(X, inverse_norms, metric))
    sketches, setting = protected(centre, rotation, planes, terms), (n_bits, bits, n_probes, most)
    estimates = np.empty((len(Q), 0), np.float32) if estimates is None else estimates
    search_tables(queries, lookup, vectors, sketches, *setting, ids, distances, counts, estimates, None, 0)
    return ids, distances, counts


def assert_agrees(tables, n_bits, bits, n_probes, K, Q, X, inverse_norms, metric, k):
    nothing = np.empty(Q.shape[1], np.float32), np.empty((Q.shape[1], 128), np.float32)
    nothing += np.empty((0, 4), np.uint64), np.empty((0, 3), np.float32)
    found = searched(tables, n_bits, bits, n_probes, Q, X, inverse_norms, metric, *nothing, len(X), k)
    expected = reference.search_tables(*tables, n_bits, bits, n_probes, K, Q, X, inverse_norms, metric, k)
    for here, there in zip(found, expected, strict=True):
        assert here.tolist() == there.tolist()
