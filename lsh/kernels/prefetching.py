"""One instruction of the CPU for which Python has no word: ask for memory before it is needed."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

_BYTES = ir.IntType(8).as_pointer()
_NUMBER = ir.IntType(32)
_NAME = "llvm.prefetch.p0i8"


def _prefetch(_context: Any, array: Any, index: Any) -> Any:
    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        data = context.make_array(array)(context, builder, arguments[0]).data
        address = builder.bitcast(builder.gep(data, [arguments[1]]), _BYTES)
        kind = ir.FunctionType(ir.VoidType(), [_BYTES, _NUMBER, _NUMBER, _NUMBER])
        known = builder.module.globals.get(_NAME)
        to_read, for_long, not_code = (ir.Constant(_NUMBER, value) for value in (0, 3, 1))
        builder.call(known or ir.Function(builder.module, kind, _NAME), [address, to_read, for_long, not_code])
        return context.get_dummy_value()

    return types.void(array, index), generate


# prefetch(array, i): begin to bring element i of an array, counted flat, into the cache, and do not wait for it. The
# memory of 40 vectors that lie anywhere then comes all at once, where it would come one after another.
prefetch: Any = intrinsic(_prefetch)
