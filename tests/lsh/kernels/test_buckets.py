"""Bucket lookup by binary search and by heads."""

import numpy as np
import pytest

from lsh.kernels.buckets import find_bucket, find_bucket_by_head, first_at_least, prefix_mask
from lsh.kernels.hashing import words_for
from tests import reference

ALL_BITS = range(1, 9)


def sorted_keys(rng, n, n_symbols, bits, variety):
    symbols = rng.integers(0, min(2**bits, variety), (n, n_symbols), dtype=np.uint8)
    keys = reference.packed(symbols, bits)
    return keys[np.lexsort(keys.T[::-1])]


def mask_of(n_symbols, bits, n_words):
    mask = np.full(n_words, 0xDEADBEEF, np.uint32)
    prefix_mask(n_symbols, bits, mask)
    return mask


@pytest.mark.parametrize("bits", ALL_BITS)
def test_prefix_mask_covers_just_the_first_symbols(bits):
    n_words = words_for(32, bits)
    for n_symbols in range(33):
        expected = reference.prefix_mask(n_symbols, bits, n_words)
        assert np.array_equal(mask_of(n_symbols, bits, n_words), expected), n_symbols


@pytest.mark.parametrize("bits", ALL_BITS)
@pytest.mark.parametrize("n", [0, 1, 2, 33])
def test_first_at_least_and_find_bucket_agree_with_their_references_at_every_prefix(bits, n):
    rng = np.random.default_rng([bits, n])
    for n_symbols in (1, 4, 9, 24):
        keys = sorted_keys(rng, n, n_symbols, bits, variety=2)
        queries = sorted_keys(rng, 6, n_symbols, bits, variety=3)
        for length in range(1, n_symbols + 1):
            mask = mask_of(length, bits, keys.shape[1])
            for query in queries:
                low, high = sorted(rng.integers(0, n + 1, 2).tolist())
                for beyond in (False, True):
                    wanted = reference.first_at_least(keys, query, mask, low, high, beyond)
                    assert first_at_least(keys, query, mask, low, high, beyond) == wanted
                assert find_bucket(keys, query, mask, 0, n) == reference.find_bucket(keys, query, mask, 0, n)


@pytest.mark.parametrize("n_words", [1, 2, 6])
def test_a_key_beyond_either_end_has_an_empty_bucket_at_that_end(n_words):
    keys = np.full((10, n_words), 7 << 28, np.uint32)
    mask = np.full(n_words, 0xFFFFFFFF, np.uint32)
    assert find_bucket(keys, np.zeros(n_words, np.uint32), mask, 0, 10) == (0, 0)
    assert find_bucket(keys, np.full(n_words, 0xFFFFFFFF, np.uint32), mask, 0, 10) == (10, 10)


def test_equal_keys_are_one_bucket():
    keys = np.full((10, 2), 0xFFFFFFFF, np.uint32)
    mask = np.full(2, 0xFFFFFFFF, np.uint32)
    assert find_bucket(keys, keys[0], mask, 0, 10) == (0, 10)
    assert find_bucket(keys, keys[0], mask, 3, 5) == (3, 5)


def test_an_empty_mask_puts_everything_into_one_bucket():
    rng = np.random.default_rng(0)
    keys = sorted_keys(rng, 12, 8, 4, variety=16)
    assert find_bucket(keys, np.zeros(1, np.uint32), np.zeros(1, np.uint32), 0, 12) == (0, 12)


def test_keys_compare_as_unsigned_numbers_word_by_word():
    keys = np.array([[0, 5], [1, 0], [0x7FFFFFFF, 9], [0x80000000, 1], [0xFFFFFFFF, 0]], np.uint32)
    mask = np.full(2, 0xFFFFFFFF, np.uint32)
    for place, key in enumerate(keys):
        assert find_bucket(keys, key, mask, 0, 5) == (place, place + 1)


@pytest.mark.parametrize("bits", ALL_BITS)
@pytest.mark.parametrize("head_bits", [1, 3, 8, 14])
def test_a_bucket_found_by_its_head_is_the_bucket(bits, head_bits):
    rng = np.random.default_rng([bits, head_bits])
    for n in (1, 33, 200):
        keys, queries = sorted_keys(rng, n, 24, bits, variety=2), sorted_keys(rng, 9, 24, bits, variety=3)
        heads = (keys[:, 0] >> np.uint32(32 - head_bits)).tolist()
        starts = np.array([sum(head < x for head in heads) for x in range(2**head_bits)] + [n], np.int32)
        for length in (1, 2, 4, 9, 24):
            mask = mask_of(length, bits, keys.shape[1])
            for query in queries:
                start, stop = find_bucket_by_head(keys, starts, query, mask)
                expected = reference.find_bucket_by_head(keys, query, mask)
                assert stop - start == expected[1] - expected[0]
                assert (start, stop) == expected or start == stop
