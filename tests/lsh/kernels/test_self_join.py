"""The kernels of the self-join against slow, obvious twins."""

from itertools import pairwise

import numpy as np
import pytest

from earshot_common.encoded_vectors import EncodedVectors
from lsh import ExactSearch
from lsh.kernels.self_join import first_equal, near_pairs, pack_signs, pair_distances, prefix_pairs, unite
from lsh.pairs.distances import distances_from
from lsh.pairs.signatures import edges_of, order_by_prefix
from tests import reference


def test_a_signature_holds_the_signs_the_first_as_the_highest_bit():
    projections = np.random.default_rng(0).standard_normal((50, 64), np.float32)
    projections[3, 5], projections[4] = 0, np.arange(64) - 63
    pack_signs(projections, out := np.empty(50, np.uint64))
    assert out.tolist() == reference.pack_signs(projections).tolist()
    assert out[4] == 0


@pytest.mark.parametrize("n", [0, 1, 2, 60])
def test_pairs_with_equal_first_bits_are_counted_for_every_number_of_bits(n):
    rng = np.random.default_rng(n)
    words = np.sort(rng.integers(0, 2**64, n, np.uint64) & ~np.uint64(2**60 - 1) | rng.integers(0, 4, n, np.uint64))
    words[n // 2 :] = words[n // 2 : n // 2 + 1] if n else words
    prefix_pairs(words := np.sort(words), out := np.empty(65, np.int64))
    assert out.tolist() == reference.prefix_pairs(words)


def test_every_row_finds_the_lowest_one_with_its_bytes():
    rows = np.random.default_rng(1).integers(0, 2, (200, 5)).astype(np.uint8)
    words = rows[:, 0].astype(np.uint64)
    first_equal(rows, *order_by_prefix(words, 64), out := np.empty(200, np.int64))
    assert out.tolist() == reference.first_equal(rows)


@pytest.mark.parametrize("dtype", ["float32", "float16", "uint8"])
@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize(("n_bits", "max_differing", "most"), [(0, 64, 500), (1, 64, 500), (2, 30, 500), (0, 64, 2)])
def test_pairs_are_those_within_the_radius_of_later_rows_of_a_run(dtype, metric, n_bits, max_differing, most):
    rng = np.random.default_rng(2)
    X = rng.integers(0, 12, (120, 3))
    X[7] = 0
    given = (
        X.astype(np.float32)
        if dtype == "float32"
        else EncodedVectors(X.astype(dtype), *((0.5, -1.0) if dtype == "uint8" else (1.0, 0.0)))
    )
    exact = ExactSearch(given, metric)
    rows, words = np.arange(120), np.sort(rng.integers(0, 2**64, 120, np.uint64))
    order = rng.permutation(120)
    starts = edges_of(words >> np.uint64(64 - n_bits)) if n_bits else np.array([0, 120])
    distances = [distances_from(exact, row, rows) for row in rows]
    radius = float(np.quantile(distances, 0.3))
    by_row = dict(zip(order.tolist(), words, strict=True))
    runs = [order[a:b].tolist() for a, b in pairwise(starts)]
    expected, cut = reference.near_pairs(distances, by_row, runs, max_differing, radius, most)
    ends, pairs = np.repeat(starts[1:], np.diff(starts)), np.empty((500, 2), np.int64)
    is_cut, found, place, calls = np.zeros(120, np.bool_), [], 0, 0
    while place < 120:
        setting = max_differing, tuple(exact.vectors), radius, most, pairs, is_cut
        count, place = near_pairs(order, words, ends, place, 120, *setting)
        found += map(tuple, pairs[:count].tolist())
        calls += 1
    assert found == expected
    assert set(np.flatnonzero(is_cut).tolist()) == cut
    assert calls > 1 or len(expected) <= 500
    assert bool(cut) == (most == 2)
    listed = np.sort(rng.integers(0, 120, (60, 2)), axis=0)
    pair_distances(listed, tuple(exact.vectors), out := np.empty(60, np.float32))
    assert out.tolist() == reference.pair_distances(distances, listed)


@pytest.mark.parametrize("n_bits", [0, 1, 7, 53, 54, 63, 64])
@pytest.mark.parametrize("n", [0, 1, 2, 1024, 1025])
def test_signatures_are_ordered_by_their_first_bits_and_then_by_position(n, n_bits):
    rng = np.random.default_rng(n)
    words = rng.integers(0, 2**64, n, np.uint64) & rng.integers(0, 2**64, n, np.uint64) & ~np.uint64(2**58 - 1)
    words |= rng.integers(0, 3, n, np.uint64)
    order, starts = order_by_prefix(words, n_bits)
    prefixes = [int(word) >> (64 - n_bits) for word in words]
    assert order.tolist() == sorted(range(n), key=lambda i: (prefixes[i], i))
    runs = [order[a:b].tolist() for a, b in pairwise(starts.tolist())]
    assert [len({prefixes[i] for i in run}) for run in runs] == [1] * len(set(prefixes))
    assert starts[-1] == n


@pytest.mark.parametrize("n_pairs", [0, 1, 40, 200])
def test_the_rows_of_a_group_point_to_its_lowest(n_pairs):
    pairs = np.random.default_rng(n_pairs).integers(0, 100, (n_pairs, 2))
    unite(pairs, parents := np.arange(100))
    assert parents.tolist() == reference.unite(100, pairs.tolist())
