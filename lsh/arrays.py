"""Array types, named by dtype (docstrings give the shapes), read-only arrays, and collections of vectors."""

from collections.abc import Callable
from dataclasses import fields, is_dataclass
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


class Collection(Protocol):
    """Vectors of which an index is built: those of one `ExactSearch`, or those of several, each a part of the rows.

    What is learned from vectors is written by these methods alone, so that it is the same for any division into parts.
    """

    metric: str

    @property
    def X(self) -> Rows:  # noqa: N802
        """Return the vectors, to read some of their rows."""

    def search(self, Q: npt.ArrayLike, k: int = 10) -> Any:
        """Return the exact answer, a `SearchResult` (see `ExactSearch.search`)."""

    def map(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Return `function(exact, *arguments)` of every part; a result may be passed on as an argument."""

    def fold(self, step: Callable[..., Any], initial: Any, *arguments: Any) -> Any:
        """Return the last state after `state = step(state, exact, *arguments)` of every part, in order of the rows.

        `step` returns a new state and leaves the old one as it is.
        """


def read_only(*arrays: npt.NDArray[Any]) -> None:
    """Protect arrays from being written to. Kernels are compiled for read-only index arrays, and anew for others."""
    for array in arrays:
        array.flags.writeable = False


def read_only_parts(value: object) -> None:
    """Protect all arrays in tuples and dataclasses, however deep: those of an unpickled index can be written to."""
    if isinstance(value, np.ndarray):
        read_only(value)
    elif isinstance(value, tuple):
        for item in value:
            read_only_parts(item)
    elif is_dataclass(value):
        for field in fields(value):
            read_only_parts(getattr(value, field.name))
