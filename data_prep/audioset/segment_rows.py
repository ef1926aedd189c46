"""Parser of AudioSet's lists of segments.

Arrow reads the published form, two million rows, by columns. A list of any other form is read again row by row, which
accepts other CSV styles and names the line of an error.
"""

import re
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from data_prep.arrays import Float64Array, Int64Array
from data_prep.audioset.labels import read_csv
from data_prep.dataset.label_sets import LabelSets
from data_prep.errors import InputError

_HEADER = ["# YTID", "start_seconds", "end_seconds", "positive_labels"]
_MAX_ID_LENGTH = 64
_BLOCK_BYTES = 1 << 22  # parsed at a time
_PUBLISHED_FORM = (  # of each column; columns are separated by spaces
    ("id", rf"^[A-Za-z0-9_-]{{1,{_MAX_ID_LENGTH}}},$"),
    ("start", r"^[0-9]+\.[0-9]+,$"),
    ("end", r"^[0-9]+\.[0-9]+,$"),
    ("mids", r'^"[^"]+"$'),
)


@dataclass(frozen=True, slots=True)
class SegmentRows:
    """Columns of a list: ids bytes[n], start and end in seconds float64[n, 2], labels, line numbers int64[n]."""

    ids: npt.NDArray[np.bytes_]
    times: Float64Array
    labels: LabelSets
    lines: Int64Array


def read_rows(path: Path, mids: list[str]) -> SegmentRows:
    """Read a list; `mids` are those of the label table. Raises InputError naming the invalid line."""
    return _read_columns(path, mids) or _read_row_by_row(path, {mid: i for i, mid in enumerate(mids)})


def _read_columns(path: Path, mids: list[str]) -> SegmentRows | None:
    """Read a list in exactly the published form, with Arrow; return None for any other form."""
    try:
        with path.open("rb") as file:
            head = [file.readline().decode("utf-8-sig").strip() for _ in range(3)]
        stated = re.search(r"num_segs=(\d+)", head[1])
        if stated is None or head[0][:1] != "#" or head[2] != ", ".join(_HEADER):
            return None
        with csv.open_csv(
            path,
            csv.ReadOptions(
                skip_rows=len(head), column_names=[name for name, _ in _PUBLISHED_FORM], block_size=_BLOCK_BYTES
            ),
            csv.ParseOptions(delimiter=" ", quote_char=False, ignore_empty_lines=False),
            csv.ConvertOptions(column_types={name: pa.string() for name, _ in _PUBLISHED_FORM}),
        ) as blocks:
            parts = [_block(block, pa.array(mids)) for block in blocks]
    except (OSError, UnicodeDecodeError, pa.ArrowInvalid):
        return None
    whole = [part for part in parts if part is not None]
    n = sum(len(ids) for ids, *_ in whole)
    if len(whole) < len(parts) or not n or n != int(stated[1]):
        return None
    ids, times, labels, lengths = (np.concatenate(column) for column in zip(*whole, strict=True))
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return SegmentRows(ids, times, LabelSets(offsets, labels), np.arange(n) + len(head) + 1)


def _block(block: pa.RecordBatch, mids: "pa.Array[Any]") -> tuple[npt.NDArray[Any], ...] | None:
    """Return ids, times, labels and the number of labels per row; None if a row has another form."""
    columns: list[Any] = block.columns
    for column, (_, pattern) in zip(columns, _PUBLISHED_FORM, strict=True):
        if not pc.all(pc.match_substring_regex(column, pattern)).as_py():
            return None
    ids, start, end = (pc.utf8_rtrim(column, ",") for column in columns[:3])
    sets: Any = pc.split_pattern(pc.utf8_trim(columns[3], '"'), ",")
    labels: Any = pc.index_in(sets.flatten(), value_set=mids)
    if labels.null_count:
        return None
    times = [pc.cast(seconds, pa.float64()).to_numpy() for seconds in (start, end)]
    return (
        np.array(ids.to_pylist(), dtype="S"),
        np.stack(times, axis=1),
        labels.to_numpy().astype(np.int16),
        np.diff(sets.offsets.to_numpy().astype(np.int64)),
    )


def _read_row_by_row(path: Path, index_of_mid: Mapping[str, int]) -> SegmentRows:
    """Read a list in any CSV style."""
    ids: list[bytes] = []
    times, lines = array("d"), array("q")
    offsets, labels = array("q", [0]), array("h")
    stated = None
    has_header = False
    for line, row in read_csv(path):
        if row[0].startswith("#"):
            counts = re.search(r"num_segs=(\d+)", ",".join(row))
            stated = int(counts[1]) if counts else stated
            has_header = has_header or row == _HEADER
            continue
        if not has_header:
            raise InputError(
                f"{path} is not one of AudioSet's lists of segments: expected the line {', '.join(_HEADER)!r} "
                "before the first row"
            )
        video_id, start_s, end_s, mids = _parse_row(row, f"{path}, line {line}")
        try:
            labels.extend(index_of_mid[mid] for mid in mids)
        except KeyError as error:
            raise InputError(f"{path}, line {line}: label {error} is not in the label table") from None
        ids.append(video_id.encode())
        times.extend((start_s, end_s))
        offsets.append(len(labels))
        lines.append(line)
    if not ids:
        raise InputError(f"{path} lists no clip: expected one of AudioSet's lists of segments, get it again")
    if stated is not None and stated != len(ids):
        raise InputError(f"{path} has {len(ids):,} rows, its header states {stated:,}: get it again")
    sets = LabelSets(np.array(offsets), np.array(labels))
    return SegmentRows(np.array(ids, dtype="S"), np.array(times).reshape(-1, 2), sets, np.array(lines))


def _parse_row(row: list[str], where: str) -> tuple[str, float, float, list[str]]:
    try:
        video_id, start_s, end_s, mids = row
        if len(video_id) <= _MAX_ID_LENGTH:
            return video_id, float(start_s), float(end_s), mids.split(",")
    except ValueError:
        pass
    raise InputError(f"{where}: {', '.join(row)!r:.80} is not {', '.join(_HEADER)!r}")
