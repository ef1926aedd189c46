"""Preview of a file of vectors: its first rows, and what each column would become, as plain data."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from data_prep.errors import InputError
from data_prep.vectors.clip_columns import Asked, ClipColumns, absolute
from data_prep.vectors.collection import columns_of
from data_prep.vectors.columns import as_texts
from data_prep.vectors.table_files import open_table
from data_prep.vectors.vector_columns import vector_choices
from data_prep.vectors.vector_file import VectorBatch, VectorFile, open_vectors

WHOLE_BYTES = 1 << 24  # a larger file is not read whole: its first rows are
_MAX_ROWS = 1000  # rows of a larger file
_SHOWN = 5  # rows, problems, and numbers of a vector
_MAX_TEXT = 120  # characters of a cell


@dataclass(slots=True)
class Preview:
    """What a file of vectors would become.

    refused: why it cannot be used as asked; "" if it can. n_rows: rows of the file, None where that is not known before
    all is read. n_read: rows that were looked at. dim: numbers per vector. columns: of each its `name`, what it
    `becomes`, and its first `values`, as texts. said: sentences about what was guessed. left_out: a sentence for each
    of the first bad rows among those looked at; n_left_out: their number. left_over: of the join with metadata.
    vectors: what may be named as the column of vectors. names: of all other columns.
    """

    refused: str = ""
    n_rows: int | None = None
    n_read: int = 0
    dim: int = 0
    columns: list[dict[str, Any]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    n_left_out: int = 0
    left_over: list[str] = field(default_factory=list)
    vectors: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON has them."""
        return asdict(self)


def preview(vectors: str | Path, meta: str | Path | None = None, asked: Asked | None = None) -> Preview:
    """Return what `prepare_vectors` would make of a file, by its first rows, or by all of a small file.

    A table of metadata is read whole. A file that cannot be used as asked is no error: `refused` says why. Raises
    InputError for a file that cannot be read at all.
    """
    path, asked = absolute(vectors), asked or Asked()
    meta_path = None if meta is None else absolute(meta)
    choices, names = vector_choices(path)
    found = Preview(vectors=choices, names=names)
    try:
        _look(found, path, meta_path, asked)
    except InputError as error:
        found.refused = str(error)
        if meta_path is not None:
            found.names = list(dict.fromkeys([*names, *_names_of(meta_path)]))
    return found


def _look(found: Preview, path: Path, meta: Path | None, asked: Asked) -> None:
    is_part = path.stat().st_size > WHOLE_BYTES
    whole = open_vectors(path, asked.vector, pool=asked.pool, is_part=is_part)
    joined = columns_of(whole, meta, asked)
    file, said = whole, [*whole.said, *joined.said]
    found.n_rows, found.left_over = whole.n_all, joined.left_over
    if is_part:
        n = min(whole.n_rows, _MAX_ROWS)
        file = replace(whole, table=whole.table.slice(0, n), n_rows=n)
        joined = replace(joined, table=joined.table.slice(0, n))
    clips = ClipColumns(file, joined, asked)
    problems, first = file.problems | clips.problems, np.empty((0, 0), np.float32)
    for batch in _batches(file, is_part=is_part):
        first = batch.values[:_SHOWN] if not first.size else first
        problems |= batch.problems
    problems = {row: text for row, text in problems.items() if row < file.n_rows}
    found.said = [*said, *clips.said]
    found.n_read, found.dim, found.n_left_out = file.n_rows, first.shape[1], len(problems)
    found.left_out = [f"row {row:,}: {text}" for row, text in sorted(problems.items())[:_SHOWN]]
    becomes = clips.uses()
    found.names = list(becomes)
    found.columns = [
        {
            "name": file.vector_name,
            "becomes": f"vector of {_count(found.dim)}",
            "values": [_numbers(row) for row in first],
        }
    ]
    for name, use in becomes.items():
        values = [_shortened(text) for text in as_texts(joined.table[name].slice(0, _SHOWN))]
        found.columns.append({"name": name, "becomes": use, "values": values})


def _batches(file: VectorFile, *, is_part: bool) -> Iterator[VectorBatch]:
    """Yield the vectors of all rows, or those of the first batch."""
    return islice(file.batches(), 1 if is_part else None)


def _names_of(table: Path) -> list[str]:
    """Return the columns of a table; none where it cannot be read."""
    try:
        return list(open_table(table, is_part=True).names)
    except InputError:
        return []


def _count(n: int) -> str:
    return "1 number" if n == 1 else f"{n:,} numbers"


def _numbers(row: Any) -> str:
    return ", ".join(f"{value:.4g}" for value in row[:_SHOWN].tolist()) + (", …" if len(row) > _SHOWN else "")


def _shortened(text: str | None) -> str | None:
    return text if text is None or len(text) <= _MAX_TEXT else f"{text[: _MAX_TEXT - 1]}…"
