"""Names of clips: what their titles, files, folders, ids and metadata are called, found by text in a dataset's table.

A kind of name is "label", "title", "file", "folder", "id", or a column of metadata, as "extra_site". Labels are in a
table of their own, so that most functions are about the other kinds. The table is read a block at a time.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_prep.arrays import BoolArray, Int64Array
from data_prep.dataset.reader import Dataset
from data_prep.dataset.schema import EXTRA_PREFIX

MAX_TEXT = 120  # characters of a text that are used
NO_MATCH = 3  # how well a name matches that a text is not in

_BLOCK_ROWS = 65_536  # clips that are read at a time
_SHAPES = {  # of the text in a value of the column, by how well it matches: whole, at the start, anywhere
    "file": (r"(^|/){}(\.[^/.]*)?$", r"(^|/){}[^/]*$", r"{}[^/]*$"),
    "folder": (r"(^|/){}/", r"(^|/){}[^/]*/", r"{}[^/]*/"),
    "": ("^{}$", "^{}", "{}"),
}


def kinds_of(dataset: Dataset) -> list[str]:
    """Return the kinds of names that the clips of a collection have: "label", "title", "file", ..., "extra_site"."""
    kinds = ["label"]
    schema = dataset.clips("train").schema
    if "title" in schema.names:
        kinds.append("title")
    if dataset.media == "file":
        kinds += ["file", "folder"]
    if dataset.media == "url":
        kinds.append("file")
    extra = [field for field in schema if field.name.startswith(EXTRA_PREFIX)]
    return [*kinds, *(f.name for f in extra if not pa.types.is_boolean(item_type(f.type))), "id"]


def item_type(kind: Any) -> Any:
    """Return the type of the values of a column: of a list that of its items."""
    return kind.value_type if pa.types.is_list(kind) else kind


def is_text(dataset: Dataset, kind: str) -> bool:
    """Return whether the values of a kind are text, and not numbers or dates, which are found by their beginning."""
    schema = dataset.clips("train").schema
    return kind not in schema.names or pa.types.is_string(item_type(schema.field(kind).type))


def normalised(text: str) -> str:
    """Return the part of a text that is used, with single spaces."""
    return unicodedata.normalize("NFC", " ".join(text[:MAX_TEXT].split()))


def patterns_for(kind: str, wanted: str, *, is_text: bool = True) -> list[str]:
    """Return regular expressions that find a text in the values of a kind: as the whole, at the start, anywhere.

    is_text: else the values are numbers or dates, in which a text is found at the start alone. A space stands for any
    space, "_", "-" or "." too. Letters with accents are found in both their Unicode forms.
    """
    forms = dict.fromkeys(unicodedata.normalize(form, wanted) for form in ("NFC", "NFD"))
    either = "|".join("[ _.-]+".join(map(re.escape, form.split(" "))) for form in forms)
    shapes = _SHAPES.get(kind, _SHAPES[""])
    shapes = shapes if is_text else (*shapes[:2], shapes[1])
    return [shape.replace("{}", f"(?:{either})") for shape in shapes]


def match_of(patterns: list[str], value: str) -> int:
    """Return how well a value matches: the number of the first pattern that is in it, else `NO_MATCH`."""
    return next((i for i, one in enumerate(patterns) if re.search(one, value, re.IGNORECASE)), NO_MATCH)


def blocks(
    dataset: Dataset, splits: Collection[str], kind: str, most: int | None = None
) -> Iterator[tuple[str, Int64Array, "pa.Array[Any]"]]:
    """Yield split, rows and values of a kind, a block of clips at a time; a row of a list comes once per item."""
    column = {"title": "title", "file": "media", "folder": "media", "id": "clip_id"}.get(kind, kind)
    for split in splits:
        values: Any = dataset.clips(split)[column]
        n = len(values) if most is None else min(most, len(values))
        for start in range(0, n, _BLOCK_ROWS):
            block: Any = values.slice(start, min(_BLOCK_ROWS, n - start)).combine_chunks()
            rows = np.arange(start, start + len(block))
            if pa.types.is_list(block.type):
                rows, block = start + np.asarray(pc.list_parent_indices(block)), block.flatten()
            yield split, rows, _as_text(block)


def _as_text(values: Any) -> Any:
    """Return values as they are written: 2003, 0.5, 2024-05-01, 2024-05-01 12:30:00 by the clocks of its zone, true."""
    if pa.types.is_timestamp(values.type):
        local = pc.local_timestamp(values) if values.type.tz is not None else values
        values = pc.cast(local, pa.timestamp("s"), safe=False)
    return values if pa.types.is_string(values.type) else pc.cast(values, pa.string())


def places_of(values: "pa.Array[Any]", pattern: str) -> Int64Array:
    """Return the places of the values in which a pattern is, in any case of letters: int64[m]."""
    return true_at(pc.match_substring_regex(values, pattern, ignore_case=True))


def folders(paths: "pa.Array[Any]", pattern: str) -> "pa.Array[Any]":
    """Return of each path the folder whose name has the pattern, the innermost."""
    whole = f"(?i)^(?P<folder>(?:.*/)?[^/]*?{pattern.removesuffix('/')})/"
    return cast("pa.Array[Any]", cast("Any", pc.extract_regex(paths, whole)).field(0))


def compared(kind: str, values: Any) -> Any:
    """Return the part of each value that is compared with a text that may be misspelt."""
    if kind == "file":
        return pc.replace_substring_regex(values, r"^.*/", "")
    return pc.replace_substring_regex(values, r"/?[^/]*$", "") if kind == "folder" else values


def rows_of(
    dataset: Dataset, splits: Collection[str], kind: str, pattern: str | None, name: str = ""
) -> dict[str, BoolArray]:
    """Return which rows of each split have a value of a kind with a pattern in it; without one, with this name."""
    masks = {split: np.zeros(dataset.n_rows(split), bool) for split in splits}
    for split, rows, values in blocks(dataset, splits, kind):
        if pattern is not None:
            places = places_of(values, pattern)
        else:
            is_below = kind == "folder"
            places = true_at(pc.starts_with(values, f"{name}/") if is_below else pc.equal(values, pa.scalar(name)))
        masks[split][rows[places]] = True
    return masks


def true_at(answers: Any) -> Int64Array:
    """Return the places of the answers that are true, not null: int64[m]."""
    return np.flatnonzero(np.asarray(answers.fill_null(False).to_numpy(zero_copy_only=False), bool))  # noqa: FBT003
