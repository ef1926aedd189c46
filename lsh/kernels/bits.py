"""Bits of a 64-bit word, by the CPU's own count of them."""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from lsh.kernels.jit import kernel

_ONE = np.uint64(1)


def _popcount(_context: Any, _word: Any) -> Any:
    def generate(_typing: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        count = builder.module.declare_intrinsic("llvm.ctpop", [ir.IntType(64)])
        return builder.call(count, [arguments[0]])

    return types.uint64(types.uint64), generate


# Counts the bits of a uint64 with the CPU's own instruction, 512 bits at once where it can.
popcount: Any = intrinsic(_popcount)


@kernel
def without_lowest(word: np.uint64) -> np.uint64:
    """Return a word less the lowest of its bits that are set."""
    return word & (word - _ONE)


@kernel
def lowest(word: np.uint64) -> int:
    """Return the place of the lowest bit that is set: below it are as many places."""
    return int(popcount((word ^ without_lowest(word)) - _ONE))


@kernel
def highest(word: np.uint64) -> int:
    """Return the place of the highest bit that is set: copied to all places below, it is their number less one."""
    for shift in (1, 2, 4, 8, 16, 32):
        word |= word >> np.uint64(shift)
    return int(popcount(word)) - 1
