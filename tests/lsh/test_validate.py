"""Validation of arrays and numbers."""

import tracemalloc

import numpy as np
import pytest

import lsh.validate
from lsh import validate
from lsh.errors import LSHError, NonFiniteError, ParameterError, ScaleError, ShapeError

X = np.float32([[1, 2, 3], [4, 5, 6]])


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


SAME_VALUES = {
    "float64": X.astype(np.float64),
    "float16": X.astype(np.float16),
    "longdouble": X.astype(np.longdouble),
    "uint8": X.astype(np.uint8),
    "int8": X.astype(np.int8),
    "int64": X.astype(np.int64),
    "uint64": X.astype(np.uint64),
    "big-endian": X.astype(">f4"),
    "big-endian double": X.astype(">f8"),
    "Fortran order": np.asfortranarray(X),
    "negative strides": np.ascontiguousarray(X[::-1, ::-1])[::-1, ::-1],
    "every second column": np.repeat(X, 2, axis=1)[:, ::2],
    "read-only": read_only(X),
    "lists": X.tolist(),
    "tuples": tuple(map(tuple, X.tolist())),
}


@pytest.mark.parametrize("kind", SAME_VALUES)
def test_any_real_array_of_the_same_values_becomes_the_same_float32_matrix(kind):
    found = validate.matrix(SAME_VALUES[kind], "X")
    assert found.dtype == np.dtype("<f4")
    assert found.flags.c_contiguous
    assert np.array_equal(found, X)


@pytest.mark.parametrize("kind", ["float32", "read-only"])
def test_contiguous_float32_is_not_copied(kind):
    given = X if kind == "float32" else read_only(X)
    assert validate.matrix(given, "X") is given


@pytest.mark.parametrize(
    "given",
    [
        X > 2,
        X.astype(np.complex64),
        X.astype(object),
        X.astype(str),
        X.astype(bytes),
        X.astype("datetime64[s]"),
        [["a", "b"]],
        None,
    ],
    ids=["bool", "complex", "object", "str", "bytes", "time", "words", "None"],
)
def test_other_than_real_numbers_are_refused_with_their_dtype(given):
    with pytest.raises(ShapeError, match=r"X has dtype .*; expected real numbers"):
        validate.matrix(given, "X")


def test_rows_of_unequal_length_are_refused():
    with pytest.raises(ShapeError, match="X is not a rectangular array"):
        validate.matrix([[1, 2], [3]], "X")


@pytest.mark.parametrize("shape", [(), (3,), (2, 3, 1)])
def test_other_than_two_dimensions_are_refused_with_their_shape(shape):
    with pytest.raises(ShapeError, match=r"X has shape .*; expected two dimensions"):
        validate.matrix(np.zeros(shape), "X")


def test_the_error_for_a_single_vector_says_how_to_pass_it():
    with pytest.raises(ShapeError, match=r"pass q\[None, :\]"):
        validate.matrix([1.0, 2.0], "Q")


def test_rows_without_features_are_refused():
    with pytest.raises(ShapeError, match=r"\(4, 0\); expected at least one feature"):
        validate.matrix(np.empty((4, 0)), "X")


def test_a_wrong_dimension_is_refused_with_both_dimensions():
    with pytest.raises(ShapeError, match="Q has 3 features per row; the indexed vectors have 2"):
        validate.matrix(X, "Q", 2)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_value_that_is_not_finite_is_refused_with_its_row_and_column(value, dtype, monkeypatch):
    monkeypatch.setattr(lsh.validate, "_CHECK_ROWS", 4)
    given = np.ones((10, 3), dtype)
    given[9, 1] = value
    given[8, 2] = value
    with pytest.raises(NonFiniteError, match=f"X holds {value} at row 8, column 2"):
        validate.matrix(given, "X")


@pytest.mark.parametrize("value", [1.1e18, -1e30, 1e300])
def test_values_whose_squares_overflow_are_refused_with_their_place(value, monkeypatch):
    monkeypatch.setattr(lsh.validate, "_CHECK_ROWS", 4)
    given = np.ones((10, 3))
    given[5, 2] = value
    with pytest.raises(ScaleError, match=r"at row 5, column 2; expected values within .*divide the data"):
        validate.matrix(given, "X")


def test_integers_too_large_to_square_are_refused():
    with pytest.raises(ScaleError, match="at row 0, column 0"):
        validate.matrix(np.array([[2**63 + 1]], np.uint64), "X")


@pytest.mark.parametrize("value", [1e-50, 5e-324])
def test_a_row_that_becomes_zero_only_in_float32_is_refused(value):
    with pytest.raises(ScaleError, match=r"X row 1 is not zero but becomes so in float32.*multiply the data"):
        validate.matrix([[0.0, 0.0], [0.0, value]], "X")


@pytest.mark.parametrize("value", [1e-19, 1e-30, 1e-44])
def test_a_row_too_short_to_square_is_refused_with_its_length(value):
    with pytest.raises(ScaleError, match=r"X row 1 has length .*multiply the data"):
        validate.norms(np.float32([[0, 0], [0, value]]), "X")


def test_a_row_so_long_that_a_squared_distance_overflows_is_refused():
    long = np.full((2, 128), 1e18, np.float32)
    with pytest.raises(ScaleError, match=r"X row 0 has length 1\.1.*e\+19; expected at most 4e\+18: divide"):
        validate.norms(long, "X")


def test_norms_are_those_of_float64(monkeypatch):
    monkeypatch.setattr(lsh.validate, "_CHECK_ROWS", 4)
    rows = np.random.default_rng(0).standard_normal((11, 7)).astype(np.float32) * 1e15
    expected = np.sqrt((rows.astype(np.float64) ** 2).sum(axis=1))
    assert np.allclose(validate.norms(rows, "X"), expected, rtol=7 * np.finfo(np.float64).eps, atol=0)


def test_measuring_without_queries_is_refused():
    with pytest.raises(ShapeError, match="Q has no rows; expected at least one query"):
        validate.queries(np.empty((0, 3)), 3)


@pytest.mark.parametrize("value", [1, 7, np.int64(3), np.uint8(5)])
def test_a_whole_number_in_range_is_returned_as_int(value):
    assert type(validate.integer(value, "k", 1, 7)) is int


@pytest.mark.parametrize("value", [0, 8, -1, 3.0, np.float64(3), "3", None, True, np.True_, 1 + 0j, [3]])
def test_any_other_number_is_refused_with_the_range(value):
    with pytest.raises(ParameterError, match=r"k is .*; expected a whole number from 1 to 7"):
        validate.integer(value, "k", 1, 7)


@pytest.mark.parametrize("value", [1, 0.5, np.float32(2), 1e-300])
def test_a_number_above_zero_is_returned_as_float(value):
    assert validate.positive(value, "w") == float(value)


@pytest.mark.parametrize(
    "value",
    [0, -1.0, np.nan, np.inf, -np.inf, "1", None, True, [1.0], np.complex64(1), pytest.param(10**400, id="huge")],
)
def test_a_number_not_above_zero_is_refused(value):
    with pytest.raises(ParameterError, match=r"w is .*; expected a number above 0"):
        validate.positive(value, "w")


def test_every_error_is_an_lsh_error_and_a_value_error():
    for error in (NonFiniteError, ParameterError, ScaleError, ShapeError):
        assert issubclass(error, LSHError)
        assert issubclass(error, ValueError)


def test_norms_of_many_vectors_take_little_memory_beside_them():
    X = np.ones((50_000, 128), np.float32)
    tracemalloc.start()
    try:
        validate.norms(X, "X")
        assert tracemalloc.get_traced_memory()[1] < X.nbytes / 2
    finally:
        tracemalloc.stop()
