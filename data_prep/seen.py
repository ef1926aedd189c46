"""Which clips came before: two million ids as Python keeps them would be the biggest thing in a conversion's memory."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from data_prep.arrays import Int64Array

_NOWHERE = -1
_EMPTY = 0
_SLOTS = 1 << 16  # of the first table


class Seen:
    """Ids, each with the number of the place that it came from, in 24 to 48 bytes an id.

    Only Python's hash of an id is kept, 64 bits: of two million ids two agree by chance in one of eight million
    conversions. They lie in a table with linear probing (Knuth, The Art of Computer Programming 3, 6.4), at most half
    full, which a batch of ids goes through together.
    """

    def __init__(self) -> None:
        self._hashes = np.full(_SLOTS, _EMPTY, np.int64)
        self._places = np.empty(_SLOTS, np.int32)
        self._n = 0

    def add(self, ids: Sequence[str], places: npt.NDArray[np.int32]) -> bool:
        """Add ids, each with its place, if all are new and none comes twice; else add none and return False."""
        hashes = _hashes(ids)
        in_order = np.sort(hashes)
        if (in_order[1:] == in_order[:-1]).any() or (self._hashes[self._slots(hashes)] != _EMPTY).any():
            return False
        self._n += len(hashes)
        if 2 * self._n > len(self._hashes):
            full = self._hashes != _EMPTY
            hashes, places = np.append(self._hashes[full], hashes), np.append(self._places[full], places)
            size = 1 << (4 * self._n).bit_length() - 1
            self._hashes, self._places = np.full(size, _EMPTY, np.int64), np.empty(size, np.int32)
        self._put(hashes, places)
        return True

    def places(self, ids: Sequence[str]) -> npt.NDArray[np.int32]:
        """Return the place of each id that was added, or -1: int32[n]."""
        slots = self._slots(_hashes(ids))
        return np.where(self._hashes[slots] == _EMPTY, np.int32(_NOWHERE), self._places[slots])

    def _put(self, hashes: Int64Array, places: npt.NDArray[np.int32]) -> None:
        while len(hashes):
            slots = self._slots(hashes)
            self._hashes[slots] = hashes  # where several want one slot, the last one has it
            late = self._hashes[slots] != hashes
            self._places[slots[~late]] = places[~late]
            hashes, places = hashes[late], places[late]

    def _slots(self, hashes: Int64Array) -> Int64Array:
        """Return, for each hash, the slot that holds it, or the empty one at which looking for it ended."""
        last = len(self._hashes) - 1
        slots = hashes & last
        going_on = np.arange(len(hashes))
        while len(going_on):
            there = self._hashes[slots[going_on]]
            going_on = going_on[(there != _EMPTY) & (there != hashes[going_on])]
            slots[going_on] = slots[going_on] + 1 & last
        return slots


def _hashes(ids: Sequence[str]) -> Int64Array:
    hashes = np.fromiter(map(hash, ids), np.int64, len(ids))
    hashes[hashes == _EMPTY] = 1
    return hashes
