"""Hash tables as sorted arrays, so that one table serves every key length.

A table is the list of all keys in sorted order beside the ids in the same order. Keys are left-aligned, so those that
share their first K symbols stand together, for every K: the bucket at any K is one contiguous range, found by binary
search. Nothing is rebuilt when K changes, and L tables are simply the first L (LSH Forest: M. Bawa, T. Condie,
P. Ganesan, "LSH forest: self-tuning indexes for similarity search", WWW 2005).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Tables:
    """keys: uint32[n_tables, n, n_words], sorted within a table; ids: int32[n_tables, n]. Both read-only."""

    keys: npt.NDArray[np.uint32]
    ids: npt.NDArray[np.int32]

    def first(self, n_tables: int) -> "Tables":
        """Return the first `n_tables` tables, as a view."""
        return Tables(self.keys[:n_tables], self.ids[:n_tables])

    @property
    def nbytes(self) -> int:
        """Return the bytes that the tables take."""
        return self.keys.nbytes + self.ids.nbytes


def build_tables(keys: npt.NDArray[np.uint32]) -> Tables:
    """Sort each table's keys (uint32[n_tables, n, n_words], in order of id; sorted in place)."""
    n_tables, n, _ = keys.shape
    ids = np.empty((n_tables, n), np.int32)
    for table in range(n_tables):
        order = np.lexsort(keys[table].T[::-1])  # the first word decides; equal keys stay in order of id
        keys[table], ids[table] = keys[table, order], order
    keys.flags.writeable = ids.flags.writeable = False
    return Tables(keys, ids)
