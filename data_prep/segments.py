"""AudioSet's lists of segments: which clips were published, so that a missing one is noticed.

A clip's record is the truth about its times and labels; the list is the truth about which clips there should be.
"""

import re
from array import array
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_prep.errors import InputError
from data_prep.labels import read_csv
from data_prep.schema import Label
from data_prep.tfrecord import ParsedRecords

_HEADER = ["# YTID", "start_seconds", "end_seconds", "positive_labels"]
_SOURCE_BY_WORD = (("unbalanced", "unbal_train"), ("balanced", "bal_train"), ("eval", "eval"))
_TIME_TOLERANCE_S = 0.0015  # the lists are in milliseconds, the records in float32 seconds


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Rows of a list without features: those whose shard is not here, and those whose shard is here without them."""

    file: str
    n_rows: int
    without_shard: int
    lost: Mapping[str, list[str]]  # shard -> video ids


class SegmentList:
    """One published list, and what the clips seen so far say of it."""

    def __init__(self, path: Path, labels: Sequence[Label]) -> None:
        self.file = path.name
        self.source = _source_of(path)
        self._row: dict[str, int] = {}
        self._times = array("d")
        self._label_ends = array("q", [0])
        self._labels = array("h")
        self._read(path, {label.mid: index for index, label in enumerate(labels)})
        self._seen = bytearray(len(self._row))
        self.unlisted = 0
        self.other_times = 0
        self.other_labels = 0

    def check(self, clips: ParsedRecords, among: Iterable[int]) -> None:
        """Compare some clips of this list's source (by their places) with what the list says of them."""
        for i in among:
            row = self._row.get(clips.video_id[i])
            if row is None:
                self.unlisted += 1
                continue
            self._seen[row] = True
            start_s, end_s = self._times[2 * row : 2 * row + 2]
            off = max(abs(start_s - clips.start_s[i]), abs(end_s - clips.end_s[i]))
            labels = self._labels[self._label_ends[row] : self._label_ends[row + 1]]
            self.other_times += bool(off > _TIME_TOLERANCE_S)
            self.other_labels += sorted(labels) != sorted(clips.labels[i])

    def shards(self) -> set[tuple[str, str]]:
        """Return (folder, key) of every shard that the listed clips lie in."""
        return {(self.source, video_id[:2]) for video_id in self._row}

    def shortfall(self, shards: Collection[str]) -> Shortfall:
        """Count the rows not seen. `shards`: the keys of this source's shards, by which AudioSet divides video ids."""
        lost: dict[str, list[str]] = {}
        without_shard = 0
        for video_id, row in self._row.items():
            if self._seen[row]:
                continue
            if video_id[:2] in shards:
                lost.setdefault(f"{self.source}/{video_id[:2]}.tfrecord", []).append(video_id)
            else:
                without_shard += 1
        return Shortfall(self.file, len(self._row), without_shard, lost)

    def _read(self, path: Path, index_of_mid: Mapping[str, int]) -> None:
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
                self._add(row, index_of_mid, f"{path}, line {line}")
        if not self._row or (promised is not None and promised != len(self._row)):
            raise InputError(f"{path} has {len(self._row):,} rows, its head promises {promised}: get it again")

    def _add(self, row: list[str], index_of_mid: Mapping[str, int], where: str) -> None:
        try:
            video_id, start_s, end_s, mids = row
            self._times.extend((float(start_s), float(end_s)))
            self._labels.extend(index_of_mid[mid] for mid in mids.split(","))
        except KeyError as error:
            raise InputError(f"{where}: label {error} is not in the label table") from None
        except ValueError:
            raise InputError(f"{where}: {', '.join(row)!r:.80} is not {', '.join(_HEADER)!r}") from None
        if video_id in self._row:
            raise InputError(f"{where}: {video_id!r} is listed a second time")
        self._row[video_id] = len(self._row)
        self._label_ends.append(len(self._labels))


def _source_of(path: Path) -> str:
    for word, source in _SOURCE_BY_WORD:
        if word in path.name:
            return source
    raise InputError(
        f"{path}: which split it lists is told by its name, expected balanced_train_segments.csv, "
        "unbalanced_train_segments.csv or eval_segments.csv"
    )
