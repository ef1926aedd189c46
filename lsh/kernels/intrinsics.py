"""CPU instructions as numba intrinsics (population count, prefetch), and bit operations built on them."""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from lsh.kernels.jit import kernel

_ONE = np.uint64(1)
_BYTES = ir.IntType(8).as_pointer()
_INT32 = ir.IntType(32)
_PREFETCH = "llvm.prefetch.p0i8"


def _popcount(_context: Any, _word: Any) -> Any:
    def generate(_typing: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        count = builder.module.declare_intrinsic("llvm.ctpop", [ir.IntType(64)])
        return builder.call(count, [arguments[0]])

    return types.uint64(types.uint64), generate


def _prefetch(_context: Any, array: Any, index: Any) -> Any:
    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        data = context.make_array(array)(context, builder, arguments[0]).data
        address = builder.bitcast(builder.gep(data, [arguments[1]]), _BYTES)
        kind = ir.FunctionType(ir.VoidType(), [_BYTES, _INT32, _INT32, _INT32])
        declared = builder.module.globals.get(_PREFETCH)
        to_read, keep_long, data_cache = (ir.Constant(_INT32, value) for value in (0, 3, 1))
        function = declared or ir.Function(builder.module, kind, _PREFETCH)
        builder.call(function, [address, to_read, keep_long, data_cache])
        return context.get_dummy_value()

    return types.void(array, index), generate


# popcount(word): the number of bits set in a uint64, vectorised to 512 bits at once where the CPU can.
popcount: Any = intrinsic(_popcount)

# prefetch(array, i): begin to load element i of an array, by flat index, into the cache without waiting for it. Vectors
# at random positions in memory are then loaded in parallel instead of one after another.
prefetch: Any = intrinsic(_prefetch)


@kernel
def clear_lowest(word: np.uint64) -> np.uint64:
    """Return a word without the lowest of its set bits."""
    return word & (word - _ONE)


@kernel
def lowest_bit(word: np.uint64) -> int:
    """Return the position of the lowest set bit: the number of positions below it."""
    return int(popcount((word ^ clear_lowest(word)) - _ONE))


@kernel
def highest_bit(word: np.uint64) -> int:
    """Return the position of the highest set bit: copied to all positions below, it is their number less one."""
    for shift in (1, 2, 4, 8, 16, 32):
        word |= word >> np.uint64(shift)
    return int(popcount(word)) - 1
