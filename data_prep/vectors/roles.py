"""Roles of columns: which one holds ids, labels, titles, sounds, times and splits, as asked or by its usual name."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from data_prep.errors import InputError
from data_prep.vectors.cells import is_list, is_number, plain
from data_prep.vectors.columns import CLOCK, as_float, as_texts, is_text, splits_of

_IDS = "id clipid itemid soundid sampleid segmentid uid uuid guid key pointid recordingid trackid fileid videoid"
_FILES = (
    "sourceid recording filename file filepath path audiopath audiofile audiofilename wav wavfile wavpath soundfile"
)
_NAMES: dict[str, list[str]] = {
    "id": [*_IDS.split(), "ytid", *_FILES.split()],
    "label": [
        *("label", "species", "class", "classname", "category", "primarylabel", "ebirdcode", "scientificname"),
        *("commonname", "genre", "tag"),
    ],
    "title": ["title", "caption", "name", "word", "text", "description"],
    "audio": [*["audiourl", "soundurl", "audio", "sound", "url"], *_FILES.split()],
    "start": [
        "start",
        "starttime",
        "begin",
        "begintime",
        "onset",
        "segmentstart",
        "clipstart",
        "t0",
        "offset",
        "timestamp",
        "time",
    ],
    "end": ["end", "endtime", "stop", "stoptime", "segmentend", "clipend", "t1", "offset"],
    "duration": ["duration", "dur", "cliplength", "cliplen"],
    "split": ["split", "subset", "partition"],
}
_UNIT = re.compile(
    r"[\W_]+(?:s|secs?|seconds?|ms|msecs?|millis|milliseconds)\W*$|(?<=[a-z])(?:Ms|Sec|Seconds)$", re.IGNORECASE
)
_SOUND = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]*://|\.[A-Za-z0-9]{2,5}$")
_MIN_DISTINCT = 0.9  # share of values that differ, of a column that is taken for ids though some are there twice


@dataclass(slots=True)
class Roles:
    """Names of columns by what they hold; None, or empty, where there is none. `said`: what was guessed."""

    id: str | None = None
    label: list[str] = field(default_factory=list)
    title: str | None = None
    audio: str | None = None
    start: str | None = None
    end: str | None = None
    duration: str | None = None
    split: str | None = None
    said: list[str] = field(default_factory=list)


def usual_names(role: str, names: Sequence[str]) -> list[str]:
    """Return the names of columns that are usual for a role, the most usual first."""
    known = {_plain_name(name): place for place, name in enumerate(_NAMES[role])}
    found = [(known[plain_name], name) for name in names if (plain_name := _plain_name(name)) in known]
    return [name for _, name in sorted(found, key=lambda pair: pair[0])]


def _plain_name(name: str) -> str:
    """Return a name without objects around it, unit, case, signs, and the s of a plural."""
    bare = re.sub(r"[\W_]+", "", _UNIT.sub("", name.rsplit(".", 1)[-1]).casefold())
    return bare.removesuffix("s") or bare


def find_roles(table: pa.Table, asked: Roles, index_names: Sequence[str], *, is_single: bool) -> Roles:
    """Return the columns by role: those asked for, and for the other roles those with usual names and fitting values.

    index_names: columns that were the index of a pandas table. is_single: whether all metadata is one column without a
    header, which is then the title. Raises InputError for a column that is not there.
    """
    names = table.column_names
    for role in ("id", "title", "audio", "start", "end", *asked.label):
        name = role if role in asked.label else getattr(asked, role)
        if name is not None and name not in names:
            raise InputError(f"there is no column {name!r}; the columns are {', '.join(names[:40]) or 'none'}")
    found = Roles(asked.id, list(asked.label), asked.title, asked.audio, asked.start, asked.end)

    def guess(role: str, fits: Callable[[str], bool], others: Sequence[str] = ()) -> None:
        if getattr(found, role):
            return
        name = next((name for name in [*others, *usual_names(role, names)] if fits(name)), None)
        if name is not None:
            setattr(found, role, [name] if role == "label" else name)
            found.said.append(f"{role}: column {name!r}, by its name")

    texts = {name: kind for name in names if is_text(kind := plain(table[name]).type)}
    if is_single and names and not found.id:
        found.title = found.title or names[0]
        found.said.append("title: the one column of the metadata")
    guess("start", lambda name: _is_time(table[name]) and not ("offset" in _plain_name(name) and _has_onset(names)))
    guess("end", lambda name: name != found.start and _is_time(table[name]))
    if found.end is None:
        guess("duration", lambda name: _is_time(table[name]))
    guess("label", lambda name: name not in {found.title, found.id} and _is_label(table[name]))
    guess("title", lambda name: name in texts and name not in {found.id, *found.label})
    guess("audio", lambda name: name in texts and _is_sound(table[name]))
    guess("split", lambda name: name in texts and splits_of(table[name]) is not None)
    indexes = [name for name in index_names if name in texts]
    guess("id", lambda name: name not in {found.title, *found.label} and is_id(table[name]), indexes)
    return found


def _has_onset(names: Sequence[str]) -> bool:
    return any(_plain_name(name) == "onset" for name in names)


def _is_time(column: Any) -> bool:
    array = plain(column)
    if is_number(array.type):
        return True
    filled = [text for text in as_texts(array) if text] if is_text(array.type) else []
    return bool(filled) and all(CLOCK.fullmatch(text.strip()) or as_float(text) is not None for text in filled[:200])


def _is_label(column: Any) -> bool:
    array = plain(column)
    inner = array.type.value_type if is_list(array.type) else array.type
    return is_text(inner) or pa.types.is_integer(inner) or pa.types.is_boolean(inner)


def _is_sound(column: Any) -> bool:
    filled = [text for text in as_texts(plain(column).slice(0, 200)) if text]
    return bool(filled) and 2 * sum(_SOUND.search(text.strip()) is not None for text in filled) > len(filled)


def is_id(column: Any) -> bool:
    """Return whether the values identify the rows: nearly all differ."""
    array = plain(column)
    if not (is_text(array.type) or pa.types.is_integer(array.type)):
        return False
    filled = [text for text in as_texts(array) if text]
    return bool(filled) and len(set(filled)) >= _MIN_DISTINCT * len(filled)
