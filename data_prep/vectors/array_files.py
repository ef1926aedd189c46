"""Array files, .npy and .npz: their headers, and their vectors batch by batch; nothing is unpickled."""

import math
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from data_prep.arrays import Float32Array
from data_prep.errors import InputError
from data_prep.vectors.array_headers import (
    DAMAGE,
    Header,
    one_line,
    open_member,
    read_header,
    read_headers,
    vector_arrays,
    without_ones,
)
from data_prep.vectors.values import MAX_DIM, Problems, as_features, check_dim

_NAMES = (
    "embeddings",
    "embedding",
    "vectors",
    "vector",
    "features",
    "feature",
    "x",
)  # of arrays and columns of vectors
_BATCH_BYTES = 1 << 24
_MAX_COLUMN_BYTES = 1 << 30
_SIZES = (128, 256, 320, 384, 512, 768, 1024, 1280, 1536, 2048)  # of the embeddings of common models


def by_usual_name(names: list[str]) -> str | None:
    """Return the one name, of arrays or columns, that is usual for vectors; None where none or several are."""
    usual = [name for name in names if name.rsplit(".", 1)[-1].casefold() in _NAMES]
    return usual[0] if len(usual) == 1 else None


class ArrayFile:
    """The vectors of a .npy file, or of one array of a .npz file; its other arrays of one value per row are columns.

    vector: name of an array of the .npz file; None to choose the one of two dimensions, or the one with a usual name.
    pool: whether frames are averaged. Raises InputError for a file that does not hold one vector per row.
    """

    def __init__(self, path: Path, vector: str | None, *, pool: bool) -> None:
        self.path, self.said = path, list[str]()
        self.where = str(path)
        self.columns = pa.table({})
        self._member: str | None = None
        if zipfile.is_zipfile(path):
            headers = read_headers(path)
            self._member = self._choose(headers, vector)
            self.where = f"{path}, array {self._member}"
            self._header = headers[self._member]
        else:
            if vector is not None:
                raise InputError(f"{path} holds one array without a name; leave --vector {vector} out")
            self._header = read_header(path, None)
        self._shape = self._checked_shape(pool=pool)
        self.n_rows, self.dim = self._shape[0], self._shape[-1]
        if self._member is not None:
            self._read_columns(headers)

    @property
    def name(self) -> str:
        """The name of the array in a .npz file, else that of the file."""
        return self._member or self.path.name

    def batches(self) -> Iterator[tuple[Float32Array, Problems]]:
        """Yield the vectors, float32[n, dim], and the problems of some of them, by position in the batch."""
        frames = math.prod(self._shape[1:-1])
        size = max(1, _BATCH_BYTES // max(1, frames * self.dim * 8))
        for values in self._values(size):
            vectors = values.reshape(-1, frames, self.dim).mean(axis=1, dtype=np.float64) if frames > 1 else values
            yield as_features(vectors.reshape(-1, self.dim), {})

    def _choose(self, headers: dict[str, Header], vector: str | None) -> str:
        shapes = ", ".join(f"{name} {header.shape}" for name, header in headers.items())
        if vector is not None:
            if vector not in headers:
                raise InputError(f"{self.path} has no array {vector!r}; it holds {shapes}")
            return vector
        fitting = vector_arrays(headers)
        if len(fitting) != 1:
            named = by_usual_name(fitting)
            if named is None:
                objects = ", ".join(name for name, header in headers.items() if header.dtype.hasobject)
                pickled = f" (object arrays, which are pickled, are never read: {objects})" if objects else ""
                raise InputError(
                    f"{self.path} holds {shapes}{pickled}: name the array of vectors, such as --vector NAME"
                    if len(headers) > 1 or not objects
                    else _objects(f"{self.path}, array {objects}")
                )
            fitting = [named]
        (name,) = fitting
        self.said.append(f"vectors: array {name!r} of {shapes}")
        return name

    def _checked_shape(self, *, pool: bool) -> tuple[int, ...]:
        """Return the shape: rows, frames if they are pooled, and numbers."""
        shape, dtype = self._header.shape, self._header.dtype
        if dtype.hasobject:
            raise InputError(_objects(self.where))
        if dtype.kind not in "fiu":
            raise InputError(f"{self.where} has dtype {dtype}; expected real numbers")
        if 0 in shape or len(shape) < 2:
            raise InputError(f"{self.where} has shape {shape}; expected rows and numbers, such as (1000, 512)")
        short = without_ones(shape)
        if len(short) > 2:
            if not pool:
                raise InputError(
                    f"{self.where} has shape {shape}: not one vector per row, but {math.prod(short[1:-1]):,} for each "
                    f"of {shape[0]:,} rows. Pass --pool mean to take the mean of each row's frames, or save one vector "
                    "per row"
                )
            self.said.append(f"pooled: each vector is the mean of {math.prod(short[1:-1]):,} frames, of shape {shape}")
        elif len(shape) > 2:
            self.said.append(f"shape {shape} is taken for {short[0]:,} rows of {short[1]:,} numbers")
        if short[-1] > MAX_DIM and short[0] <= MAX_DIM:
            raise InputError(
                f"{self.where} has shape {shape}, with {short[-1]:,} numbers per row, expected at most {MAX_DIM:,}: "
                "rows and columns seem to be exchanged; save the transpose, x.T"
            )
        check_dim(self.where, short[-1])
        if short[0] in _SIZES and short[-1] not in _SIZES:
            self.said.append(
                f"shape {shape} is taken for {short[0]:,} vectors; if it holds {short[-1]:,}, save the transpose, x.T"
            )
        return short

    def _read_columns(self, headers: dict[str, Header]) -> None:
        """Read the arrays of one value per row."""
        columns: dict[str, Any] = {}
        for name, header in headers.items():
            if name == self._member:
                continue
            wanted = math.prod(header.shape) * header.dtype.itemsize
            if header.shape != (self.n_rows,) or header.dtype.kind not in "fiubUSM" or wanted > _MAX_COLUMN_BYTES:
                why = "pickled" if header.dtype.hasobject else f"{header.dtype} of shape {header.shape}"
                self.said.append(f"left out: array {name!r} ({why})")
                continue
            try:
                with open_member(self.path, name) as file:
                    file.read(header.offset)
                    values = np.frombuffer(_exactly(file, wanted), header.dtype)
                if values.dtype.kind == "S":
                    values = np.char.decode(values, "utf-8")
                native = values.astype(values.dtype.newbyteorder("="))
                columns[name] = pa.array(native.tolist() if native.dtype.kind == "U" else native)
            except (*DAMAGE, pa.ArrowException) as error:
                raise InputError(f"{self.path}, array {name}, is damaged ({one_line(error)}); save it again") from None
        self.columns = pa.table(columns)

    def _values(self, size: int) -> Iterator[npt.NDArray[Any]]:
        """Yield the values of `size` rows at a time, [n, frames * dim], in the order of the axes."""
        header, row = self._header, math.prod(self._shape[1:])
        try:
            with open_member(self.path, self._member) as file:
                if header.is_fortran:
                    yield from self._transposed(file, size)
                    return
                file.read(header.offset)
                for first in range(0, self.n_rows, size):
                    n = min(size, self.n_rows - first)
                    data = _exactly(file, n * row * header.dtype.itemsize)
                    yield np.frombuffer(data, header.dtype).reshape(n, row)
        except DAMAGE as error:
            raise InputError(f"{self.where} is damaged ({one_line(error)}); copy or save it again") from None

    def _transposed(self, file: IO[bytes], size: int) -> Iterator[npt.NDArray[Any]]:
        """Yield rows of an array in Fortran order, of which a file holds column after column."""
        header, n = self._header, self.n_rows
        lead = math.prod(header.shape[: header.shape.index(n)]) if n > 1 else 1  # axes of length one
        columns, item = math.prod(self._shape[1:]), header.dtype.itemsize
        places = np.arange(columns).reshape(self._shape[1:], order="F").ravel()  # of each value in C order
        if lead != 1:
            raise ValueError(f"shape {header.shape} has axes before that of the rows")
        if self._member is not None:  # a compressed array is read from its beginning: once, as float32
            file.read(header.offset)
            whole = np.empty((n, columns), np.float32)
            with np.errstate(over="ignore"):
                for column in range(columns):
                    whole[:, column] = np.frombuffer(_exactly(file, n * item), header.dtype)
            yield from (whole[first : first + size][:, places] for first in range(0, n, size))
            return
        for first in range(0, n, size):
            rows = min(size, n - first)
            block = np.empty((rows, columns), header.dtype)
            for column in range(columns):
                file.seek(header.offset + (column * n + first) * item)
                block[:, column] = np.frombuffer(_exactly(file, rows * item), header.dtype)
            yield block[:, places]


def _objects(where: str) -> str:
    return (
        f"{where} is an array of Python objects, which NumPy stores as a pickle: it is never read, since a pickle may "
        "run any program. Save numbers, such as np.stack(list_of_vectors), with np.save; vectors of other "
        "lengths must be pooled to one length first"
    )


def _exactly(file: IO[bytes], size: int) -> bytes:
    data = file.read(size)
    if len(data) != size:
        raise EOFError(f"it ends {size - len(data):,} bytes early")
    return data
