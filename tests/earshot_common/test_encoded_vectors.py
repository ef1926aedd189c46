"""Vectors stored in 8 or 16 bits per value."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earshot_common import encoded_vectors
from earshot_common.encoded_vectors import EncodedVectors

LOWEST = [0.0, 1e-30, -1.5, 1000.0, -1e6]


@given(st.sampled_from(LOWEST), st.just(0.0) | st.floats(1e-20, 1e6), st.integers(0, 2**32 - 1))
def test_a_byte_is_within_half_a_step_of_its_value_and_the_ends_are_met(lowest, extent, seed):
    X = lowest + extent * np.random.default_rng(seed).random((5, 4))
    encoded = EncodedVectors.encode(X, np.uint8)
    assert encoded.stored.dtype == np.uint8
    rounding = 2 * np.abs(X).max() * np.finfo(np.float32).eps
    assert np.abs(encoded[:] - X).max() <= 0.5 * float(encoded.scale) + rounding
    assert float(encoded.scale) <= 1.001 * max((X.max() - X.min()) / 255, abs(X.min()) * 2**-19)


def test_halves_are_the_nearest_of_their_kind_and_take_two_bytes():
    X = np.random.default_rng(0).standard_normal((7, 3)).astype(np.float32)
    encoded = EncodedVectors.encode(X, np.float16)
    assert (encoded[:] == X.astype(np.float16).astype(np.float32)).all()
    assert encoded.nbytes == 2 * X.size


def test_bytes_are_decoded_in_blocks_as_all_at_once(monkeypatch):
    encoded = EncodedVectors.encode(np.random.default_rng(0).standard_normal((7, 3)), np.uint8)
    whole = encoded[:]
    monkeypatch.setattr(encoded_vectors, "_BLOCK_VALUES", 4)
    for rows in (3, slice(None), slice(1, 7, 2), np.array([6, 0, 6])):
        assert np.array_equal(encoded[rows], whole[rows])


@pytest.mark.parametrize("dtype", [np.uint8, np.float16])
def test_rows_are_read_as_those_of_an_array_of_float32(dtype):
    X = np.random.default_rng(0).standard_normal((7, 3)).astype(np.float32)
    encoded = EncodedVectors.encode(X, dtype)
    whole = np.asarray(encoded)
    assert (whole.dtype, whole.shape, len(encoded), encoded.shape) == (np.float32, (7, 3), 7, (7, 3))
    for rows in (3, slice(2, 5), [1, 1, 6], np.array([0]), whole[:, 0] > 0):
        assert encoded[rows].dtype == np.float32
        assert np.array_equal(encoded[rows], whole[rows])
    assert np.asarray(encoded, np.float64).dtype == np.float64


def test_no_vectors_and_vectors_of_one_value_can_be_encoded():
    assert len(EncodedVectors.encode(np.empty((0, 3)), np.uint8)) == 0
    for value in (0.0, 7.25, -1e-20):
        same = np.full((2, 2), value, np.float32)
        assert EncodedVectors.encode(same, np.uint8)[:] == pytest.approx(same, rel=1e-6)


@pytest.mark.parametrize(
    ("stored", "scale", "offset", "message"),
    [
        (np.zeros((2, 2), np.float32), 1, 0, "dtype float32; expected uint8 or float16"),
        (np.zeros(4, np.uint8), 1, 0, r"shape \(4,\); expected \(rows, values\)"),
        (np.zeros((4, 3), np.uint8).T, 1, 0, "in C order"),
        (np.zeros((2, 2), np.uint8), np.nan, 0, "expected finite numbers"),
        (np.zeros((2, 2), np.uint8), -1, 0, "scale >= 0"),
        (np.zeros((2, 2), np.uint8), 1, np.inf, "expected finite numbers"),
        (np.zeros((2, 2), np.uint8), 1, 3e6, "2\\^20 times the scale"),
        (np.zeros((2, 2), np.uint8), 1, 1e-9, "2\\^-20"),
        (np.zeros((2, 2), np.float16), 2, 0, "of float16 they are 1 and 0"),
    ],
)
def test_what_cannot_be_decoded_exactly_is_rejected(stored, scale, offset, message):
    with pytest.raises(ValueError, match=message):
        EncodedVectors(stored, scale, offset)


def test_a_value_beyond_float16_is_rejected_and_named():
    with pytest.raises(ValueError, match="values up to 70000 do not fit float16"):
        EncodedVectors.encode(np.float32([[7e4]]), np.float16)


def test_the_stored_values_cannot_be_written_to():
    stored = np.zeros((2, 2), np.uint8)
    with pytest.raises(ValueError, match="read-only"):
        EncodedVectors(stored).stored[0, 0] = 1
    stored[0, 0] = 1  # the caller's own array stays as it was
