"""Compact set of clip ids (24-48 bytes each) for duplicate detection."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from data_prep.arrays import Int64Array

_ABSENT = -1
_EMPTY = 0
_FIRST_SIZE = 1 << 16  # initial number of slots


class SeenIds:
    """A set of ids, each with an integer for its origin (the shard in which it was first seen).

    Only Python's 64-bit hash of an id is stored: the chance that any two of two million ids collide is one in eight
    million. The hash table uses linear probing (Knuth, The Art of Computer Programming 3, 6.4), is at most half
    full, and looks up a batch of ids at once.
    """

    def __init__(self) -> None:
        self._hashes = np.full(_FIRST_SIZE, _EMPTY, np.int64)
        self._origins = np.empty(_FIRST_SIZE, np.int32)
        self._n = 0

    def add(self, ids: Sequence[str], origins: npt.NDArray[np.int32]) -> bool:
        """Add ids with their origins and return True; add none and return False if any is not new or occurs twice."""
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
        """Return the origin of each id, -1 for ids not in the set: int32[n]."""
        slots = self._slots(_hashes(ids))
        return np.where(self._hashes[slots] == _EMPTY, np.int32(_ABSENT), self._origins[slots])

    def _put(self, hashes: Int64Array, origins: npt.NDArray[np.int32]) -> None:
        while len(hashes):
            slots = self._slots(hashes)
            self._hashes[slots] = hashes  # where several have one slot, the last is stored
            lost = self._hashes[slots] != hashes
            self._origins[slots[~lost]] = origins[~lost]
            hashes, origins = hashes[lost], origins[lost]

    def _slots(self, hashes: Int64Array) -> Int64Array:
        """Return for each hash the slot that holds it, or the empty slot at which its search ended: int64[n]."""
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
