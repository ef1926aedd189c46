"""Columns of measures: loudness, brightness and pitch of one's own sounds in a dataset's table of clips.

They are float64, in dB and Hz; null where a sound has none. The length of a clip follows from its start and end.
"""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from data_prep.dataset.schema import EXTRA_PREFIX
from data_prep.sounds.measures import Measures

LOUDNESS, BRIGHTNESS, PITCH = (f"{EXTRA_PREFIX}{name}" for name in ("loudness (dB)", "brightness (Hz)", "pitch (Hz)"))
COLUMNS = (LOUDNESS, BRIGHTNESS, PITCH)  # in the order of `Measures`


def as_columns(measures: Sequence[Measures]) -> dict[str, "pa.Array[Any]"]:
    """Return the measures of clips as columns by name."""
    columns = zip(COLUMNS, zip(*measures, strict=True), strict=True)
    return {name: pa.array(values, pa.float64()) for name, values in columns}


def measures_in(clips: pa.Table) -> list[Measures]:
    """Return the measures in a table of clips, one per row; an empty list where it lacks a column."""
    if not set(COLUMNS) <= set(clips.column_names):
        return []
    return [Measures(*row.values()) for row in clips.select(list(COLUMNS)).to_pylist()]
