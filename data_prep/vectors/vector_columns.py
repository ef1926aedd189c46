"""Columns of vectors: which columns of a table hold the vectors, as asked or by stated rules."""

import re
from collections import defaultdict
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from data_prep.errors import InputError
from data_prep.vectors.array_files import by_usual_name
from data_prep.vectors.array_headers import array_choices
from data_prep.vectors.cells import is_list, is_number, looks_like_vector, plain
from data_prep.vectors.table_files import Table, first_bytes, open_table
from data_prep.vectors.text_file import TextFile, is_number_text

_NUMBERED = re.compile(r"(.*?)(\d+)", re.DOTALL)
_MIN_GROUP = 4  # columns of one number each that are taken for a vector without being asked
_MAX_LISTED = 20


def vector_choices(path: Path) -> tuple[list[str], list[str]]:
    """Return what `vector` may name in a file, the most likely first, and the names of its other columns."""
    if first_bytes(path).startswith((b"\x93NUMPY", b"PK\x03\x04", b"PK\x05\x06")):
        return array_choices(path)
    source = open_table(path, is_part=True)
    found = [*_lists(source.head), *_texts(source.head)]
    groups = {prefix: names for prefix, names in _groups(source).items() if len(names) >= _MIN_GROUP}
    found += sorted((prefix for prefix in groups if prefix), key=lambda prefix: -len(groups[prefix]))
    inside = {name for names in groups.values() for name in names}
    return found, [name for name in source.names if name not in inside and name not in found]


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
                "a single number per row" if is_numeric(source.head[vector]) else f"{column.type}, no list of numbers"
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
    names = [name for name in source.names if is_numeric(source.head[name])]
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


def is_numeric(column: Any) -> bool:
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
        if found and len(found[2]) < 10 and is_numeric(source.head[name]):
            groups[found[1]].append((int(found[2]), name))
    return {prefix: [name for _, name in sorted(columns)] for prefix, columns in groups.items() if len(columns) > 1}


def _is_run(numbers: list[int]) -> bool:
    """Return whether numbers, sorted, are 0, 1, 2, ... or 1, 2, 3, ..."""
    return numbers[0] in {0, 1} and all(after == before + 1 for before, after in pairwise(numbers))
