"""Headers of array files, .npy and .npz: shape, order and dtype of each array; nothing is unpickled."""

import io
import math
import warnings
import zipfile
import zlib
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from data_prep.errors import InputError
from earshot_common.array_files import DAMAGE as DAMAGED_ARRAY

DAMAGE = (*DAMAGED_ARRAY, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError)


class Header(NamedTuple):
    """What is stored before the values of an array."""

    shape: tuple[int, ...]
    is_fortran: bool
    dtype: np.dtype[Any]
    offset: int  # of the first value


def read_headers(path: Path) -> dict[str, Header]:
    """Return the header of each array of a .npz file. Raises InputError for a file without arrays, or damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith(".npy")]
    except DAMAGE as error:
        raise InputError(f"{path} is a damaged .npz file ({one_line(error)}); save it again") from None
    if not names:
        raise InputError(
            f"{path} is a zip file without arrays; expected one that np.savez wrote (save a tensor of PyTorch, "
            "tensor.numpy(), with np.save instead)"
        )
    return {name.removesuffix(".npy"): read_header(path, name.removesuffix(".npy")) for name in names}


def read_header(path: Path, member: str | None) -> Header:
    """Return the header of an array: of a .npz file the one named `member`, of a .npy file None. Raises InputError."""
    where = str(path) if member is None else f"{path}, array {member}"
    try:
        with open_member(path, member) as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # headers as Python 2 wrote them
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, is_fortran, dtype = read(file)
            header = Header(tuple(map(int, shape)), bool(is_fortran), np.dtype(dtype), file.tell())
            size = None if member is not None else path.stat().st_size - header.offset
    except DAMAGE as error:
        raise InputError(f"{where} is not an array as np.save writes it ({one_line(error)}); save it again") from None
    wanted = math.prod(header.shape) * header.dtype.itemsize
    if size is not None and size != wanted and not header.dtype.hasobject:
        raise InputError(
            f"{where} is damaged: shape {header.shape} of {header.dtype} takes {wanted:,} bytes, the file has "
            f"{size:,}; copy or save it again"
        )
    return header


def open_member(path: Path, member: str | None) -> AbstractContextManager[IO[bytes]]:
    """Open the file of an array for reading, at its header."""
    return path.open("rb") if member is None else _Member(path, member)


def array_choices(path: Path) -> tuple[list[str], list[str]]:
    """Return the arrays of a .npz file that may be vectors, and those of one value per row; none of a .npy file."""
    if not zipfile.is_zipfile(path):
        return [], []
    headers = read_headers(path)
    return vector_arrays(headers), [name for name, h in headers.items() if len(h.shape) == 1 and not h.dtype.hasobject]


def vector_arrays(headers: dict[str, Header]) -> list[str]:
    """Return the arrays of several numbers per row."""
    return [name for name, h in headers.items() if len(without_ones(h.shape)) > 1 and h.dtype.kind in "fiu"]


def without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return a shape without axes of length one after the first: (n, 1, d) holds n vectors, and (1, d) holds one."""
    if len(shape) < 3:
        return shape
    inner = [length for length in shape[1:] if length != 1] or [1]
    return shape[0], *inner


class _Member(AbstractContextManager[IO[bytes]]):
    """An array of a .npz file, open for reading; its checksum is compared when its end is read."""

    def __init__(self, path: Path, name: str) -> None:
        self._archive = zipfile.ZipFile(path)
        self._name = f"{name}.npy"
        self._file: IO[bytes] = io.BytesIO()

    def __enter__(self) -> IO[bytes]:
        self._file = self._archive.open(self._name)
        return self._file

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._archive.close()


def one_line(error: BaseException) -> str:
    """Return an exception as one short line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:200]
