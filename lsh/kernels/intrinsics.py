"""CPU instructions as numba intrinsics (bit count, prefetch, decoding, FMA), and bit operations built on them."""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from lsh.kernels.jit import kernel

_ONE = np.uint64(1)
_BYTES = ir.IntType(8).as_pointer()
_INT32 = ir.IntType(32)
_FLOAT = ir.FloatType()
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


def _decode(_context: Any, stored: Any, scale: Any, offset: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        value, factor, term = arguments
        if stored == types.uint8:
            return builder.fma(builder.uitofp(value, _FLOAT), factor, term)
        if stored == types.uint16:
            return _half_to_float(builder, value)
        return value

    return types.float32(stored, scale, offset), generate


def _fma(_context: Any, _factor: Any, _other: Any, _term: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.fma(*arguments)

    return types.float32(types.float32, types.float32, types.float32), generate


def _half_to_float(builder: Any, half: Any) -> Any:
    """Return the float32 of a finite float16, given as the bits of it.

    Both have a sign, an exponent and a mantissa; shifted by 13 bits, exponent and mantissa are those of the value times
    2^-112. Not every processor has an instruction for it, and LLVM would then call a function that may be missing.
    """
    bits = builder.zext(half, _INT32)
    magnitude = builder.shl(builder.and_(bits, ir.Constant(_INT32, 0x7FFF)), ir.Constant(_INT32, 13))
    sign = builder.shl(builder.and_(bits, ir.Constant(_INT32, 0x8000)), ir.Constant(_INT32, 16))
    value = builder.fmul(builder.bitcast(magnitude, _FLOAT), ir.Constant(_FLOAT, 2.0**112))
    return builder.bitcast(builder.or_(builder.bitcast(value, _INT32), sign), _FLOAT)


# popcount(word): the number of bits set in a uint64, vectorised to 512 bits at once where the CPU can.
popcount: Any = intrinsic(_popcount)

# prefetch(array, i): begin to load element i of an array, by flat index, into the cache without waiting for it. Vectors
# at random positions in memory are then loaded in parallel instead of one after another.
prefetch: Any = intrinsic(_prefetch)

# decode(stored, scale, offset): the float32 that a stored value stands for: of a uint8 scale * stored + offset, rounded
# once; of a uint16 the float16 with these bits, which is finite; of a float32 itself.
decode: Any = intrinsic(_decode)

# fma(a, b, c): a * b + c of float32, rounded once.
fma: Any = intrinsic(_fma)


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
