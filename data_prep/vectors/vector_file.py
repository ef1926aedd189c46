"""Vector files: which columns hold the vectors, and the vectors and the other columns of a file of any kind."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from data_prep.arrays import Float32Array, Int64Array
from data_prep.errors import InputError
from data_prep.vectors.array_files import ArrayFile, by_usual_name
from data_prep.vectors.cells import VectorCells, is_list, is_number, looks_like_vector, plain
from data_prep.vectors.table_files import Table, first_bytes, open_table
from data_prep.vectors.text_file import TextFile, is_number_text
from data_prep.vectors.values import Problems

_NUMBERED = re.compile(r"(.*?)(\d+)", re.DOTALL)
_MIN_GROUP = 4  # columns of one number each that are taken for a vector without being asked
_MAX_LISTED = 20


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
    are no rows of the table, by number; their columns are null.
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
    def is_text(self) -> bool:
        """Whether the columns are those of a text file, in which every value is a text."""
        return isinstance(self._source, TextFile)

    @property
    def is_headerless_birdnet(self) -> bool:
        """Whether this is a table of one recording as BirdNET-Analyzer wrote it: start, end, the vector as text."""
        source = self._source
        if not isinstance(source, TextFile) or source.has_header or self._names != source.names[2:3]:
            return False
        return len(source.names) == 3 and all(_is_numeric(source.head[name]) for name in source.names[:2])

    @property
    def n_frames(self) -> set[int]:
        """Numbers of frames that were pooled, of the rows read so far."""
        return self._cells.n_frames if self._cells else set()


def open_vectors(path: Path, vector: str | None, *, pool: bool) -> VectorFile:
    """Open a file of vectors; `vector` names its column, its array, or the prefix of its columns of one number each.

    Raises InputError for a file without vectors, and where two columns may be meant.
    """
    first = first_bytes(path)
    if first.startswith((b"\x93NUMPY", b"PK\x03\x04", b"PK\x05\x06")):
        arrays = ArrayFile(path, vector, pool=pool)
        return VectorFile(path, arrays.columns, arrays.n_rows, arrays.said, {}, arrays, [], None)
    source = open_table(path)
    names, reason = choose_vector(source, vector)
    others = [name for name in source.names if name not in set(names)]
    table, n_rows, problems = read_columns(source, others or names[:1])
    if not n_rows:
        raise InputError(f"{path} has no rows; expected one vector per row")
    where = f"{path}, column {names[0]!r}" if len(names) == 1 else str(path)
    cells = VectorCells(where, pool=pool, decimal_comma=source.decimal_comma)
    index_names = [] if isinstance(source, TextFile) else source.index_names
    said = [*source.said, reason]
    return VectorFile(path, table.select(others), n_rows, said, problems, source, names, cells, index_names)


def read_columns(source: Table, names: list[str]) -> tuple[pa.Table, int, Problems]:
    """Return some columns of all rows, their number, and the problems of rows that could not be read: they are null."""
    tables, rows, problems = [], [], Problems()
    for batch in source.batches(names):
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


def choose_vector(source: Table, vector: str | None) -> tuple[list[str], str]:
    """Return the columns that hold the vectors, and a sentence that says which and why.

    The rules: the one column of lists of numbers; else the one column of texts of such lists; else the largest group of
    columns of numbers that are named by one prefix and 0, 1, 2, ...; without a header, all columns of numbers.
    """
    head, path = source.head, source.path
    if vector is not None:
        return _named(source, vector)
    for found, kind in ((_lists(head), "lists"), (_texts(head), "texts of lists")):
        if found:
            name = found[0] if len(found) == 1 else by_usual_name(found)
            if name is None:
                sizes = ", ".join(f"{each!r} ({_lengths(head[each])} numbers)" for each in found)
                raise InputError(f"{path} has several columns that may be vectors: {sizes}; choose one with --vector")
            why = f"the one column of {kind} of numbers" if len(found) == 1 else "of several, the one with a usual name"
            return [name], f"vectors: column {name!r} ({why})"
    if isinstance(source, TextFile) and not source.has_header:
        return _without_header(source)
    groups = {prefix: names for prefix, names in _groups(source).items() if len(names) >= _MIN_GROUP}
    if not groups:
        listed = ", ".join(f"{f.name} ({f.type})" for f in list(source.schema)[:_MAX_LISTED])
        more = f" and {len(source.names) - _MAX_LISTED:,} more" if len(source.names) > _MAX_LISTED else ""
        raise InputError(
            f"{path} has no column of vectors: expected one of lists of numbers, or columns of numbers named by one "
            f"prefix and 0, 1, 2, ...; it has {listed}{more}. Name the column with --vector"
        )
    largest = max(map(len, groups.values()))
    fitting = [prefix for prefix, names in groups.items() if len(names) == largest]
    if len(fitting) > 1:
        choices = " or ".join(
            f"{prefix!r} (columns {groups[prefix][0]} ... {groups[prefix][-1]})" for prefix in fitting
        )
        raise InputError(
            f"{path} has several groups of {largest:,} columns that may be vectors: choose {choices} with --vector"
        )
    return _group(path, fitting[0], groups[fitting[0]])


def _named(source: Table, vector: str) -> tuple[list[str], str]:
    if vector in source.names:
        column = source.head[vector]
        fits = is_list(plain(column).type) or vector in _texts(source.head)
        if not fits:
            kind = (
                "a single number per row" if _is_numeric(source.head[vector]) else f"{column.type}, no list of numbers"
            )
            raise InputError(f"column {vector!r} of {source.path} holds {kind}; name a column of vectors with --vector")
        return [vector], f"vectors: column {vector!r}, as asked"
    names = _groups(source).get(vector)
    if names is None:
        listed = ", ".join(source.names[:_MAX_LISTED])
        raise InputError(
            f"{source.path} has no column {vector!r}, nor columns named {vector}0, {vector}1, ...; it has {listed}"
        )
    return _group(source.path, vector, names)


def _group(path: Path, prefix: str, names: list[str]) -> tuple[list[str], str]:
    """Return the columns of a group; raise InputError where one of them is missing."""
    numbers = [int(name[len(prefix) :]) for name in names]
    if not _is_run(numbers):
        present = set(numbers)
        missing = next(n for n in range(min(1, numbers[0]), max(numbers) + 2) if n not in present)
        raise InputError(
            f"{path} has {len(names):,} columns {prefix}{numbers[0]} ... {prefix}{numbers[-1]}, but {prefix}{missing} "
            "is missing or there twice: a part of each vector would be lost; export all columns of the vectors"
        )
    return names, f"vectors: {len(names):,} columns, {names[0]} to {names[-1]}, in the order of their numbers"


def _without_header(source: TextFile) -> tuple[list[str], str]:
    """Return the columns of numbers of a table without a header, less first ones of whole numbers that all differ."""
    names = [name for name in source.names if _is_numeric(source.head[name])]
    counting = list(takewhile(lambda name: _is_counting(source.head[name]), names))
    note = ""
    if counting and len(counting) * 2 < len(names):
        names = names[len(counting) :]
        note = f"; not {', '.join(counting)}, whole numbers that all differ, such as ids"
    if not names:
        raise InputError(f"{source.path} has neither a header nor columns of numbers; expected a table of vectors")
    return names, f"vectors: all {len(names):,} columns of numbers{note}"


def _is_counting(column: Any) -> bool:
    """Return whether a column of texts holds whole numbers, three or more, that all differ."""
    texts = [text.strip() for text in plain(column).to_pylist()]
    return len(texts) > 2 and len(set(texts)) == len(texts) and all(text.isascii() and text.isdigit() for text in texts)


def _lists(head: pa.Table) -> list[str]:
    """Return the columns of lists of numbers, of floating ones if there are any."""
    found, whole = list[str](), list[str]()
    for name in head.column_names:
        kind: Any = plain(head[name]).type
        if is_list(kind) and (is_list(kind.value_type) or _median_length(head[name]) > 1):
            while is_list(kind):
                kind = kind.value_type
            if is_number(kind):
                (whole if pa.types.is_integer(kind) else found).append(name)
    return found or whole


def _texts(head: pa.Table) -> list[str]:
    """Return the columns of which most texts are lists of numbers."""
    found = []
    for name in head.column_names:
        kind = plain(head[name]).type
        if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
            filled = [text for text in plain(head[name]).to_pylist() if text and text.strip()]
            if filled and 2 * sum(map(looks_like_vector, filled)) > len(filled):
                found.append(name)
    return found


def _median_length(column: Any) -> float:
    lengths = [len(row) for row in column.to_pylist() if row]
    return float(np.median(lengths)) if lengths else 0.0


def _lengths(column: Any) -> str:
    sizes = sorted({len(row) for row in column.to_pylist() if row and not isinstance(row, str)})
    return "a list of" if not sizes else f"{sizes[0]:,}" if len(sizes) == 1 else f"{sizes[0]:,} to {sizes[-1]:,}"


def _is_numeric(column: Any) -> bool:
    """Return whether most values of a column are numbers."""
    array = plain(column)
    if is_number(array.type):
        return True
    if not (pa.types.is_string(array.type) or pa.types.is_large_string(array.type)):
        return False
    filled = [text for text in array.to_pylist() if text and text.strip()]
    return bool(filled) and 2 * sum(map(is_number_text, filled)) > len(filled)


def _groups(source: Table) -> dict[str, list[str]]:
    """Return the columns of numbers by prefix, in the order of the numbers that follow it."""
    groups: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for name in source.names:
        found = _NUMBERED.fullmatch(name)
        if found and len(found[2]) < 10 and _is_numeric(source.head[name]):
            groups[found[1]].append((int(found[2]), name))
    return {prefix: [name for _, name in sorted(columns)] for prefix, columns in groups.items() if len(columns) > 1}


def _is_run(numbers: list[int]) -> bool:
    """Return whether numbers, sorted, are 0, 1, 2, ... or 1, 2, 3, ..."""
    return numbers[0] in {0, 1} and all(after == before + 1 for before, after in pairwise(numbers))
