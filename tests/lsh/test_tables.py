"""Sorted tables and their heads."""

import numpy as np
import pytest

from lsh.tables import build_tables


def random_keys(seed, *shape, high=2**32):
    return np.random.default_rng(seed).integers(0, high, shape, dtype=np.uint32)


@pytest.mark.parametrize("n_words", [1, 2, 8])
@pytest.mark.parametrize("n", [0, 1, 2, 200])
def test_each_table_is_sorted_by_key_and_equal_keys_by_id(n_words, n):
    keys = random_keys([n_words, n], 3, n, n_words, high=3)
    tables = build_tables(keys.copy())
    for table in range(3):
        expected = sorted((tuple(key), i) for i, key in enumerate(keys[table].tolist()))
        found = list(zip(map(tuple, tables.keys[table].tolist()), tables.ids[table].tolist(), strict=True))
        assert found == expected


def test_words_sort_as_unsigned_numbers():
    tables = build_tables(np.array([[[0xFFFFFFFF], [0], [0x80000000], [0x7FFFFFFF]]], np.uint32))
    assert tables.ids.tolist() == [[1, 3, 2, 0]]


def test_tables_and_their_views_are_read_only():
    tables = build_tables(random_keys(0, 3, 5, 1))
    for array in (tables.keys, tables.ids, tables.starts, tables.first(2).keys, tables.first(2).ids):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_the_first_tables_are_a_view_and_cost_their_share():
    tables = build_tables(random_keys(0, 6, 10, 2))
    assert np.shares_memory(tables.first(2).keys, tables.keys)
    assert (
        tables.first(2).nbytes * 3 == tables.nbytes == 6 * (10 * (2 * 4 + 4) + 3 * 4)
    )  # and where the keys of two heads begin and end


@pytest.mark.parametrize("n", [1, 7, 100, 5000])
def test_starts_are_the_numbers_of_keys_before_each_head(n):
    tables = build_tables(random_keys(n, 2, n, 2))
    heads = tables.starts.shape[1] - 1
    assert heads & (heads - 1) == 0
    for keys, starts in zip(tables.keys, tables.starts, strict=True):
        here = (keys[:, 0].astype(np.uint64) * heads) >> np.uint64(32)
        assert starts.tolist() == [int((here < head).sum()) for head in range(heads + 1)]
