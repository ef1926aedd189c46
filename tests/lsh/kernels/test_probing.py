"""Multi-probe keys in order of cost."""

import numpy as np
import pytest

from lsh.kernels.hashing import words_for
from lsh.kernels.probing import probe_keys
from tests import reference

MAX_PROBES = 64


def probes_of(key, symbols, costs, n_symbols, bits, n_probes):
    out = np.full((n_probes, len(key)), 0xDEADBEEF, np.uint32)
    count = probe_keys(key, symbols, costs, n_symbols, bits, n_probes, out)
    return out[:count]


def random_perturbations(rng, K, m, bits, costs):
    """Return a key, and perturbations that change the symbol they replace."""
    own = rng.integers(0, 2**bits, K)
    others = [rng.permutation(np.delete(np.arange(2**bits), s))[:m] for s in own]
    return reference.packed(own[None, :], bits)[0], np.array(others, np.uint8), costs.astype(np.float32)


# (symbols per key, perturbations per symbol): the reference tries all (m + 1)^K sets
SIZES = [(1, 1), (2, 1), (5, 1), (10, 1), (1, 2), (3, 2), (6, 2)]


@pytest.mark.parametrize("n_probes", [1, 2, 3, 7, 16, 64])
@pytest.mark.parametrize(("K", "m"), SIZES)
def test_probes_are_the_cheapest_sets_of_perturbations_in_the_order_of_the_reference(K, m, n_probes):
    rng = np.random.default_rng([K, m, n_probes])
    for bits in range(m, 9):
        costs = rng.integers(0, 6, (K, m))  # small whole numbers: sums are exact and ties are many
        key, symbols, costs = random_perturbations(rng, K, m, bits, costs)
        expected = reference.probe_keys(key, symbols, costs, K, bits, n_probes, K)
        assert np.array_equal(probes_of(key, symbols, costs, K, bits, n_probes), expected)


@pytest.mark.parametrize(("K", "m"), SIZES)
def test_probes_agree_with_the_reference_for_squared_random_distances(K, m):
    for seed in range(30):
        rng = np.random.default_rng([seed, K, m])
        bits = max(2, m)
        key, symbols, costs = random_perturbations(rng, K, m, bits, rng.standard_normal((K, m)) ** 2)
        expected = reference.probe_keys(key, symbols, costs, K, bits, 32, K)
        assert np.array_equal(probes_of(key, symbols, costs, K, bits, 32), expected)


@pytest.mark.parametrize("n_symbols", [1, 2, 5, 8])
def test_a_shorter_key_perturbs_only_its_own_symbols(n_symbols):
    rng = np.random.default_rng(n_symbols)
    key, symbols, costs = random_perturbations(rng, 8, 2, 3, rng.integers(0, 9, (8, 2)))
    expected = reference.probe_keys(key, symbols, costs, n_symbols, 3, 20, 8)
    assert np.array_equal(probes_of(key, symbols, costs, n_symbols, 3, 20), expected)


def test_there_are_no_more_probes_than_buckets():
    rng = np.random.default_rng(0)
    key, symbols, costs = random_perturbations(rng, 3, 1, 1, rng.random((3, 1)))
    found = probes_of(key, symbols, costs, 3, 1, MAX_PROBES)
    assert sorted(map(tuple, found.tolist())) == [(i << 29,) for i in range(8)]


def test_a_perturbation_of_infinite_cost_is_never_used():
    rng = np.random.default_rng(0)
    costs = np.array([[np.inf, 1], [2, np.inf], [np.inf, np.inf]])
    key, symbols, costs = random_perturbations(rng, 3, 2, 4, costs)
    expected = reference.probe_keys(key, symbols, costs, 3, 4, MAX_PROBES, 3)
    assert len(expected) == 4
    assert np.array_equal(probes_of(key, symbols, costs, 3, 4, MAX_PROBES), expected)


def test_without_possible_perturbations_only_the_own_bucket_is_probed():
    rng = np.random.default_rng(0)
    key, symbols, costs = random_perturbations(rng, 4, 2, 2, np.full((4, 2), np.inf))
    assert np.array_equal(probes_of(key, symbols, costs, 4, 2, 5), key[None, :])


@pytest.mark.parametrize(("K", "m", "bits"), [(24, 1, 1), (32, 1, 1), (24, 2, 5), (32, 2, 8)])
def test_more_probes_begin_with_the_fewer_and_no_bucket_is_repeated_at_the_largest_keys(K, m, bits):
    rng = np.random.default_rng([K, m])
    key, symbols, costs = random_perturbations(rng, K, m, bits, rng.standard_normal((K, m)) ** 2)
    assert len(key) == words_for(K, bits)
    most = probes_of(key, symbols, costs, K, bits, MAX_PROBES)
    assert len({tuple(probe) for probe in most.tolist()}) == MAX_PROBES
    for n_probes in range(1, MAX_PROBES):
        assert np.array_equal(probes_of(key, symbols, costs, K, bits, n_probes), most[:n_probes])


@pytest.mark.parametrize(("K", "m", "bits"), [(32, 1, 1), (32, 2, 8)])
def test_probes_come_in_order_of_cost_at_the_largest_keys(K, m, bits):
    rng = np.random.default_rng([K, m])
    key, symbols, costs = random_perturbations(rng, K, m, bits, rng.integers(1, 50, (K, m)))
    own = reference.unpack(key[None, :], K, bits)[0]
    spent = []
    for probe in reference.unpack(probes_of(key, symbols, costs, K, bits, MAX_PROBES), K, bits):
        used = [(j, symbols[j].tolist().index(s)) for j, s in enumerate(probe) if s != own[j]]
        spent.append(sum(float(costs[j, p]) for j, p in used))
    assert spent == sorted(spent)
    singles = sorted(float(cost) for cost in costs.ravel())
    assert spent[:2] == [0.0, singles[0]]


def test_perturbations_of_zero_cost_are_used_like_others():
    rng = np.random.default_rng(0)
    key, symbols, costs = random_perturbations(rng, 5, 1, 1, np.zeros((5, 1)))
    expected = reference.probe_keys(key, symbols, costs, 5, 1, 32, 5)
    assert len(expected) == 32
    assert np.array_equal(probes_of(key, symbols, costs, 5, 1, 32), expected)
