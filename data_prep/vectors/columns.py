"""Values of columns: as text, as times in seconds, as splits, and with the types that the format admits."""

import re
from datetime import date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_prep.arrays import Float64Array
from data_prep.errors import InputError
from data_prep.vectors.cells import is_list, is_number, plain

_MILLISECONDS = re.compile(r"(?i:[\W_](?:ms|msecs?|millis|milliseconds)\W*$)|(?<=[a-z])Ms$")
CLOCK = re.compile(r"(?:(\d+):)?(\d{1,3}):(\d{1,2}(?:[.,]\d+)?)")
_WHOLE = r"^-?(0|[1-9]\d{0,17})$"
_REAL = r"^-?((0|[1-9]\d*)(\.\d*)?|\.\d+)([eE][-+]?\d+)?$"
_ISO = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(Z|[-+]\d\d:?\d\d)?)?")
Texts = list[str | None]


def is_text(kind: Any) -> bool:
    """Return whether an Arrow type is that of texts."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def is_row_number(column: Any) -> bool:
    """Return whether the values are 0, 1, 2, ..., as pandas writes an index without a name."""
    array = plain(column)
    return (is_text(array.type) or pa.types.is_integer(array.type)) and all(
        text == str(row) for row, text in enumerate(as_texts(array))
    )


def as_texts(column: Any) -> Texts:
    """Return the values of a column as text, None where one is missing: 1000.0 in a column of numbers is "1000"."""
    array = plain(column)
    if pa.types.is_floating(array.type):
        return [_number_text(value) for value in array.to_pylist()]
    if pa.types.is_boolean(array.type) or is_number(array.type):
        return [None if value is None else str(value) for value in array.to_pylist()]
    if is_text(array.type):
        return list(array.to_pylist())
    if is_list(array.type) or pa.types.is_null(array.type):
        return [None if value is None else ", ".join(map(str, value)) for value in array.to_pylist()]
    try:
        return list(array.cast(pa.string()).to_pylist())
    except (pa.ArrowException, UnicodeDecodeError):
        return [None] * len(array)


def _number_text(value: float | None) -> str | None:
    if value is None or value != value:  # noqa: PLR0124  (NaN)
        return None
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)


def splits_of(column: Any) -> list[str] | None:
    """Return the split that each value names, train where one is empty; None if a value names none."""
    known = {
        **dict.fromkeys(("train", "training", ""), "train"),
        **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
        **dict.fromkeys(("test", "testing", "eval", "evaluation"), "test"),
    }
    found = [known.get((text or "").strip().casefold()) for text in as_texts(column)]
    return None if None in found or not any(as_texts(column)) else [split for split in found if split]


def times_of(name: str, column: Any, unit: str | None) -> Float64Array:
    """Return times in seconds, float64[n], NaN where one is missing.

    Numbers are seconds, or milliseconds where the column's name ends in ms, or `unit` is "ms"; texts with colons are
    mm:ss or hh:mm:ss. Raises InputError for a value that is no time.
    """
    scale = 1000.0 if (unit or ("ms" if _MILLISECONDS.search(name) else "s")) == "ms" else 1.0
    array = plain(column)
    if pa.types.is_duration(array.type):
        seconds: Any = array.cast(pa.duration("us")).cast(pa.int64()).cast(pa.float64())
        return np.asarray(seconds.to_numpy(zero_copy_only=False)) / 1e6
    if is_number(array.type):
        values = np.asarray(array.cast(pa.float64()).to_numpy(zero_copy_only=False))
        return values / scale
    times = np.full(len(array), np.nan)
    for row, text in enumerate(as_texts(array)):
        if text is None or not text.strip():
            continue
        clock = CLOCK.fullmatch(text.strip())
        if clock:
            times[row] = int(clock[1] or 0) * 3600 + int(clock[2]) * 60 + float(clock[3].replace(",", "."))
        elif (number := as_float(text)) is not None:
            times[row] = number / scale
        else:
            raise InputError(
                f"column {name!r}, row {row:,}: {text!r:.40} is not a time; expected seconds, milliseconds "
                "(--time-unit ms), mm:ss or hh:mm:ss"
            )
    return times


def as_float(text: str) -> float | None:
    """Return the number that a text stands for, with a point or a comma; None if it is none."""
    try:
        return float(text.strip().replace(",", ".")) if "_" not in text else None
    except ValueError:
        return None


def as_extra(column: Any, *, is_text_file: bool) -> Any:  # noqa: PLR0911  (one per kind of type)
    """Return a column with a type that the format admits; None for values that it cannot hold, such as bytes.

    is_text_file: whether the values are texts that may stand for numbers or dates. They do if all of them do: none has
    leading zeros or is a word such as NA, and of numbers with an exponent at least one has a point.
    """
    array = plain(column)
    kind = array.type
    if is_text(kind):
        return _typed(array.cast(pa.string())) if is_text_file else array.cast(pa.string())
    if pa.types.is_boolean(kind):
        return array
    if pa.types.is_integer(kind):
        try:
            return array.cast(pa.int64())
        except pa.ArrowException:  # beyond int64
            return pa.array(as_texts(array), pa.string())
    if is_number(kind):
        return array.cast(pa.float64())
    if pa.types.is_timestamp(kind):
        return array.cast(pa.timestamp("us", kind.tz), safe=False)
    if pa.types.is_date(kind):
        return array.cast(pa.date32())
    if is_list(kind):
        return _lists(array)
    if pa.types.is_null(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return None
    texts = as_texts(array)
    return pa.array(texts, pa.string()) if any(texts) else None


def _lists(array: Any) -> Any:
    """Return lists of numbers, truth values or texts; None for lists of anything else."""
    kind = array.type.value_type
    wanted: Any = pa.string() if is_text(kind) or pa.types.is_null(kind) else None
    if pa.types.is_dictionary(kind):
        wanted = pa.string()
    if pa.types.is_integer(kind):
        wanted = pa.int64()
    elif is_number(kind):
        wanted = pa.float64()
    elif pa.types.is_boolean(kind):
        wanted = pa.bool_()
    if wanted is None:
        return None
    try:
        return array.cast(pa.list_(wanted))
    except pa.ArrowException:
        return pa.array(array.to_pylist(), pa.list_(wanted))


def _typed(texts: Any) -> Any:
    """Return texts as int64, float64 or timestamps if all that are not empty stand for these, else as they are."""
    filled: Any = pc.if_else(pc.equal(texts, pa.scalar("", pa.string())), pa.scalar(None, pa.string()), texts)
    values = filled.drop_null()
    if not len(values):
        return filled

    def all_match(pattern: str) -> bool:
        return bool(pc.all(pc.match_substring_regex(values, pattern)).as_py())

    if all_match(_WHOLE):
        return filled.cast(pa.int64())
    if all_match(_REAL) and pc.any(pc.match_substring(values, ".")).as_py():
        return filled.cast(pa.float64())
    if all_match(r"^\d{4}-\d\d-\d\d"):
        return _dates(filled)
    return filled


def _dates(texts: Any) -> Any:
    """Return texts as dates, or as timestamps in their one zone; as they are if they have several zones."""
    found, zones = [], set()
    for text in texts.to_pylist():
        matched = _ISO.fullmatch(text.strip()) if text else None
        if text and not matched:
            return texts
        try:
            found.append(datetime.fromisoformat(text.strip()) if text else None)
        except ValueError:
            return texts
        if matched:
            zones.add(matched[1])
    if len(zones) > 1:
        return texts
    zone = zones.pop()
    if all(text is None or len(text.strip()) == len("2024-03-30") for text in texts.to_pylist()):
        return pa.array([None if day is None else date(day.year, day.month, day.day) for day in found], pa.date32())
    named = None if zone is None else "UTC" if zone == "Z" else f"{zone[:3]}:{zone[-2:]}"
    return pa.array(found, pa.timestamp("us", named))
