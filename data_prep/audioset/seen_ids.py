"""Compact set of clip ids (24-48 bytes each) for duplicate detection."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from data_prep.arrays import Int64Array

_ABSENT = -1
_EMPTY = 0
_FIRST_SIZE = 1 << 16  # slots of the first table


class SeenIds:
    """Ids, each with the number of its origin.

    Only Python's 64-bit hash of an id is stored: among two million ids two agree by chance in one of eight million
    conversions. The hashes lie in a table with linear probing (Knuth, The Art of Computer Programming 3, 6.4), at most
    half full, in which a batch of ids is looked up at once.
    """

    def __init__(self) -> None:
        self._hashes = np.full(_FIRST_SIZE, _EMPTY, np.int64)
        self._origins = np.empty(_FIRST_SIZE, np.int32)
        self._n = 0

    def add(self, ids: Sequence[str], origins: npt.NDArray[np.int32]) -> bool:
        """Add ids with their origins if all are new and none occurs twice; else add none and return False."""
        hashes = _hashes(ids)
        in_order = np.sort(hashes)
        if (in_order[1:] == in_order[:-1]).any() or (self._hashes[self._slots(hashes)] != _EMPTY).any():
            return False
        self._n += len(hashes)
        if 2 * self._n > len(self._hashes):
            full = self._hashes != _EMPTY
            hashes, origins = np.append(self._hashes[full], hashes), np.append(self._origins[full], origins)
            size = 1 << (4 * self._n).bit_length() - 1
            self._hashes, self._origins = np.full(size, _EMPTY, np.int64), np.empty(size, np.int32)
        self._put(hashes, origins)
        return True

    def origins(self, ids: Sequence[str]) -> npt.NDArray[np.int32]:
        """Return the origin of each id that was added, -1 for others: int32[n]."""
        slots = self._slots(_hashes(ids))
        return np.where(self._hashes[slots] == _EMPTY, np.int32(_ABSENT), self._origins[slots])

    def _put(self, hashes: Int64Array, origins: npt.NDArray[np.int32]) -> None:
        while len(hashes):
            slots = self._slots(hashes)
            self._hashes[slots] = hashes  # of several for one slot the last is stored
            lost = self._hashes[slots] != hashes
            self._origins[slots[~lost]] = origins[~lost]
            hashes, origins = hashes[lost], origins[lost]

    def _slots(self, hashes: Int64Array) -> Int64Array:
        """Return, for each hash, the slot that holds it, or the empty one at which its search ended."""
        last = len(self._hashes) - 1
        slots = hashes & last
        searching = np.arange(len(hashes))
        while len(searching):
            there = self._hashes[slots[searching]]
            searching = searching[(there != _EMPTY) & (there != hashes[searching])]
            slots[searching] = slots[searching] + 1 & last
        return slots


def _hashes(ids: Sequence[str]) -> Int64Array:
    hashes = np.fromiter(map(hash, ids), np.int64, len(ids))
    hashes[hashes == _EMPTY] = 1
    return hashes
