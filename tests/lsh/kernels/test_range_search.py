"""Range search in hash tables, against its definition."""

import numpy as np
import pytest

from lsh.kernels.buckets import prefix_mask
from lsh.kernels.range_search import count_met, list_within, range_tables
from lsh.kernels.ranking import COSINE, EUCLIDEAN, Vectors
from lsh.kernels.table_search import mark_probed
from tests import reference
from tests.lsh.kernels.random_tables import protected, random_tables
from tests.lsh.kernels.test_table_search import whole_numbers

METRICS = [COSINE, EUCLIDEAN]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("radius", [0.0, 0.5, 1.0, 3.0])
def test_list_within_lists_candidates_at_the_radius_and_nearer_in_their_order(metric, radius):
    rng = np.random.default_rng(3)
    X, inverse_norms = whole_numbers(rng, 200, 4)
    q, candidates = X[7], rng.permutation(200)[:90]
    ids, distances = np.empty(90, np.int64), np.empty(90, np.float32)
    vectors = protected(*Vectors.of(X, inverse_norms, metric))
    count = list_within(q, vectors, candidates, np.float32(radius), ids, distances)
    expected = reference.list_within(q, X, inverse_norms, metric, candidates, radius)
    assert (ids[:count].tolist(), distances[:count].tolist()) == expected
    assert metric == COSINE or radius not in expected[1] or radius in distances[:count]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("bits", [1, 3])
@pytest.mark.parametrize("n_probes", [1, 4])
def test_range_tables_lists_the_candidates_of_a_search_within_the_radius(metric, bits, n_probes):
    rng = np.random.default_rng([bits, n_probes])
    n, nq, L, K = 150, 9, 3, 5
    tables = random_tables(rng, n=n, nq=nq, L=L, K=K, bits=bits, m=1)
    X, inverse_norms = whole_numbers(rng, n, 4)
    Q = whole_numbers(rng, nq, 4)[0]
    queries = Q, tables.query_keys, tables.symbols, tables.costs
    sorted_tables, vectors = (tables.keys, tables.ids, tables.starts), protected(*Vectors.of(X, inverse_norms, metric))
    for radius in (0.5, 2.0):
        arguments = tables.keys, tables.ids, tables.query_keys, tables.symbols, tables.costs, 3, bits, n_probes, K
        expected = reference.range_tables(*arguments, Q, X, inverse_norms, metric, radius)
        found, first, calls = [], 0, 0
        ids, distances, counts = np.empty(n + 5, np.int64), np.empty(n + 5, np.float32), np.zeros(nq, np.int64)
        while first < nq:  # there is not room for all queries at once
            began = first
            first = range_tables(
                queries, sorted_tables, vectors, 3, bits, n_probes, np.float32(radius), first, counts, ids, distances
            )
            ends = np.cumsum(counts[began:first])[:-1]
            parts = (np.split(array[: counts[began:first].sum()], ends) for array in (ids, distances))
            found += [(a.tolist(), b.tolist()) for a, b in zip(*parts, strict=True)]
            calls += 1
        assert found == expected
        assert calls > 1 or radius < 1


@pytest.mark.parametrize(("bits", "n_probes"), [(1, 1), (1, 4), (3, 4)])
def test_count_met_counts_ids_distinct_vectors_and_the_allowed_ones(bits, n_probes):
    rng = np.random.default_rng([bits, n_probes])
    n, nq, L, K = 150, 9, 3, 5
    tables = random_tables(rng, n=n, nq=nq, L=L, K=K, bits=bits, m=1)
    queries = np.zeros((nq, 4), np.float32), tables.query_keys, tables.symbols, tables.costs
    for n_bits, share in [(3, 0.4), (1, 0.9), (K, 0.0)]:
        probes, marks = np.empty((n_probes, tables.keys.shape[2]), np.uint32), np.zeros((n + 63) // 64, np.uint64)
        prefix_mask(n_bits, bits, mask := np.empty(tables.keys.shape[2], np.uint32))
        of_query = tables.query_keys, tables.symbols[2], tables.costs[2], 2
        sorted_tables = tables.keys, tables.ids, tables.starts
        n_ids = mark_probed(sorted_tables, *of_query, n_bits, bits, probes, mask, marks)
        twin = reference.mark_probed(*tables_of(tables), n_bits, bits, n_probes, 2, K)
        assert (n_ids, set(reference.collect_marked(marks))) == twin

        allowed, counts = rng.random(n) < share, np.empty((3, nq), np.int64)
        count_met(queries, (tables.keys, tables.ids, tables.starts), n_bits, bits, n_probes, allowed, counts)
        assert list(map(tuple, counts.T.tolist())) == reference.count_met(
            *tables_of(tables), n_bits, bits, n_probes, K, allowed
        )


def tables_of(tables):
    return tables.keys, tables.ids, tables.query_keys, tables.symbols, tables.costs
