"""Array types, named by dtype (docstrings give the shapes), and read-only arrays."""

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from earshot_common.encoded_vectors import EncodedVectors

BoolArray = npt.NDArray[np.bool_]
Float32Array = npt.NDArray[np.float32]
Float64Array = npt.NDArray[np.float64]
Int16Array = npt.NDArray[np.int16]
Int32Array = npt.NDArray[np.int32]
Int64Array = npt.NDArray[np.int64]
UInt8Array = npt.NDArray[np.uint8]
UInt16Array = npt.NDArray[np.uint16]
UInt32Array = npt.NDArray[np.uint32]
UInt64Array = npt.NDArray[np.uint64]
StoredVectors = Float32Array | EncodedVectors  # float32[n, d], or encoded; both give float32 rows when indexed


class Rows(Protocol):
    """Vectors, float32[n, d], that are read by their rows: `StoredVectors`, or those of several machines."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Return (n, d)."""

    def __len__(self) -> int:
        """Return n."""

    def __getitem__(self, rows: Int64Array, /) -> Float32Array:
        """Return some rows: int64[m] -> float32[m, d]."""


def read_only(*arrays: npt.NDArray[Any]) -> None:
    """Protect arrays from being written to. Kernels are compiled for read-only index arrays, and anew for others."""
    for array in arrays:
        array.flags.writeable = False
