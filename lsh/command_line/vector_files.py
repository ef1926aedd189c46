"""Files of vectors: `.npy`, `.fvecs`, `.bvecs`, `.ivecs`, Parquet columns, and the HDF5 files of ann-benchmarks."""

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from earshot_common.array_files import map_array
from lsh.array_input import as_array
from lsh.errors import ParameterError, ShapeError

_VECS = {".fvecs": np.float32, ".bvecs": np.uint8, ".ivecs": np.int32}
_PARQUET, _HDF5 = (".parquet", ".pq"), (".hdf5", ".h5")
SUFFIXES = (".npy", *_VECS, *_PARQUET, *_HDF5)
METRIC_OF = {"angular": "cosine", "cosine": "cosine", "euclidean": "euclidean"}  # by the name that ann-benchmarks has
_DIM_BYTES = 4  # of the number of values, which precedes each vector of a .fvecs file


def read(path: Path, columns: Sequence[str], usual: str) -> npt.NDArray[Any]:
    """Return the vectors in a file, [n, d] of its own dtype, mapped where it is a .npy file.

    columns: of a Parquet file, one with a vector per row or several with numbers, by default all; of an HDF5 file, the
    name of its dataset, by default `usual`. Raises ParameterError for a file that cannot be read, ShapeError for
    vectors of unequal length.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ParameterError(f"{path} has no known ending; expected one of {', '.join(SUFFIXES)}")
    if columns and suffix not in (*_PARQUET, *_HDF5):
        raise ParameterError(
            f"--column does not go with {path}: leave it out, since only Parquet and HDF5 have columns"
        )
    try:
        if suffix == ".npy":
            return map_array(path)
        if suffix in _VECS:
            return _vecs(path, np.dtype(_VECS[suffix]))
        if suffix in _PARQUET:
            return _parquet(path, columns)
        with _hdf5(path) as file:
            return np.asarray(_dataset(file, path, columns[0] if columns else usual))
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, ParameterError | ShapeError):
            raise
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise ParameterError(f"cannot read {path} ({reason}); expected a complete {suffix} file") from error


def metric_of(path: Path) -> str | None:
    """Return the distance that an HDF5 file of ann-benchmarks names; None for other files."""
    if path.suffix.lower() not in _HDF5:
        return None
    try:
        with _hdf5(path) as file:
            name = file.attrs.get("distance")
    except OSError as error:
        raise ParameterError(f"cannot read {path} ({str(error).splitlines()[0]}); expected an HDF5 file") from error
    name = name.decode() if isinstance(name, bytes) else name
    if name is not None and name not in METRIC_OF:
        known = ", ".join(METRIC_OF)
        raise ParameterError(f"{path} is for the distance {name!r:.40}; expected one of {known}, or give --metric")
    return None if name is None else METRIC_OF[name]


def _vecs(path: Path, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    size = path.stat().st_size
    if size < _DIM_BYTES:
        raise ShapeError(f"{path} has {size} bytes; expected one vector at least")
    data = np.memmap(path, np.uint8, "r")
    dim = int(data[:_DIM_BYTES].view("<i4")[0])
    row_bytes = _DIM_BYTES + dim * dtype.itemsize
    if dim < 1 or size % row_bytes:
        raise ShapeError(
            f"{path} begins with a vector of {dim} values, and its {size} bytes are no multiple of {row_bytes}; "
            "expected vectors of equal length, each behind their number of values as int32"
        )
    rows = data.reshape(-1, row_bytes)
    dims = np.ascontiguousarray(rows[:, :_DIM_BYTES]).view("<i4")[:, 0]
    if (dims != dim).any():
        row = int((dims != dim).argmax())
        raise ShapeError(
            f"{path} has {dims[row]} values in row {row} and {dim} in row 0; expected vectors of equal length"
        )
    return np.ascontiguousarray(rows[:, _DIM_BYTES:]).view(dtype.newbyteorder("<"))


def _parquet(path: Path, columns: Sequence[str]) -> npt.NDArray[Any]:
    from pyarrow import parquet

    names = parquet.read_schema(path).names
    if unknown := [name for name in columns if name not in names]:
        raise ParameterError(f"{path} has no column {unknown[0]!r}; expected one of {', '.join(names)[:200]}")
    return as_array(parquet.read_table(path, columns=list(columns) or None), str(path))


def _hdf5(path: Path) -> Any:
    try:
        h5py = importlib.import_module("h5py")
    except ModuleNotFoundError as error:
        raise ParameterError(f"reading {path} needs h5py: pip install h5py, or convert it to .npy") from error
    return h5py.File(path, "r")


def _dataset(file: Any, path: Path, name: str) -> Any:
    if name not in file:
        raise ParameterError(f"{path} has no dataset {name!r}; expected one of {', '.join(file)[:200]}: give --column")
    return file[name]
