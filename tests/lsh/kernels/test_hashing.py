"""Normalisation, projections and packed keys."""

import numpy as np
import pytest

from lsh.kernels.hashing import (
    WORD_BITS,
    adjacent_buckets,
    bucket_numbers,
    normalise,
    pack,
    prepare,
    project,
    projections,
    words_for,
)
from tests import reference

SHAPES = [(n, dim, f) for n in (0, 1, 2, 17) for dim in (1, 2, 3, 7, 128) for f in (1, 5, 33)]
MIN_NORM, MAX_NORM = 1e-18, 1e18


def normalised(Q, unit):
    out = np.full(Q.shape, np.nan, np.float32)
    return out if normalise(Q, unit, MIN_NORM, MAX_NORM, out) else None


def projected(X, directions):
    out = np.full((len(X), directions.shape[1]), np.nan, np.float32)
    project(X, directions, out)
    return out


def keys_of(symbols, bits):
    n, n_tables, n_symbols = symbols.shape
    out = np.full((n_tables, n, words_for(n_symbols, bits)), 0xDEADBEEF, np.uint32)
    pack(symbols, bits, out)
    return out


@pytest.mark.parametrize("unit", [True, False])
@pytest.mark.parametrize("dim", [1, 2, 3, 7, 128])
def test_prepare_agrees_with_its_reference_bit_for_bit(unit, dim):
    rng = np.random.default_rng(dim)
    centre = rng.standard_normal(dim, dtype=np.float32)
    for scale in (1e-15, 1.0, 1e15):
        X = rng.standard_normal((20, dim), dtype=np.float32) * np.float32(scale)
        X[3] = 0
        out = np.full(X.shape, np.nan, np.float32)
        prepare(X, unit, centre, out)
        assert np.array_equal(out, reference.prepare(X, unit, centre))


@pytest.mark.parametrize(("n", "dim", "f"), SHAPES)
def test_project_agrees_with_its_reference_bit_for_bit(n, dim, f):
    rng = np.random.default_rng([n, dim, f])
    X = rng.standard_normal((n, dim), dtype=np.float32)
    directions = rng.standard_normal((dim, f), dtype=np.float32)
    assert np.array_equal(projected(X, directions), reference.project(X, directions))


@pytest.mark.parametrize("dim", [1, 2, 3, 7, 128, 1000])
def test_project_is_as_near_to_float64_as_summing_in_float32_allows(dim):
    rng = np.random.default_rng(dim)
    X = rng.standard_normal((20, dim), dtype=np.float32)
    directions = rng.standard_normal((dim, 9), dtype=np.float32)
    unit = np.finfo(np.float32).eps / 2
    bound = dim * unit / (1 - dim * unit) * (np.abs(X).astype(np.float64) @ np.abs(directions).astype(np.float64))
    error = np.abs(projected(X, directions) - X.astype(np.float64) @ directions.astype(np.float64))
    assert (error <= bound).all()  # Higham (2002), section 3.1


def test_projections_are_those_of_project():
    rng = np.random.default_rng(0)
    X, directions = rng.standard_normal((5, 7), dtype=np.float32), rng.standard_normal((7, 3), dtype=np.float32)
    assert np.array_equal(projections(X, directions), reference.project(X, directions))


def test_project_takes_the_first_directions_of_a_wider_array():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((5, 7), dtype=np.float32)
    directions = rng.standard_normal((7, 12), dtype=np.float32)
    assert np.array_equal(projected(X, directions[:, :4]), projected(X, directions)[:, :4])


@pytest.mark.parametrize("bits", range(1, 9))
@pytest.mark.parametrize("n_symbols", [1, 2, 3, 4, 5, 8, 9, 16, 17, 24, 32])
@pytest.mark.parametrize("n_tables", [1, 3])
def test_pack_agrees_with_its_reference(bits, n_symbols, n_tables):
    rng = np.random.default_rng([bits, n_symbols])
    symbols = rng.integers(0, 2**bits, (13, n_tables, n_symbols), dtype=np.uint8)
    assert np.array_equal(keys_of(symbols, bits), reference.pack(symbols, bits))


@pytest.mark.parametrize("bits", range(1, 9))
def test_packed_keys_sort_as_their_symbols_do(bits):
    rng = np.random.default_rng(bits)
    symbols = rng.integers(0, min(2**bits, 3), (60, 1, 11), dtype=np.uint8)
    words = keys_of(symbols, bits)[0]
    by_words = sorted(range(60), key=lambda i: tuple(words[i].tolist()))
    by_symbols = sorted(range(60), key=lambda i: tuple(symbols[i, 0].tolist()))
    assert np.array_equal(symbols[by_words], symbols[by_symbols])


@pytest.mark.parametrize(("n", "f"), [(0, 3), (1, 1), (40, 6)])
@pytest.mark.parametrize("top", [1, 3, 255])
def test_bucket_numbers_and_adjacent_buckets_agree_with_their_references(n, f, top):
    rng = np.random.default_rng([n, f, top])
    values = rng.integers(-40, 41, (n, f)).astype(np.float32) / np.float32(4)  # halves and walls among them
    offsets, lowest = rng.integers(0, 4, f + 1).astype(np.float32) / np.float32(4), rng.integers(-5, 3, f + 1)
    for width in (0.5, 2.0):
        symbols = np.full((n, f), 99, np.uint8)
        assert bucket_numbers(values, offsets, width, lowest, top, symbols)
        assert symbols.tolist() == reference.bucket_numbers(values, offsets, width, lowest, top)
        others, costs = np.full((n, f, 2), 99, np.uint8), np.full((n, f, 2), np.nan, np.float32)
        adjacent_buckets(values, offsets, width, lowest, top, others, costs)
        expected = reference.adjacent_buckets(values, offsets, width, lowest, top)
        assert np.array_equal(others, expected[0])
        assert np.array_equal(costs, expected[1])


@pytest.mark.parametrize("value", [1e18, -1e18])
def test_bucket_numbers_that_need_more_than_63_bits_are_reported(value):
    arguments = np.float32([[0, value]]), np.float32([0, 0]), 1e-3, np.array([0, 0]), 255
    assert not bucket_numbers(*arguments, np.empty((1, 2), np.uint8))
    assert reference.bucket_numbers(*arguments) is None


def test_pack_of_no_rows_gives_no_keys():
    assert keys_of(np.empty((0, 2, 40), np.uint8), 1).shape == (2, 0, 2)


@pytest.mark.parametrize("bits", range(1, 9))
def test_a_key_takes_just_enough_words_and_no_symbol_is_split(bits):
    for n_symbols in range(1, 33):
        words = words_for(n_symbols, bits)
        assert words * (WORD_BITS // bits) >= n_symbols > (words - 1) * (WORD_BITS // bits)


@pytest.mark.parametrize("unit", [True, False])
@pytest.mark.parametrize("dim", [1, 2, 3, 7, 128])
@pytest.mark.parametrize("n", [0, 1, 9])
def test_normalise_agrees_with_its_reference_bit_for_bit(unit, dim, n):
    rng = np.random.default_rng([dim, n])
    for scale in (1e-15, 1.0, 1e15):
        Q = rng.standard_normal((n, dim), dtype=np.float32) * np.float32(scale)
        assert np.array_equal(normalised(Q, unit), reference.normalise(Q, unit, MIN_NORM, MAX_NORM))


@pytest.mark.parametrize("unit", [True, False])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0.0, 1e-19, 1e-30, 2e18, 3e38])
def test_a_norm_out_of_range_in_any_row_is_reported(unit, value):
    for row in range(3):
        Q = np.zeros((3, 4), np.float32)
        Q[:, 1] = 1
        Q[row, 1] = value
        assert normalised(Q, unit) is None
        assert reference.normalise(Q, unit, MIN_NORM, MAX_NORM) is None
