"""Parts of a collection: rows of a mapped file, .npy or Parquet files, or blocks of a Dask array."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np

from earshot_common.array_files import map_array
from earshot_common.encoded_vectors import EncodedVectors
from lsh.arrays import StoredVectors
from lsh.errors import LSHError, ParameterError, ShapeError
from lsh.exact import ExactSearch

_READABLE = "expected a file that every worker can read at this path"


@dataclass(frozen=True, slots=True)
class FilePart:
    """Rows first to last (None: to the end) of a .npy file, or all of a Parquet file.

    scale: (scale, offset) of `EncodedVectors`; None for an array of numbers.
    """

    path: str
    first: int = 0
    last: int | None = None
    scale: tuple[float, float] | None = None

    def read(self) -> Any:
        """Return the vectors, mapped where the file is a .npy file."""
        try:
            if self.path.endswith(".npy"):
                rows = map_array(self.path)[self.first : self.last]
            else:
                from pyarrow import parquet

                return parquet.read_table(self.path)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ParameterError(f"cannot read {self.path} ({reason}); {_READABLE}") from error
        return rows if self.scale is None else EncodedVectors(rows, *self.scale)

    def __str__(self) -> str:
        """Return the file, and the rows where they are not all."""
        return self.path if self.last is None else f"{self.path}, rows {self.first:,} to {self.last - 1:,}"


def divided(vectors: Any, n_parts: int) -> list[Any]:
    """Return the parts of what `DistributedIndex.fit` takes: a list of `FilePart` and of Dask's delayed values.

    Vectors that are mapped from one file are divided into `n_parts`, or as many as there are rows.
    """
    if hasattr(vectors, "to_delayed"):
        if getattr(vectors, "ndim", 0) == 2 and hasattr(vectors, "rechunk"):
            vectors = vectors.rechunk({1: -1})
        return list(np.ravel(vectors.to_delayed()))
    if isinstance(vectors, np.ndarray | EncodedVectors):
        return _of_mapped(vectors, n_parts)
    if isinstance(vectors, str | PathLike) or not isinstance(vectors, Sequence) or not vectors:
        raise ParameterError(
            f"parts is {_short(vectors)}; expected a list of paths, vectors mapped from a .npy file, or a Dask array"
        )
    return [_of_path(part) if isinstance(part, str | PathLike) else part for part in vectors]


def opened(part: Any, number: int, metric: str) -> ExactSearch:
    """Return exact search over a part; errors carry a note that says which part it is."""
    try:
        return ExactSearch(part.read() if isinstance(part, FilePart) else part, metric)
    except LSHError as error:
        where = f" ({part})" if isinstance(part, FilePart) else ""
        error.add_note(f"X is part {number}{where}; its rows are counted from its first")
        raise


def _of_path(path: str | PathLike[str]) -> FilePart:
    text = str(Path(fspath(path)).absolute())
    if not text.endswith((".npy", ".parquet")):
        raise ParameterError(f"{text} is no part; expected a file whose name ends with .npy or .parquet")
    return FilePart(text)


def _of_mapped(vectors: StoredVectors, n_parts: int) -> list[FilePart]:
    """Return parts of vectors that are the whole of one .npy file, which workers map anew."""
    stored, scale = (vectors, None) if isinstance(vectors, np.ndarray) else (vectors.stored, _scale_of(vectors))
    filename = getattr(stored, "filename", None)
    if filename is None:
        raise ParameterError(
            "parts is an array in this process's memory; expected one that is mapped from a .npy file "
            "(numpy.load(path, mmap_mode='r')), or dask.array.from_array(X, chunks=(rows, -1))"
        )
    path = str(Path(filename).absolute())
    whole = map_array(path)
    if whole.shape != stored.shape or whole.dtype != stored.dtype:
        raise ShapeError(
            f"parts are {stored.dtype}{list(stored.shape)} of {path}, which holds {whole.dtype}{list(whole.shape)}: "
            "pass the whole array"
        )
    bounds = np.linspace(0, len(stored), max(min(n_parts, len(stored)), 1) + 1).round().astype(int).tolist()
    return [FilePart(path, first, last, scale) for first, last in pairwise(bounds)]


def _scale_of(vectors: EncodedVectors) -> tuple[float, float]:
    return float(vectors.scale), float(vectors.offset)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) < 80 else f"{text[:77]}..."
