"""Byte shuffles as numba intrinsics: the instructions of each processor that `fast_scan` is made of."""

import platform
from collections.abc import Sequence
from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils, codegen
from numba.extending import intrinsic

BLOCK = 32  # sketches
BLOCK_BYTES = 1024
ROWS = 32  # of a block, each with one byte of every sketch: the codes of two pairs of coordinates
CODES = 16

_declare: Any = cgutils.get_or_insert_function  # untyped
_I16, _I32, _I64, _FLOAT = ir.IntType(16), ir.IntType(32), ir.IntType(64), ir.FloatType()
_SHUFFLES = {  # by variant: bytes of a register, LLVM's name of the instruction
    "avx512": (64, "llvm.x86.avx512.pshuf.b.512"),
    "avx2": (32, "llvm.x86.avx2.pshuf.b"),
    "ssse3": (16, "llvm.x86.ssse3.pshuf.b.128"),
    "neon": (16, "llvm.aarch64.neon.tbl1.v16i8"),
}
_NEEDS = {"avx512": "avx512bw", "avx2": "avx2", "ssse3": "ssse3"}  # features, as LLVM names them


def available() -> list[str]:
    """Return the variants that this processor can run, the fastest first."""
    config: Any = numba.config
    host: Any = codegen.get_host_cpu_features
    features = (host() if config.CPU_FEATURES is None else config.CPU_FEATURES).split(",")
    found = [variant for variant, feature in _NEEDS.items() if f"+{feature}" in features]
    if platform.machine().lower() in {"arm64", "aarch64"}:
        found.append("neon")
    return [*found, "portable"]


def score_block(variant: str) -> Any:
    """Return an intrinsic with the arguments and the result of `fast_scan._score_portably`."""
    width, name = _SHUFFLES[variant]
    bytes_type = ir.VectorType(ir.IntType(8), width)

    def generator(
        _context: Any,
        codes: Any,
        tables: Any,
        _block: Any,
        terms: Any,
        _first: Any,
        _step: Any,
        _bias: Any,
        _offset: Any,
        _limit: Any,
        out: Any,
    ) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            arrays = {k: context.make_array(signature.args[k])(context, builder, arguments[k]) for k in (0, 1, 3, 9)}
            shuffle = _declare(builder.module, ir.FunctionType(bytes_type, [bytes_type] * 2), name)
            codes = builder.gep(arrays[0].data, [builder.mul(arguments[2], ir.Constant(_I64, BLOCK_BYTES))])
            sums = emit_sums(builder, shuffle, codes, arrays[1].data)
            factors = builder.gep(arrays[3].data, [arguments[4]])
            penalties = builder.gep(factors, [builder.extract_value(arrays[3].shape, 1)])
            return emit_scores(builder, sums, (factors, penalties, arrays[9].data), arguments[5:9])

        numbers = [types.float32] * 4  # step, bias, offset, limit
        return types.uint64(codes, tables, types.int64, terms, types.int64, *numbers, out), generate

    return intrinsic(generator)


def _constant(kind: Any, value: int) -> Any:
    return ir.Constant(kind, [value] * kind.count)


def _load(builder: Any, pointer: Any, at: int, kind: Any) -> Any:
    place = builder.gep(pointer, [ir.Constant(_I64, at)])
    return builder.load(builder.bitcast(place, kind.as_pointer()), align=1)


def emit_sums(builder: Any, shuffle: Any, codes: Any, tables: Any) -> list[tuple[int, Any]]:
    """Emit the look-ups of one block; return the sums as vectors of 16-bit numbers, each with its first sketch.

    Numbers of four tables are added in eight bits, and these sums in sixteen, in two registers: of the bytes at even
    places, which are those of the first half of the sketches, and at odd ones.
    """
    bytes_type = shuffle.function_type.return_type
    words_type = ir.VectorType(_I16, bytes_type.count // 2)
    low, four, eight = _constant(bytes_type, 15), _constant(words_type, 4), _constant(words_type, 8)
    n_rows = max(1, bytes_type.count // BLOCK)  # that a register holds
    found = []
    for part in range(0, BLOCK, bytes_type.count):
        even = odd = _constant(words_type, 0)
        for first in range(0, ROWS, 2 * n_rows):
            added = _constant(bytes_type, 0)
            for row in (first, first + n_rows):
                both = _load(builder, codes, BLOCK * row + part, bytes_type)
                upper = builder.lshr(builder.bitcast(both, words_type), four)
                for half, bits in enumerate((both, builder.bitcast(upper, bytes_type))):
                    table = _load(builder, tables, row // 2 * 128 + row % 2 * 32 + 64 * half, bytes_type)
                    added = builder.add(added, builder.call(shuffle, [table, builder.and_(bits, low)]))
            words = builder.bitcast(added, words_type)
            even, odd = builder.add(even, words), builder.add(odd, builder.lshr(words, eight))
        even = builder.sub(even, builder.shl(odd, eight))
        for start, lanes in ((0, even), (BLOCK // 2, odd)):
            if n_rows == 2:  # the halves of a register hold sums of different rows
                lanes = builder.add(_half(builder, lanes, 0), _half(builder, lanes, 1))  # noqa: PLW2901
            found.append((start + part // 2, lanes))
    return found


def _half(builder: Any, lanes: Any, number: int) -> Any:
    count = lanes.type.count // 2
    places = ir.Constant(ir.VectorType(_I32, count), list(range(number * count, (number + 1) * count)))
    return builder.shuffle_vector(lanes, ir.Constant(lanes.type, ir.Undefined), places)


def emit_scores(builder: Any, sums: list[tuple[int, Any]], pointers: Sequence[Any], numbers: Sequence[Any]) -> Any:
    """Emit the estimates from the sums of one block, their storage, and the comparison with the limit.

    pointers: to factors, penalties and the estimates; numbers: step, bias, offset and limit.
    """
    factors, penalties, out = pointers
    mask = ir.Constant(_I64, 0)
    for start, lanes in sums:
        kind = ir.VectorType(_FLOAT, lanes.type.count)
        step, bias, offset, limit = (_broadcast(builder, number, kind) for number in numbers)
        total = builder.sitofp(builder.zext(lanes, ir.VectorType(_I32, kind.count)), kind)
        product = builder.fmul(_load(builder, factors, start, kind), builder.fadd(builder.fmul(step, total), bias))
        score = builder.fadd(builder.fsub(product, _load(builder, penalties, start, kind)), offset)
        place = builder.bitcast(builder.gep(out, [ir.Constant(_I64, start)]), kind.as_pointer())
        builder.store(score, place, align=4)
        above = builder.bitcast(builder.fcmp_ordered(">", score, limit), ir.IntType(kind.count))
        mask = builder.or_(mask, builder.shl(builder.zext(above, _I64), ir.Constant(_I64, start)))
    return mask


def _broadcast(builder: Any, number: Any, kind: Any) -> Any:
    undefined, first = ir.Constant(kind, ir.Undefined), ir.Constant(_I32, 0)
    places = _constant(ir.VectorType(_I32, kind.count), 0)
    return builder.shuffle_vector(builder.insert_element(undefined, number, first), undefined, places)


def _write_table(_context: Any, tables: Any, _at: Any, _first: Any, _second: Any, _least: Any) -> Any:
    """Return what writes the integer parts of first * f + second * s - least, of the codes f + 4s, to two places.

    LLVM does not vectorise such a loop.
    """
    kind = ir.VectorType(_FLOAT, CODES)
    firsts, seconds = [float(code % 4) for code in range(CODES)], [float(code // 4) for code in range(CODES)]

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        a, b, c = (_broadcast(builder, number, kind) for number in arguments[2:])
        products = builder.fmul(a, ir.Constant(kind, firsts)), builder.fmul(b, ir.Constant(kind, seconds))
        numbers = builder.fptosi(builder.fsub(builder.fadd(*products), c), ir.VectorType(_I32, CODES))
        table = builder.trunc(numbers, ir.VectorType(ir.IntType(8), CODES))
        for copy in range(2):
            place = builder.gep(data, [builder.add(arguments[1], ir.Constant(_I64, CODES * copy))])
            builder.store(table, builder.bitcast(place, table.type.as_pointer()), align=1)
        return context.get_dummy_value()

    return types.void(tables, types.int64, *[types.float32] * 3), generate


# fill_table(tables, at, first, second, least): write the table of a pair of coordinates twice, from `at` on.
fill_table: Any = intrinsic(_write_table)
