"""Segments in a file: the settings and arrays of an index that has grown, those of all segments side by side.

The first segment is stored as an index that has not grown, the others by the arrays that are their own, whose names
begin with the segment's number. Each has in addition its ids and which of its rows are present.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lsh import validate
from lsh.filters.allowed import Present
from lsh.growing.segments import Growth, Learned, Segment
from lsh.storage import checks
from lsh.storage.header import Arrays, Layout, Settings, damaged
from lsh.storage.kinds import Kind

ROW_IDS, PRESENT, MEAN = "row_ids", "present", "learned_mean"
SETTINGS = ("n_segments", "next_id", "learned_next_id", "spread")
_MAX_SEGMENTS = 64
_NUMBERED = re.compile(r"(segment_[1-9][0-9]?_)?(.+)")


def base(name: str) -> str:
    """Return the name of an array or setting without the number of its segment."""
    match = _NUMBERED.fullmatch(name)
    return match[2] if match else name


def prefix(number: int) -> str:
    """Return what the names of a segment begin with."""
    return f"segment_{number}_" if number else ""


def settings_of(kind: Kind, growth: Growth) -> Settings:
    """Return the settings of a file of an index that has grown."""
    learned = growth.learned
    numbers = len(growth.segments), growth.next_id, learned.next_id, learned.spread
    settings = {**kind.settings(growth.first), **dict(zip(SETTINGS, numbers, strict=True))}
    for number, segment in enumerate(growth.segments[1:], 1):
        own = kind.settings(segment.index)
        settings |= {prefix(number) + name: own[name] for name in kind.of_segment if name in own}
    return settings


def setting_names(kind: Kind, settings: Settings) -> list[str]:
    """Return the names of these settings; raise LSHError where the number of segments is none."""
    n = validate.integer(settings.get("n_segments"), "n_segments", 1, _MAX_SEGMENTS)
    own = [name for name in kind.setting_names if name in kind.of_segment]
    return [*kind.setting_names, *SETTINGS, *(prefix(i) + name for i in range(1, n) for name in own)]


def settings_at(kind: Kind, settings: Settings, number: int) -> Settings:
    """Return the settings of one segment, as those of an index that has not grown."""
    return {name: settings[(prefix(number) if name in kind.of_segment else "") + name] for name in kind.setting_names}


def arrays_of(growth: Growth, segments: Sequence[Arrays], kind: Kind) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of a file from those of each segment, as those of an index that has not grown."""
    arrays: dict[str, npt.NDArray[Any]] = {}
    for number, (segment, own) in enumerate(zip(growth.segments, segments, strict=True)):
        own = {**own, ROW_IDS: segment.ids, PRESENT: segment.present().view(np.uint8)}  # noqa: PLW2901
        arrays |= {prefix(number) + name: own[name] for name in own if not number or name in _own_names(kind)}
    return {**arrays, MEAN: growth.learned.mean}


def arrays_at(arrays: Arrays, number: int) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of one segment, of which those that it shares are those of the first one."""
    own = {base(name): array for name, array in arrays.items() if name.startswith(prefix(number)) and number}
    return {**{name: array for name, array in arrays.items() if base(name) == name}, **own}


def layout(layouts: Sequence[Layout], kind: Kind) -> Layout:
    """Return the dtypes and shapes of the arrays of a file, in order, from those of each segment."""
    whole: Layout = {}
    for number, own in enumerate(layouts):
        n, dim = own["vectors"][1]
        rows = {**own, ROW_IDS: ("<i8", (n,)), PRESENT: ("|u1", (n,))}
        whole |= {prefix(number) + name: rows[name] for name in rows if not number or name in _own_names(kind)}
    return {**whole, MEAN: ("<f4", (dim,))}


def _own_names(kind: Kind) -> set[str]:
    return {"vectors", "inverse_norms", "half_squares", ROW_IDS, PRESENT, *kind.per_row, *kind.of_segment}


def restore(settings: Mapping[str, Any], arrays: Arrays, indexes: Sequence[Any]) -> Growth:
    """Return the state that an index had; raise LSHError for ids, marks and numbers that are none."""
    next_id = validate.integer(settings["next_id"], "next_id", 1, 2**63 - 1)
    learned_next_id = validate.integer(settings["learned_next_id"], "learned_next_id", 1, next_id)
    spread = settings["spread"]
    if not isinstance(spread, float) or not spread >= 0:
        raise damaged(f"its spread is {spread!r}; expected a number from 0")
    checks.values_between(arrays, (MEAN,), -validate.MAX_VALUE, validate.MAX_VALUE)
    segments, after = [], -1
    for number, index in enumerate(indexes):
        own = arrays_at(arrays, number)
        ids = own[ROW_IDS]
        if not (ids[0] > after and ids[-1] < next_id and (np.diff(ids) > 0).all()):
            raise damaged(f"its {prefix(number)}{ROW_IDS} do not ascend from {after + 1} to below {next_id}")
        after = int(ids[-1])
        segments.append(Segment(index, ids, _present(own[PRESENT], prefix(number) + PRESENT)))
    return Growth(tuple(segments), next_id, Learned(arrays[MEAN], spread, learned_next_id))


def _present(marks: npt.NDArray[np.uint8], name: str) -> Present | None:
    if marks.max() > 1 or not marks.any():
        raise damaged(f"its {name} are not all 0 or 1, or all 0; expected at least one 1")
    if marks.all():
        return None
    return Present(marks.astype(np.bool_))
