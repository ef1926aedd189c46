"""Validation of arguments: arrays and numbers that callers pass to the package."""

import contextlib
import math
from collections.abc import Sequence
from numbers import Integral

import numpy as np
import numpy.typing as npt

from earshot_common.encoded_vectors import EncodedVectors
from lsh.array_input import as_array, refuse_dtype
from lsh.arrays import Float32Array, Float64Array, Int64Array, StoredVectors
from lsh.errors import NonFiniteError, ParameterError, ScaleError, ShapeError

METRICS = ("cosine", "euclidean")
_CHECK_ROWS = 4_096  # rows checked at a time, so that a mapped file is not read into memory as a whole
MAX_VALUE = 1e18  # squares of larger values overflow float32
_MAX_NORM = 4e18  # the squared distance of two longer vectors may overflow float32
MIN_NORM = 1e-18  # squares of smaller values vanish in float32


def matrix(X: npt.ArrayLike, name: str, dim: int | None = None) -> Float32Array:
    """Return `X` as float32[n, d] in C order, finite; no copy is made when it already is that.

    Any real dtype is accepted (float64, float16, integers, non-contiguous views), pandas and Arrow (see `array_input`),
    and an axis of length one between rows and features. Raises ShapeError, NonFiniteError or ScaleError.
    """
    array = as_array(X, name)
    if array.dtype.kind not in "fiu":
        refuse_dtype(array.dtype, name)
    if array.ndim == 3 and array.shape[1] == 1:  # the axis of a batch of one, kept in each row
        array = array[:, 0]
    if array.ndim != 2:
        hint = "; for a single vector pass q[None, :]" if array.ndim == 1 else ""
        raise ShapeError(f"{name} has shape {array.shape}; expected two dimensions (rows, features){hint}")
    if array.shape[1] == 0:
        raise ShapeError(f"{name} has shape {array.shape}; expected at least one feature per row")
    if dim is not None and array.shape[1] != dim:
        raise ShapeError(f"{name} has {array.shape[1]} features per row; the indexed vectors have {dim}")
    _check_all_values(array, name)
    return np.ascontiguousarray(array, dtype=np.float32)


def vectors(X: npt.ArrayLike, name: str) -> StoredVectors:
    """Return `X` as `matrix` does, or `EncodedVectors` as they are, with the same checks."""
    if not isinstance(X, EncodedVectors):
        return matrix(X, name)
    if X.shape[1] == 0:
        raise ShapeError(f"{name} has shape {X.shape}; expected at least one feature per row")
    _check_all_values(X, name)
    return X


def queries(Q: npt.ArrayLike, dim: int) -> Float32Array:
    """Return `Q` as `matrix` does; raise ShapeError if it has no rows."""
    vectors = matrix(Q, "Q", dim)
    if not len(vectors):
        raise ShapeError("Q has no rows; expected at least one query to measure with")
    return vectors


def _check_all_values(X: npt.NDArray[np.generic] | EncodedVectors, name: str) -> None:
    for start in range(0, len(X), _CHECK_ROWS):
        _check_values(X[start : start + _CHECK_ROWS], name, start)


def _check_values(block: npt.NDArray[np.generic], name: str, first_row: int) -> None:
    """Raise NonFiniteError or ScaleError for NaN, infinity, and values that float32 cannot square."""
    finite = np.isfinite(block)
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        raise NonFiniteError(
            f"{name} holds {block[row, column]} at row {first_row + row}, column {column}; "
            "expected finite numbers: drop or repair that row"
        )
    if not block.size:
        return
    largest = max(abs(float(block.max())), abs(float(block.min())))
    if largest > MAX_VALUE:
        row, column = np.unravel_index(int(np.abs(block.astype(np.float64)).argmax()), block.shape)
        raise ScaleError(
            f"{name} holds {block[row, column]} at row {first_row + row}, column {column}; "
            f"expected values within ±{MAX_VALUE:g}: divide the data by a constant"
        )
    if block.dtype.itemsize > np.dtype(np.float32).itemsize:
        lost = (block != 0).any(axis=1) & (block.astype(np.float32) == 0).all(axis=1)
        if lost.any():
            raise ScaleError(
                f"{name} row {first_row + int(lost.argmax())} is not zero but becomes so in float32; expected 0 or "
                f"a length of at least {MIN_NORM:g}: multiply the data by a constant"
            )


def norms(X: StoredVectors, name: str) -> Float64Array:
    """Return the Euclidean norm of each row, float64[n]; raise ScaleError for one that float32 arithmetic loses."""
    length = np.empty(len(X), np.float64)
    for start in range(0, len(X), _CHECK_ROWS):
        block = X[start : start + _CHECK_ROWS].astype(np.float64)
        length[start : start + _CHECK_ROWS] = np.sqrt(np.einsum("ij,ij->i", block, block))
    vanishing = (length > 0) & (length < MIN_NORM)
    if vanishing.any():
        row = int(vanishing.argmax())
        raise ScaleError(
            f"{name} row {row} has length {length[row]:g}; expected 0 or at least {MIN_NORM:g}: "
            "multiply the data by a constant"
        )
    if (length > _MAX_NORM).any():
        row = int((length > _MAX_NORM).argmax())
        raise ScaleError(
            f"{name} row {row} has length {length[row]:g}; expected at most {_MAX_NORM:g}: "
            "divide the data by a constant"
        )
    return length


def integer(value: object, name: str, low: int, high: int) -> int:
    """Return `value` as int if it is a whole number in [low, high]."""
    if type(value) is int and low <= value <= high:  # the usual case, without slower checks
        return value
    if isinstance(value, bool) or not isinstance(value, Integral) or not low <= int(value) <= high:
        raise ParameterError(f"{name} is {value!r}; expected a whole number from {low} to {high}")
    return int(value)


def rows(ids: npt.ArrayLike, n: int) -> Int64Array:
    """Return ids of an index of n vectors as row numbers, int64[m]; raise ShapeError for what they are not."""
    numbers = np.asarray(ids)
    if numbers.ndim != 1 or (numbers.size and numbers.dtype.kind not in "iu"):
        raise ShapeError(f"ids have shape {numbers.shape} and dtype {numbers.dtype}; expected a list of row numbers")
    if numbers.size and not (numbers.min() >= 0 and numbers.max() < n):
        raise ShapeError(f"ids run from {numbers.min()} to {numbers.max()}; expected rows 0 to {n - 1}")
    return numbers.astype(np.int64)


def positive(value: object, name: str, high: float = math.inf) -> float:
    """Return `value` as float if it is a finite number above 0, and at most `high`."""
    number = math.nan
    if isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool):
        with contextlib.suppress(OverflowError):  # an integer too large for a float
            number = float(value)
    if not 0 < number <= high or number == math.inf:
        limit = "" if high == math.inf else f", at most {high:g}"
        raise ParameterError(f"{name} is {value!r}; expected a number above 0{limit}")
    return number


def radius(value: object) -> float:
    """Return `value` as float, at most the largest number of float32, if it is a finite number from 0."""
    if isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool) and value == 0:
        return 0.0
    return min(positive(value, "radius"), float(np.finfo(np.float32).max))


def choice(value: str, name: str, allowed: Sequence[str]) -> str:
    """Return `value` if it is one of `allowed`."""
    if value not in allowed:
        raise ParameterError(f"{name} is {value!r}; expected one of {', '.join(map(repr, allowed))}")
    return value
