"""AudioSet's lists of segments: which clips were published, so that a missing one is noticed.

A clip's record is the truth about its times and labels; the list is the truth about which clips there should be.
"""

import re
from array import array
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_prep.errors import InputError
from data_prep.label_sets import LabelSets
from data_prep.labels import read_csv
from data_prep.schema import Label
from data_prep.tfrecord import ParsedRecords

_HEADER = ["# YTID", "start_seconds", "end_seconds", "positive_labels"]
_SOURCE_BY_WORD = (("unbalanced", "unbal_train"), ("balanced", "bal_train"), ("eval", "eval"))
_LONGEST_ID = 64
_TIME_TOLERANCE_S = 0.0015  # the lists are in milliseconds, the records in float32 seconds


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Rows of a list without features: those whose shard is not here, and those whose shard is here without them."""

    file: str
    n_rows: int
    without_shard: int
    lost: Mapping[str, list[str]]  # shard -> video ids


class SegmentList:
    """One published list, and what the clips seen so far say of it. Two million rows take some 80 MB."""

    def __init__(self, path: Path, labels: Sequence[Label]) -> None:
        self.file = path.name
        self.source = _source_of(path)
        rows = _Rows(path, {label.mid: index for index, label in enumerate(labels)})
        ids = np.array(rows.ids, dtype="S")
        self._order = np.argsort(ids, kind="stable")
        self._ids = ids[self._order]  # sorted, so that a clip is found by binary search
        twice = np.flatnonzero(self._ids[1:] == self._ids[:-1])
        if len(twice):
            row = self._order[twice[0] + 1]
            raise InputError(f"{path}, line {rows.lines[row]}: {rows.ids[row].decode()!r} is listed a second time")
        self._times = np.array(rows.times).reshape(-1, 2)  # in the order of the list, as what follows
        self._labels = LabelSets(np.array(rows.labels), np.array(rows.label_ends))
        self._seen = np.zeros(len(ids), bool)
        self.unlisted = 0
        self.other_times = 0
        self.other_labels = 0

    def check(self, clips: ParsedRecords, among: Sequence[int]) -> None:
        """Compare some clips of this list's source (by their places) with what the list says of them."""
        if not among:
            return
        wanted = np.array([clips.video_id[i] for i in among], dtype="S")
        places = np.searchsorted(self._ids, wanted).clip(max=len(self._ids) - 1)
        listed = self._ids[places] == wanted
        rows, at = self._order[places[listed]], np.asarray(among)[listed]
        self._seen[rows] = True
        self.unlisted += int((~listed).sum())
        times = np.stack([clips.start_s[at], clips.end_s[at]], axis=1)
        self.other_times += int((np.abs(self._times[rows] - times) > _TIME_TOLERANCE_S).any(axis=1).sum())
        self.other_labels += int(self._labels.take(rows).differ(clips.labels.take(at)).sum())

    def shards(self) -> set[tuple[str, str]]:
        """Return (folder, key) of every shard that the listed clips lie in."""
        return {(self.source, key.decode()) for key in np.unique(self._ids.astype("S2"))}

    def shortfall(self, shards: Collection[str]) -> Shortfall:
        """Count the rows not seen. `shards`: the keys of this source's shards, by which AudioSet divides video ids."""
        lost: dict[str, list[str]] = {}
        without_shard = 0
        unseen = np.flatnonzero(~self._seen[self._order])
        for video_id in self._ids[unseen].astype(str).tolist():
            if video_id[:2] in shards:
                lost.setdefault(f"{self.source}/{video_id[:2]}.tfrecord", []).append(video_id)
            else:
                without_shard += 1
        return Shortfall(self.file, len(self._ids), without_shard, lost)


class _Rows:
    """The rows of a list, as they are read."""

    def __init__(self, path: Path, index_of_mid: Mapping[str, int]) -> None:
        self.ids: list[bytes] = []
        self.times = array("d")
        self.label_ends = array("q", [0])
        self.labels = array("h")
        self.lines = array("q")
        promised = None
        has_header = False
        for line, row in read_csv(path):
            if row and row[0].startswith("#"):
                counts = re.search(r"num_segs=(\d+)", ",".join(row))
                promised = int(counts[1]) if counts else promised
                has_header = has_header or row == _HEADER
            elif not has_header:
                raise InputError(
                    f"{path} is not one of AudioSet's lists of segments: expected the line {', '.join(_HEADER)!r} "
                    "before the first row"
                )
            else:
                self._add(row, index_of_mid, path, line)
        if not self.ids or (promised is not None and promised != len(self.ids)):
            raise InputError(f"{path} has {len(self.ids):,} rows, its head promises {promised}: get it again")

    def _add(self, row: list[str], index_of_mid: Mapping[str, int], path: Path, line: int) -> None:
        try:
            video_id, start_s, end_s, mids = row
            self.times.append(float(start_s))
            self.times.append(float(end_s))
            self.labels.extend(map(index_of_mid.__getitem__, mids.split(",")))
            self.ids.append(video_id.encode())
            if len(video_id) > _LONGEST_ID:
                raise ValueError(video_id)  # noqa: TRY301  # said below, with the place
        except KeyError as error:
            raise InputError(f"{path}, line {line}: label {error} is not in the label table") from None
        except ValueError:
            raise InputError(f"{path}, line {line}: {', '.join(row)!r:.80} is not {', '.join(_HEADER)!r}") from None
        self.label_ends.append(len(self.labels))
        self.lines.append(line)


def _source_of(path: Path) -> str:
    for word, source in _SOURCE_BY_WORD:
        if word in path.name:
            return source
    raise InputError(
        f"{path}: which split it lists is told by its name, expected balanced_train_segments.csv, "
        "unbalanced_train_segments.csv or eval_segments.csv"
    )
