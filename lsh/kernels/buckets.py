"""Bucket lookup: binary search for the keys that share a prefix, in a sorted array of keys.

A key is a row of W left-aligned 32-bit words (see `hashing.pack`), and a bucket at K symbols is the range of sorted
keys that share the query key's first K symbols. Keys are compared like one long number, word by word.
"""

import numpy as np

from lsh.arrays import Int32Array, UInt32Array
from lsh.kernels.hashing import WORD_BITS
from lsh.kernels.intrinsics import popcount
from lsh.kernels.jit import kernel


@kernel
def prefix_mask(n_symbols: int, bits: int, mask: UInt32Array) -> None:
    """Set in mask (uint32[W]) the bits that the first `n_symbols` symbols occupy."""
    per_word = WORD_BITS // bits
    for w in range(mask.shape[0]):
        used = bits * min(max(n_symbols - w * per_word, 0), per_word)
        mask[w] = 0 if used == 0 else np.uint32(0xFFFFFFFF) << np.uint32(WORD_BITS - used)


@kernel
def first_at_least(keys: UInt32Array, key: UInt32Array, mask: UInt32Array, low: int, high: int, beyond: bool) -> int:
    """Return the first position in keys[low:high] whose masked key is >= the masked key (> when `beyond`)."""
    while low < high:
        middle = (low + high) // 2
        below = beyond  # an equal key counts as below when the first one beyond is wanted
        for w in range(mask.shape[0]):
            a = keys[middle, w] & mask[w]
            b = key[w] & mask[w]
            if a != b:
                below = a < b
                break
        if below:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def find_bucket(keys: UInt32Array, key: UInt32Array, mask: UInt32Array, low: int, high: int) -> tuple[int, int]:
    """Return the range of keys[low:high] that equal `key` under `mask`: the query's bucket in one table."""
    start = first_at_least(keys, key, mask, low, high, False)
    return start, first_at_least(keys, key, mask, start, high, True)


@kernel
def find_bucket_by_head(keys: UInt32Array, starts: Int32Array, key: UInt32Array, mask: UInt32Array) -> tuple[int, int]:
    """Return the same range as `find_bucket` over all keys, faster, by an index of the keys' first bits.

    A head is the first h bits of a key; starts, int32[2^h + 1], holds where the keys of each head begin. A prefix no
    longer than the head needs no search, and a longer one is searched for among the few keys that share its head.
    """
    head_bits = popcount(np.uint64(starts.shape[0] - 2))  # 2^h - 1 has h bits set
    rest_bits = np.uint32(WORD_BITS - head_bits)
    first, last = np.uint32(key[0] & mask[0]) >> rest_bits, np.uint32(key[0] | ~mask[0]) >> rest_bits
    low, high = int(starts[first]), int(starts[last + 1])
    searched = np.uint32(mask[0] << np.uint32(head_bits)) != 0
    for w in range(1, mask.shape[0]):
        searched |= mask[w] != 0
    return find_bucket(keys, key, mask, low, high) if searched else (low, high)
