"""Metadata of vectors: a second table, joined by ids where both have them, else by position."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from data_prep.errors import InputError
from data_prep.vectors.columns import Texts, as_texts
from data_prep.vectors.roles import is_id, usual_names
from data_prep.vectors.table_files import open_table
from data_prep.vectors.text_file import TextFile
from data_prep.vectors.vector_file import VectorFile, read_columns

_SHOWN = 5
_MIN_SHARED = 0.5  # share of the ids of one file that a column of another name holds in the other


@dataclass(frozen=True, slots=True)
class Joined:
    """The columns of every row of the vectors, and what was found out about them.

    id_name: the column by which the tables were joined, None if by position. text_names: columns of a text file, in
    which values are texts that may stand for numbers. is_single: whether the metadata is one column without a header.
    """

    table: pa.Table
    id_name: str | None
    text_names: set[str]
    is_single: bool
    said: list[str]
    left_over: list[str]


def join_metadata(vectors: VectorFile, meta: Path, id_name: str | None) -> Joined:
    """Return the columns of the vectors with those of the table `meta`.

    id_name: the column of ids, in one of the tables or in both. Raises InputError where the rows cannot be matched:
    other lengths without common ids, ids that are in both but never the same, or an id that describes two rows.
    """
    source = open_table(meta, n_vectors=vectors.n_all)
    table, n_rows, problems = read_columns(source, source.names)
    said = [f"metadata: {text}" for text in source.said]
    said += [f"metadata: {meta.name}, row {row:,}: {text}" for row, text in list(problems.items())[:_SHOWN]]
    is_text = isinstance(source, TextFile)
    own, other = _keys(vectors, table, meta, id_name)
    left_over: list[str] = []
    if own is None or other is None:
        wanted = max(n_rows, vectors.n_rows) if vectors.n_all is None else vectors.n_all
        if n_rows != wanted:
            raise InputError(
                f"{meta} has {n_rows:,} rows for the {wanted:,} vectors of {vectors.path}, and the two have no "
                "column of ids in common, so it is unknown which belong together; give both an id, or as many rows"
            )
        both = f"{n_rows:,} in both" if vectors.n_all is not None else f"{n_rows:,} here; the vectors need as many"
        said.append(f"metadata: joined by position, row by row ({both}), as no column of ids is in both")
        table = table.slice(0, vectors.n_rows)
    else:
        places, left_over = _matched(vectors, table, own, other, meta)
        table = table.drop_columns([other]).take(pa.array(places, mask=places < 0))
        said.append(
            f"metadata: joined by the ids in {own!r}"
            + (f" and {other!r}" if own != other else "")
            + f": {int((places >= 0).sum()):,} of {vectors.n_rows:,} rows have some"
        )
    twice = [name for name in vectors.table.column_names if name in table.column_names]
    if twice:
        said.append(f"metadata: {', '.join(map(repr, twice))} in both files: those of {meta.name} are taken")
    columns: dict[str, Any] = {name: vectors.table[name] for name in vectors.table.column_names if name not in twice}
    text_names = set(table.column_names) if is_text else set()
    columns |= {name: table[name] for name in table.column_names}
    is_single = isinstance(source, TextFile) and len(source.names) == 1 and not source.has_header
    return Joined(pa.table(columns), own, text_names, is_single, said, left_over)


def _keys(vectors: VectorFile, table: pa.Table, meta: Path, id_name: str | None) -> tuple[str | None, str | None]:
    """Return the columns of ids in the vectors and in the metadata; None, None where there are no such two."""
    ours, theirs = vectors.table.column_names, table.column_names
    if id_name is not None:
        if id_name in ours and id_name in theirs:
            return id_name, id_name
        if id_name not in ours and id_name not in theirs:
            raise InputError(
                f"neither {vectors.path} nor {meta} has a column {id_name!r}; they have {', '.join(ours) or 'none'}, "
                f"and {', '.join(theirs)}"
            )
        if id_name in ours:
            return _with_same_values(vectors.table, [id_name], table, theirs)
        return _with_same_values(vectors.table, _identifying(vectors), table, [id_name])
    for name in usual_names("id", ours):
        if name in theirs:
            return name, name
    return _with_same_values(vectors.table, _identifying(vectors), table, theirs)


def _identifying(vectors: VectorFile) -> list[str]:
    """Return the columns of the vectors that may hold ids: by their names, or as nearly all of their values differ."""
    table = vectors.table
    distinct = [name for name in table.column_names if is_id(table[name])]
    return list(dict.fromkeys([*usual_names("id", table.column_names), *vectors.index_names, *distinct]))


def _with_same_values(
    ours: pa.Table, own: list[str], theirs: pa.Table, other: list[str]
) -> tuple[str | None, str | None]:
    """Return the pair of columns that share most values, if that is at least half of them; else None, None."""
    best: tuple[str | None, str | None] = None, None
    shared = _MIN_SHARED
    sets = {name: _distinct(theirs[name]) for name in other}
    for name in own:
        values = _distinct(ours[name])
        for candidate, found in sets.items():
            share = len(values & found) / max(1, min(len(values), len(found)))
            if share >= shared and len(values) > 1 and (best == (None, None) or share > shared):
                best, shared = (name, candidate), share
    return best


def _distinct(column: Any) -> set[str]:
    return {text for text in as_texts(column) if text}


def _matched(vectors: VectorFile, table: pa.Table, own: str, other: str, meta: Path) -> tuple[Any, list[str]]:
    """Return the row of the metadata for each vector, int64[n], -1 for none; and what is left over on either side."""
    ids, keys = as_texts(vectors.table[own]), as_texts(table[other])
    wanted, place = set(filter(None, ids)), dict[str, int]()
    for row, key in enumerate(keys):
        if key and key in wanted:
            if key in place:
                raise InputError(
                    f"{meta}: id {key!r:.60} describes rows {place[key]:,} and {row:,}, so it is unknown which "
                    "belongs to its vector; leave one row per id"
                )
            place[key] = row
    if not place:
        raise InputError(
            f"{vectors.path} and {meta} have no id in common: column {own!r} holds {_shown(ids)}, {other!r} holds "
            f"{_shown(keys)}; name the right column with --id"
        )
    places = np.array([place.get(text or "", -1) for text in ids], np.int64)
    left_over = []
    without = [text or f"row {row:,}" for row, text in enumerate(ids) if places[row] < 0]
    if without:
        left_over.append(f"vectors without metadata, {len(without):,}: {_list(without)}")
    spare = [text or f"row {row:,}" for row, text in enumerate(keys) if not text or text not in place]
    if spare and vectors.n_all == vectors.n_rows:
        left_over.append(f"rows of {meta.name} without a vector, {len(spare):,}: {_list(spare)}")
    return places, left_over


def _shown(texts: Texts) -> str:
    return ", ".join(f"{text!r:.40}" for text in texts[:3])


def _list(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(f"{name:.60}" for name in names[:_SHOWN]) + more
