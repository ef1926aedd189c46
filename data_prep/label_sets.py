"""The labels of many clips as two arrays: lists of lists would take a good part of a conversion's time."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

Integers = npt.NDArray[np.integer[Any]]


def places_of_runs(first: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the places in some runs, one after another: int64[sum(lengths)]; a run is `lengths` from `first` on."""
    before = np.cumsum(lengths) - lengths
    return np.repeat(first - before, lengths) + np.arange(lengths.sum())


@dataclass(frozen=True, slots=True, eq=False)
class LabelSets:
    """The labels of clips, one clip after another: those of clip i are `labels[ends[i] : ends[i + 1]]`.

    `labels`: integers[sum], indices into the label table; `ends`: int64[n + 1], the first 0.
    """

    labels: Integers
    ends: npt.NDArray[np.int64]

    @classmethod
    def of(cls, rows: Sequence[Sequence[int]] | LabelSets) -> LabelSets:
        """Return rows of labels in this form."""
        if isinstance(rows, LabelSets):
            return rows
        ends = np.zeros(len(rows) + 1, np.int64)
        np.cumsum(np.fromiter(map(len, rows), np.int64, len(rows)), out=ends[1:])
        return cls(np.fromiter(chain.from_iterable(rows), np.int64, ends[-1]), ends)

    def __len__(self) -> int:
        """Return the number of clips."""
        return len(self.ends) - 1

    def __getitem__(self, clip: int) -> list[int]:
        """Return one clip's labels."""
        found: list[int] = self.labels[self.ends[clip] : self.ends[clip + 1]].tolist()
        return found

    @property
    def clips(self) -> npt.NDArray[np.int64]:
        """The clip of each label: int64[sum]."""
        return np.repeat(np.arange(len(self)), np.diff(self.ends))

    def take(self, clips: npt.NDArray[np.int64]) -> Self:
        """Return the labels of some clips, in the order in which they are asked for."""
        lengths = self.ends[clips + 1] - self.ends[clips]
        ends = np.concatenate([[0], np.cumsum(lengths)])
        return type(self)(self.labels[places_of_runs(self.ends[clips], lengths)], ends)

    def repeats(self) -> npt.NDArray[np.bool_]:
        """Say which labels their clip has carried before: bool[sum]."""
        clips, repeats = self.clips, np.zeros(len(self.labels), bool)
        if ((np.diff(self.labels) > 0) | (np.diff(clips) > 0)).all():  # as AudioSet has them
            return repeats
        order = np.lexsort((self.labels, clips))  # stable: the first of equal labels stays first
        again = (np.diff(clips[order]) == 0) & (np.diff(self.labels[order]) == 0)
        repeats[order[1:][again]] = True
        return repeats

    def without_repeats(self) -> Self:
        """Return each clip's labels, each once, in the order in which they come."""
        repeats = self.repeats()
        if not repeats.any():
            return self
        before = np.concatenate([[0], np.cumsum(repeats)])
        return type(self)(self.labels[~repeats], self.ends - before[self.ends])

    def differ(self, other: LabelSets) -> npt.NDArray[np.bool_]:
        """Say which clips carry other labels than the same clip in `other`, in whatever order: bool[n]."""
        lengths = np.diff(self.ends)
        differ: npt.NDArray[np.bool_] = lengths != np.diff(other.ends)
        alike = np.flatnonzero(~differ)
        one, two = self.take(alike), other.take(alike)
        differ[alike[one.clips[one._sorted() != two._sorted()]]] = True  # noqa: SLF001
        return differ

    def _sorted(self) -> npt.NDArray[np.int64]:
        """Return one number a label, sorted: clip by clip, and by label in each."""
        return np.sort(self.clips << 32 | self.labels.astype(np.int64))
