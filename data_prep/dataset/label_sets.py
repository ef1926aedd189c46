"""Label sets: the labels of many rows in two arrays (offsets and values, as in a CSR matrix)."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from data_prep.arrays import BoolArray, Int64Array


def run_indices(first: Int64Array, lengths: Int64Array) -> Int64Array:
    """Return first[0] .. first[0] + lengths[0] - 1, then the same for the next run, ...: int64[sum(lengths)]."""
    before = np.cumsum(lengths) - lengths
    return np.repeat(first - before, lengths) + np.arange(lengths.sum())


class LabelSets(NamedTuple):
    """The labels of rows, concatenated: those of row i are `values[offsets[i]:offsets[i + 1]]`.

    `offsets`: int64[n + 1], the first 0; `values`: integers[m], indices into the label table. Functions of `lsh`
    that take labels accept this pair.
    """

    offsets: Int64Array
    values: npt.NDArray[Any]

    @classmethod
    def from_rows(cls, rows: Sequence[Sequence[int]] | LabelSets) -> LabelSets:
        """Convert a list of labels per row."""
        if isinstance(rows, LabelSets):
            return rows
        offsets = np.zeros(len(rows) + 1, np.int64)
        np.cumsum(np.fromiter(map(len, rows), np.int64, len(rows)), out=offsets[1:])
        return cls(offsets, np.fromiter(chain.from_iterable(rows), np.int64, offsets[-1]))

    @property
    def n_rows(self) -> int:
        """The number of rows."""
        return len(self.offsets) - 1

    @property
    def rows(self) -> Int64Array:
        """The row of each label: int64[m]."""
        return np.repeat(np.arange(self.n_rows), np.diff(self.offsets))

    def take(self, rows: Int64Array) -> LabelSets:
        """Return the labels of some rows, int64[m], in the given order."""
        lengths = self.offsets[rows + 1] - self.offsets[rows]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        return LabelSets(offsets, self.values[run_indices(self.offsets[rows], lengths)])

    def repeats(self) -> BoolArray:
        """Return which labels occur earlier in the same row: bool[m]."""
        rows, repeats = self.rows, np.zeros(len(self.values), bool)
        if ((np.diff(self.values) > 0) | (np.diff(rows) > 0)).all():  # strictly ascending, as in AudioSet
            return repeats
        order = np.lexsort((self.values, rows))  # stable: the first of equal labels stays first
        again = (np.diff(rows[order]) == 0) & (np.diff(self.values[order]) == 0)
        repeats[order[1:][again]] = True
        return repeats

    def without_repeats(self) -> LabelSets:
        """Return each row's distinct labels, in the order of their first occurrence."""
        repeats = self.repeats()
        if not repeats.any():
            return self
        before = np.concatenate([[0], np.cumsum(repeats)])
        return LabelSets(self.offsets - before[self.offsets], self.values[~repeats])

    def differ(self, other: LabelSets) -> BoolArray:
        """Return which rows have a different set of labels in `other`, regardless of order: bool[n]."""
        lengths = np.diff(self.offsets)
        differ: BoolArray = lengths != np.diff(other.offsets)
        alike = np.flatnonzero(~differ)
        one, two = self.take(alike), other.take(alike)
        differ[alike[one.rows[_sorted_keys(one) != _sorted_keys(two)]]] = True
        return differ


def _sorted_keys(sets: LabelSets) -> Int64Array:
    """Return one number per label, sorted by row, then by label."""
    return np.sort(sets.rows << 32 | sets.values.astype(np.int64))
