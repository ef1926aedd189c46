"""Vector files: the vectors and the other columns of a file of any kind."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from data_prep.arrays import Float32Array, Int64Array
from data_prep.errors import InputError
from data_prep.vectors.array_files import ArrayFile
from data_prep.vectors.cells import VectorCells, plain
from data_prep.vectors.table_files import ParquetFile, Table, first_bytes, open_table
from data_prep.vectors.text_file import TextFile
from data_prep.vectors.values import Problems
from data_prep.vectors.vector_columns import choose_vector, is_numeric


@dataclass(slots=True)
class VectorBatch:
    """Vectors of some rows: their numbers in the file, int64[n], float32[n, dim], and problems by row number."""

    rows: Int64Array
    values: Float32Array
    problems: Problems


@dataclass(slots=True)
class VectorFile:
    """A file of vectors, open for reading: the columns besides the vectors, of every row, good or bad.

    said: sentences about what was found out. index_names: columns that pandas kept as the index. problems: of rows that
    are no rows of the table, by number; their columns are null. n_all: number of rows of the file, None if only its
    first rows were read and it does not say.
    """

    path: Path
    table: pa.Table
    n_rows: int
    said: list[str]
    problems: Problems
    _source: ArrayFile | Table
    _names: list[str]
    _cells: VectorCells | None
    index_names: list[str] = field(default_factory=list)
    n_all: int | None = None

    def batches(self) -> Iterator[VectorBatch]:
        """Yield the vectors in the order of the file. Raises InputError for damage, and for what is no vector."""
        if isinstance(self._source, ArrayFile):
            first = 0
            for values, problems in self._source.batches():
                rows = np.arange(first, first + len(values), dtype=np.int64)
                yield VectorBatch(rows, values, {first + place: text for place, text in problems.items()})
                first += len(values)
            return
        assert self._cells is not None  # noqa: S101  # for mypy
        for batch in self._source.batches(self._names):
            if len(batch.rows):
                columns = [batch.columns[name] for name in self._names]
                values, problems = self._cells.read(columns, int(batch.rows[0]))
                by_row = {int(batch.rows[place]): text for place, text in problems.items()}
                yield VectorBatch(batch.rows, values, by_row | batch.problems)

    @property
    def vector_name(self) -> str:
        """The column of vectors, the first and the last of several, or the array of a .npz file."""
        if isinstance(self._source, ArrayFile):
            return self._source.name
        return self._names[0] if len(self._names) == 1 else f"{self._names[0]} to {self._names[-1]}"

    @property
    def is_text(self) -> bool:
        """Whether the columns are those of a text file, in which every value is a text."""
        return isinstance(self._source, TextFile)

    @property
    def is_headerless_birdnet(self) -> bool:
        """Whether this is a table of one recording as BirdNET-Analyzer wrote it: start, end, the vector as text."""
        source = self._source
        if not isinstance(source, TextFile) or source.has_header or self._names != source.names[2:3]:
            return False
        return len(source.names) == 3 and all(is_numeric(source.head[name]) for name in source.names[:2])

    @property
    def n_frames(self) -> set[int]:
        """Numbers of frames that were pooled, of the rows read so far."""
        return self._cells.n_frames if self._cells else set()


def open_vectors(path: Path, vector: str | None, *, pool: bool, is_part: bool = False) -> VectorFile:
    """Open a file of vectors; `vector` names its column, its array, or the prefix of its columns of one number each.

    is_part: read the other columns of the first rows only, if the file is a table. Raises InputError for a file without
    vectors, and where two columns may be meant.
    """
    first = first_bytes(path)
    if first.startswith((b"\x93NUMPY", b"PK\x03\x04", b"PK\x05\x06")):
        arrays = ArrayFile(path, vector, pool=pool)
        return VectorFile(path, arrays.columns, arrays.n_rows, arrays.said, {}, arrays, [], None, n_all=arrays.n_rows)
    source = open_table(path, is_part=is_part)
    names, reason = choose_vector(source, vector)
    others = [name for name in source.names if name not in set(names)]
    table, n_rows, problems = read_columns(source, others or names[:1], is_part=is_part)
    if not n_rows:
        raise InputError(f"{path} has no rows; expected one vector per row")
    where = f"{path}, column {names[0]!r}" if len(names) == 1 else str(path)
    cells = VectorCells(where, pool=pool, decimal_comma=source.decimal_comma)
    index_names = [] if isinstance(source, TextFile) else source.index_names
    said = [*source.said, reason]
    n_all = n_rows if not is_part else source.n_rows if isinstance(source, ParquetFile) else None
    return VectorFile(path, table.select(others), n_rows, said, problems, source, names, cells, index_names, n_all)


def read_columns(source: Table, names: list[str], *, is_part: bool = False) -> tuple[pa.Table, int, Problems]:
    """Return some columns of all rows, their number, and the problems of rows that could not be read: they are null.

    is_part: of the rows of the first batch only.
    """
    tables, rows, problems = [], [], Problems()
    for batch in islice(source.batches(names), 1 if is_part else None):
        tables.append(batch.columns.select(names))
        rows.append(batch.rows)
        problems |= batch.problems
    numbers = np.concatenate([*rows, np.empty(0, np.int64)])
    n_rows = max([int(numbers[-1]) + 1 if len(numbers) else 0, *(row + 1 for row in problems)])
    columns = {
        name: plain(pa.chunked_array([c for t in tables for c in t[name].chunks], _type(tables, name)))
        for name in names
    }
    if len(numbers) < n_rows:
        places = np.full(n_rows, -1, np.int64)
        places[numbers] = np.arange(len(numbers))
        indices = pa.array(places, mask=places < 0)
        columns = {name: column.take(indices) for name, column in columns.items()}
    return pa.table(columns), n_rows, problems


def _type(tables: list[pa.Table], name: str) -> Any:
    return tables[0].schema.field(name).type if tables else pa.null()
