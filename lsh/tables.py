"""Hash tables as sorted arrays, so that one table serves every key length.

A table is the list of all keys in sorted order beside the ids in the same order. Keys are left-aligned, so those that
share their first K symbols stand together, for every K: the bucket at any K is one contiguous range, found by binary
search. Nothing is rebuilt when K changes, and L tables are simply the first L (LSH Forest: M. Bawa, T. Condie,
P. Ganesan, "LSH forest: self-tuning indexes for similarity search", WWW 2005).
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from lsh.arrays import Int32Array, UInt32Array
from lsh.kernels.hashing import WORD_BITS

_KEYS_A_HEAD_BITS = 3  # heads are as many as there are keys, less a factor of 2^3: a tenth of the memory of the ids
_MOST_HEAD_BITS = 14  # so that a file of millions is loaded in an instant


@dataclass(frozen=True, slots=True)
class Tables:
    """keys: uint32[n_tables, n, n_words], sorted within a table; ids: int32[n_tables, n]. Read-only, all of them.

    starts: int32[n_tables, 2^h + 1], where the keys that begin with each number of h bits begin (see `bucket_by_head`).
    """

    keys: UInt32Array
    ids: Int32Array
    starts: Int32Array

    @classmethod
    def from_arrays(cls, keys: UInt32Array, ids: Int32Array) -> Self:
        """Return tables of sorted keys, and find where each head begins."""
        n = keys.shape[1]
        head_bits = min(max(n.bit_length() - _KEYS_A_HEAD_BITS, 1), _MOST_HEAD_BITS)
        heads = np.arange(2**head_bits, dtype=np.uint32) << np.uint32(WORD_BITS - head_bits)
        starts = np.full((len(keys), len(heads) + 1), n, np.int32)
        for table, sorted_keys in enumerate(keys):
            starts[table, :-1] = np.searchsorted(sorted_keys[:, 0], heads)
        starts.flags.writeable = False
        return cls(keys, ids, starts)

    def first(self, n_tables: int) -> "Tables":
        """Return the first `n_tables` tables, as a view."""
        return Tables(self.keys[:n_tables], self.ids[:n_tables], self.starts[:n_tables])

    @property
    def nbytes(self) -> int:
        """Return the bytes that the tables take."""
        return self.keys.nbytes + self.ids.nbytes + self.starts.nbytes


def build_tables(keys: UInt32Array) -> Tables:
    """Sort each table's keys (uint32[n_tables, n, n_words], in order of id; sorted in place)."""
    n_tables, n, _ = keys.shape
    ids = np.empty((n_tables, n), np.int32)
    for table in range(n_tables):
        order = np.lexsort(keys[table].T[::-1])  # the first word decides; equal keys stay in order of id
        keys[table], ids[table] = keys[table, order], order
    keys.flags.writeable = ids.flags.writeable = False
    return Tables.from_arrays(keys, ids)
