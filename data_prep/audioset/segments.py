"""Segment lists of AudioSet, compared with the clips read to detect missing ones.

Times and labels come from a clip's record; the list states which clips should exist.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_prep.arrays import Int64Array
from data_prep.audioset.segment_rows import read_rows
from data_prep.audioset.tfrecord import ParsedRecords
from data_prep.dataset.schema import Label
from data_prep.errors import InputError

_SOURCE_BY_WORD = (("unbalanced", "unbal_train"), ("balanced", "bal_train"), ("eval", "eval"))
_TIME_TOLERANCE_S = 0.0015  # the lists are in milliseconds, the records in float32 seconds


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Rows of a list without features: those whose shard was not read, and those missing in a shard that was read."""

    file: str
    n_rows: int
    without_shard: int
    lost: Mapping[str, list[str]]  # shard -> video ids


class SegmentList:
    """One list, and counts of how the clips read so far differ from it. Two million rows take some 80 MB."""

    def __init__(self, path: Path, labels: Sequence[Label]) -> None:
        self.file = path.name
        self.source = _source_of(path)
        rows = read_rows(path, [label.mid for label in labels])
        ids = rows.ids
        self._times = rows.times  # in the order of the list
        self._order = np.lexsort((rows.times[:, 0], ids))
        self._ids = ids[self._order]  # sorted, so that a clip is found by binary search
        same_start = np.diff(rows.times[self._order, 0]) <= _TIME_TOLERANCE_S
        twice = np.flatnonzero((self._ids[1:] == self._ids[:-1]) & same_start)
        if len(twice):
            row = self._order[twice[0] + 1]
            raise InputError(f"{path}, line {rows.lines[row]}: {ids[row].decode()!r} is listed a second time")
        self._labels = rows.labels
        self._read = np.zeros(len(ids), bool)
        self.unlisted = 0
        self.other_times = 0
        self.other_labels = 0

    def compare(self, clips: ParsedRecords, among: Int64Array) -> None:
        """Compare the clips with indices `among`, int64[m], all of this list's source, with the list."""
        if not len(among):
            return
        wanted = np.array(clips.video_id, dtype="S")[among]
        places, ends = (np.searchsorted(self._ids, wanted, side) for side in ("left", "right"))
        listed = places < ends
        for clip in np.flatnonzero(ends - places > 1).tolist():  # several of one video: that with the nearest start
            starts = self._times[self._order[places[clip] : ends[clip]], 0]
            places[clip] += np.abs(starts - clips.start_s[among[clip]]).argmin()
        rows, at = self._order[places[listed]], among[listed]
        self._read[rows] = True
        self.unlisted += int((~listed).sum())
        times = np.stack([clips.start_s[at], clips.end_s[at]], axis=1)
        self.other_times += int((np.abs(self._times[rows] - times) > _TIME_TOLERANCE_S).any(axis=1).sum())
        self.other_labels += int(self._labels.take(rows).differ(clips.labels.take(at)).sum())

    def shards(self) -> set[tuple[str, str]]:
        """Return (folder, key) of every shard that holds listed clips."""
        return {(self.source, key.decode()) for key in np.unique(self._ids.astype("S2"))}

    def shortfall(self, shards: Mapping[str, str]) -> Shortfall:
        """Return the rows that were not read. `shards`: names of the shards of this source that were read, by key."""
        lost: dict[str, list[str]] = {}
        without_shard = 0
        unseen = np.flatnonzero(~self._read[self._order])
        for video_id in self._ids[unseen].astype(str).tolist():
            if video_id[:2] in shards:
                lost.setdefault(shards[video_id[:2]], []).append(video_id)
            else:
                without_shard += 1
        return Shortfall(self.file, len(self._ids), without_shard, lost)


def _source_of(path: Path) -> str:
    for word, source in _SOURCE_BY_WORD:
        if word in path.name:
            return source
    raise InputError(
        f"{path}: its name does not state its split; expected balanced_train_segments.csv, "
        "unbalanced_train_segments.csv or eval_segments.csv"
    )
