"""Arrays that callers pass, as one NumPy array: NumPy, nested lists, pandas and Arrow.

Taken are pandas DataFrames with columns of numbers, nullable and Arrow dtypes included; pandas Series, Arrow arrays and
lists that hold one vector per row; Arrow tables of numbers or with one column of vectors. pandas and pyarrow are
recognised by their methods and never imported.
"""

from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from lsh.arrays import BoolArray
from lsh.errors import NonFiniteError, ShapeError

_Array = npt.NDArray[Any]


def as_array(X: Any, name: str) -> _Array:
    """Return `X` as an array of any shape, without a copy where it is one of numbers.

    name: of X, for messages. Raises NonFiniteError naming the row of a missing value, ShapeError for a sparse matrix,
    rows of unequal length, and what is no array.
    """
    if type(X) is np.ndarray and X.dtype.kind != "O":
        return X
    if hasattr(X, "toarray"):
        raise ShapeError(f"{name} is a sparse matrix ({type(X).__name__}); expected a dense one: pass {name}.toarray()")
    if any(kind.__module__.partition(".")[0] == "pyarrow" for kind in type(X).__mro__):
        return _from_arrow(X, name)
    if hasattr(X, "iloc"):
        return _from_frame(X, name) if X.ndim == 2 else _from_series(X, name)
    return _from_numpy(X, name)


def _from_numpy(X: Any, name: str) -> _Array:
    """Return a NumPy array, a nested list, or what converts itself to an array."""
    if isinstance(X, np.ma.MaskedArray):
        _check_present(np.ma.getmaskarray(X), name)
    if isinstance(X, list | tuple) and any(isinstance(row, np.ma.MaskedArray) for row in X):
        return _from_rows(X, name)  # NumPy would drop their masks
    try:
        array: _Array = np.asarray(X)
    except ValueError as error:
        if not isinstance(X, Sequence):
            raise ShapeError(f"{name} is not a rectangular array ({error}); expected rows of equal length") from error
        return _from_rows(X, name)
    except (TypeError, RuntimeError) as error:
        raise ShapeError(f"{name} cannot be read as an array ({error}); expected a NumPy array") from error
    if array.dtype.kind == "O" and (array.ndim == 1 or (array.ndim > 1 and isinstance(X, list | tuple))):
        return _from_rows(X if isinstance(X, list | tuple) else array, name)
    if array.dtype.kind == "O" and array.ndim > 1:
        _check_present(_missing(array), name)
    return array


def refuse_dtype(dtype: object, name: str, column: object = None) -> NoReturn:
    """Raise ShapeError for a dtype that is not one of real numbers."""
    where = "" if column is None else f" in column {column!r:.80}"
    raise ShapeError(f"{name} has dtype {dtype}{where}; expected real numbers: convert it to float32")


def _from_rows(rows: Sequence[Any] | _Array, name: str) -> _Array:
    """Return one array of vectors given one by one, as in a list of arrays; or one of numbers given one by one."""
    if not any(map(_is_vector, rows)):
        array = np.array(rows, object)
        _check_present(_missing(array), name)
        return array.astype(np.float64) if all(map(_is_number, rows)) else array
    vectors: list[_Array] = []
    for i, row in enumerate(rows):
        if _is_missing(row):
            raise NonFiniteError(f"{name} has no vector at row {i}; expected one in every row: drop that row")
        vector = as_array(row, f"row {i} of {name}") if _is_vector(row) else np.array(None, object)
        if vector.dtype.kind not in "fiu":
            refuse_dtype(vector.dtype, name)
        if vectors and vector.shape != vectors[0].shape:
            raise ShapeError(_unequal(name, i, vector.shape, vectors[0].shape))
        vectors.append(vector)
    return np.stack(vectors)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def _is_vector(row: object) -> bool:
    sized = hasattr(row, "__len__") or hasattr(row, "__array__") or hasattr(row, "toarray")
    return sized and not isinstance(row, str | bytes | np.generic)


def _from_frame(X: Any, name: str) -> _Array:
    """Return the numbers of a pandas DataFrame; of one with a single column of objects, its vectors."""
    if X.shape[1] == 1 and X.dtypes.iloc[0].kind == "O":
        vectors = _from_series(X.iloc[:, 0], name)
        if vectors.ndim > 1:
            return vectors
    for column, dtype in zip(X.columns, X.dtypes, strict=True):
        if dtype.kind not in "fiu":
            refuse_dtype(dtype, name, column)
    nullable = [hasattr(dtype, "numpy_dtype") for dtype in X.dtypes]
    if any(nullable):
        columns = np.flatnonzero(nullable)
        _check_present(X.iloc[:, columns].isna().to_numpy(), name, X.columns[columns])
    return np.asarray(X.to_numpy(np.result_type(*set(map(_numpy_dtype, X.dtypes))) if nullable else None))


def _from_series(X: Any, name: str) -> _Array:
    """Return the vectors of a pandas Series, or its numbers."""
    if hasattr(X.dtype, "pyarrow_dtype"):
        return _from_arrow(X.array.__arrow_array__(), name)
    if X.dtype.kind == "O":
        return _from_rows(X.to_numpy(), name)
    if hasattr(X.dtype, "numpy_dtype"):
        _check_present(X.isna().to_numpy(), name)
    return np.asarray(X.to_numpy(_numpy_dtype(X.dtype)))


def _numpy_dtype(dtype: Any) -> np.dtype[Any]:
    """Return the dtype of the numbers of a pandas column, which may be nullable or sparse."""
    found: np.dtype[Any] = np.dtype(getattr(dtype, "numpy_dtype", getattr(dtype, "subtype", dtype)))
    return found


def _from_arrow(X: Any, name: str) -> _Array:
    """Return the numbers of an Arrow array, chunked array, table or scalar; of lists, one vector per list."""
    if hasattr(X, "as_py"):
        return as_array(X.as_py() if getattr(X, "values", None) is None else X.values, name)
    if hasattr(X, "column_names"):
        return _from_table(X, name)
    parts: list[_Array] = []
    for chunk in filter(len, getattr(X, "chunks", [X])):
        parts.append(_from_arrow_array(chunk, name, sum(map(len, parts))))
        if parts[-1].shape[1:] != parts[0].shape[1:]:
            row = sum(map(len, parts[:-1]))
            raise ShapeError(_unequal(name, row, parts[-1].shape[1:], parts[0].shape[1:]))
    if not parts:
        return np.empty((0, getattr(X.type, "list_size", 0)), np.float32)
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _from_table(X: Any, name: str) -> _Array:
    if X.num_columns == 1:
        column = _from_arrow(X.column(0), name)
        return column if column.ndim > 1 else column[:, None]
    columns = [
        _from_arrow(column, f"column {title!r:.80} of {name}")
        for title, column in zip(X.column_names, X.columns, strict=True)
    ]
    for title, column in zip(X.column_names, columns, strict=True):
        if column.ndim != 1:
            raise ShapeError(f"{name} has a column of lists, {title!r:.80}, among others; pass that column alone")
        if column.dtype.kind not in "fiu":
            refuse_dtype(column.dtype, name, title)
    return np.stack(columns, axis=1) if columns else np.empty((len(X), 0), np.float32)


def _from_arrow_array(X: Any, name: str, first: int) -> _Array:
    """Return the numbers or vectors of an Arrow array; `first` is the number of its first row, for messages."""
    X = getattr(X, "storage", X)  # of an extension type
    if hasattr(X, "dictionary_decode"):
        X = X.dictionary_decode()
    is_list = hasattr(X, "flatten") and hasattr(X.type, "value_type")
    if X.null_count:
        row = first + int(np.argmax(X.is_null().to_numpy(zero_copy_only=False)))
        what = "vector" if is_list else "value"
        raise NonFiniteError(f"{name} has no {what} at row {row}; expected one in every row: drop that row")
    if not is_list:
        return np.asarray(X.to_numpy(zero_copy_only=False))
    width = getattr(X.type, "list_size", None)
    if width is None:
        lengths = X.value_lengths().to_numpy(zero_copy_only=False)
        width = int(lengths[0]) if len(lengths) else 0
        if (lengths != width).any():
            row = int(np.argmax(lengths != width))
            raise ShapeError(_unequal(name, first + row, (int(lengths[row]),), (width,)))
    values = X.flatten()
    if values.null_count:
        row, column = divmod(int(np.argmax(values.is_null().to_numpy(zero_copy_only=False))), width)
        raise NonFiniteError(
            f"{name} has no value at row {first + row}, column {column}; expected numbers: drop or repair that row"
        )
    numbers = _from_arrow_array(values, name, first)
    return numbers.reshape(len(X), width, *numbers.shape[1:])


def _unequal(name: str, row: int, found: tuple[int, ...], expected: tuple[int, ...]) -> str:
    there, before = (f"{shape[0]:,} numbers" if len(shape) == 1 else f"shape {shape}" for shape in (found, expected))
    return (
        f"{name} is not a rectangular array, but objects: row {row} has {there}, those before it {before}; expected "
        "rows of equal length, which np.stack makes one array"
    )


def _missing(array: _Array) -> BoolArray:
    return np.array([_is_missing(it) for it in array.ravel()], np.bool_).reshape(array.shape)


def _is_missing(value: Any) -> bool:
    """Return whether an object stands for a missing value: None, NaN, pandas' NA, or a null of Arrow."""
    if isinstance(value, float):
        return value != value  # noqa: PLR0124  # NaN
    return value is None or type(value).__name__ in {"NAType", "NaTType"} or getattr(value, "is_valid", True) is False


def _check_present(missing: BoolArray, name: str, columns: Sequence[Any] | None = None) -> None:
    if missing.any():
        place, *rest = np.argwhere(missing)[0].tolist()
        column = rest and (rest[0] if columns is None else columns[rest[0]])
        where = f"row {place}, column {column!r:.80}" if rest else f"position {place}"
        raise NonFiniteError(f"{name} has no value at {where}; expected numbers: drop or repair that row")
