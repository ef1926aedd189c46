"""Memory-mapped .npy files whose header and size must be exactly the expected ones."""

import io
import os
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from data_prep.errors import DatasetError

Array = TypeVar("Array", bound=npt.NDArray[Any])


def npy_header(dtype: npt.DTypeLike, shape: tuple[int, ...]) -> bytes:
    """Return the header of a C-ordered .npy file of this type and shape, as np.save writes it."""
    header = io.BytesIO()
    fields = {"descr": np.lib.format.dtype_to_descr(np.dtype(dtype)), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(header, fields)
    return header.getvalue()


def open_npy(path: Path, dtype: npt.DTypeLike, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Open a .npy file as a read-only memory map; DatasetError unless it has exactly this type and shape.

    The file's header is not parsed: it must equal the expected one, and so must the file's size.
    """
    header = npy_header(dtype, shape)
    wanted = len(header) + int(np.prod(shape, dtype=object)) * np.dtype(dtype).itemsize
    try:
        with path.open("rb") as file:  # opened once: the path may be replaced meanwhile
            size = os.fstat(file.fileno()).st_size
            if file.read(len(header)) != header or size != wanted:
                raise DatasetError(
                    f"{path} is not the array its manifest describes: expected {np.dtype(dtype)} of shape {shape} "
                    f"in {wanted:,} bytes, the file has {size:,}; prepare the dataset again"
                )
            if 0 in shape:
                return read_only(np.empty(shape, dtype))  # an empty file cannot be mapped
            return np.memmap(file, dtype=dtype, mode="r", offset=len(header), shape=shape)
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror}; prepare the dataset again") from error


def read_only(array: Array) -> Array:
    """Mark an array as read-only, and return it."""
    array.flags.writeable = False
    return array
