"""FastScan: estimates of 32 sketches at a time, by table look-ups with the instruction that shuffles bytes.

A code of four bits holds the levels of two adjacent coordinates. For each of the 64 pairs of coordinates, a query has a
table of 16 numbers: what each code adds to <q, c>. A byte shuffle looks up 16 to 64 numbers at once (F. André, A.-M.
Kermarrec, N. Le Scouarnec, "Cache locality is not enough: high-performance nearest neighbor search with product
quantization fast scan", VLDB 2015).

The numbers are whole and additions keep their order, so every variant gives the same estimates, bit for bit. `VARIANT`
names the one that runs here, that of the widest registers of the processor.
"""

from typing import Any

import numpy as np

from lsh.arrays import BoolArray, Float32Array, Int32Array, Int64Array, UInt8Array, UInt64Array
from lsh.kernels import shuffling
from lsh.kernels.intrinsics import clear_lowest, lowest_bit
from lsh.kernels.jit import kernel
from lsh.kernels.selection import limit_for, limits_of_best
from lsh.kernels.shuffling import BLOCK, BLOCK_BYTES, ROWS, available, fill_table

TABLE_BYTES = 2048
_PAIRS = 64
_TOP = np.float32(63)  # of a table's numbers: four of them are added in eight bits
_LEVEL_MIDDLE, _HIGHEST_LEVEL = np.float32(1.5), np.float32(3)  # of the numbers of levels
_LANES = 16  # sums are of so many partial sums, in an order that vectorises and is the same on every processor
_ZERO, _HALF, _SMALLEST = np.float32(0), np.float32(0.5), np.float32(1e-30)
_ONE, _NIBBLE, _ALL = np.uint64(1), np.uint64(15), np.uint64(2**BLOCK - 1)
# The bits of a number of four bits, at places 0, 2, 4 and 6.
_SPREAD = np.array([sum((bits >> i & 1) << 2 * i for i in range(4)) for bits in range(16)], np.uint8)


@kernel
def _score_portably(
    codes: UInt8Array,
    tables: UInt8Array,
    block: int,
    terms: Float32Array,
    first: int,
    step: np.float32,
    bias: np.float32,
    offset: np.float32,
    limit: np.float32,
    out: Float32Array,
) -> np.uint64:
    """Fill out, float32[32], with the estimates of a block; return a word whose bit i says that out[i] > limit."""
    mask = np.uint64(0)
    for i in range(BLOCK):
        total = 0
        for row in range(ROWS):
            byte = codes[BLOCK_BYTES * block + BLOCK * row + i % (BLOCK // 2) * 2 + i // (BLOCK // 2)]
            at = row // 2 * 128 + row % 2 * 32
            total += tables[at + (byte & 15)] + tables[at + 64 + (byte >> 4)]
        out[i] = terms[0, first + i] * (step * np.float32(total) + bias) - terms[1, first + i] + offset
        mask |= np.uint64(out[i] > limit) << np.uint64(i)
    return mask


@kernel
def _allowed_of(mask: np.uint64, allowed: BoolArray, order: Int32Array, first: int) -> np.uint64:
    """Return the mask without the bits i of vectors order[first + i] that are not allowed."""
    kept = np.uint64(0)
    while mask:
        i = lowest_bit(mask)
        kept |= np.uint64(allowed[order[first + i]]) << np.uint64(i)
        mask = clear_lowest(mask)
    return kept


def _score_block_of(variant: str) -> Any:
    return _score_portably if variant == "portable" else shuffling.score_block(variant)


def _scanner(variant: str) -> Any:
    """Return the kernel `scan_groups` of a variant."""
    score_block = _score_block_of(variant)

    def scan_groups(
        groups: Int64Array,
        offsets: Float32Array,
        starts: Int64Array,
        order: Int32Array,
        codes: UInt8Array,
        terms: Float32Array,
        tables: UInt8Array,
        step: np.float32,
        bias: np.float32,
        wanted: int,
        scores: Float32Array,
        places: Int64Array,
        allowed: BoolArray | None = None,
    ) -> tuple[int, np.float32]:
        count, limit, out = 0, np.float32(-np.inf), np.empty(BLOCK, np.float32)
        for g in range(groups.shape[0]):
            first, block = starts[0, groups[g]], starts[1, groups[g]]
            end = starts[0, groups[g] + 1]
            while first < end:
                if count + BLOCK > scores.shape[0]:
                    count, limit = shorten(scores[:count], places, starts[0, 1], order, wanted)
                mask = score_block(codes, tables, block, terms, first, step, bias, offsets[g], limit, out)
                if end - first < BLOCK:
                    mask &= (_ONE << np.uint64(end - first)) - _ONE
                if allowed is not None:
                    mask = _allowed_of(mask, allowed, order, first - starts[0, 1])
                if mask == _ALL:
                    for i in range(BLOCK):
                        scores[count + i], places[count + i] = out[i], first + i
                    count += BLOCK
                    mask = np.uint64(0)
                while mask:
                    i = lowest_bit(mask)
                    scores[count], places[count] = out[i], first + i
                    count += 1
                    mask = clear_lowest(mask)
                first, block = first + BLOCK, block + 1
        if count > wanted:
            count, limit = shorten(scores[:count], places, starts[0, 1], order, wanted)
        return count, limit

    return kernel(scan_groups)


@kernel
def shorten(
    scores: Float32Array, places: Int64Array, n_centroids: int, order: Int32Array, wanted: int
) -> tuple[int, np.float32]:
    """Move the `wanted` best scores, or at most a quarter and four more, and their places to the front.

    Of equal scores those are kept that come first by id, which is order[place - n_centroids], or the place of a
    centroid. Return (how many there are, a limit that they exceed, as does every later score that can be among the
    wanted ones).
    """
    n = scores.shape[0]
    limit = limit_for(scores, wanted, wanted // 4 + 4)
    count = 0
    for i in range(n):
        score, place = scores[i], places[i]
        scores[count], places[count] = score, place
        count += int(score > limit)
    if count > wanted + wanted // 4 + 4:  # many equal scores
        ids = np.empty(count, np.int64)
        for i in range(count):
            place = places[i]
            ids[i] = place if place < n_centroids else order[place - n_centroids]
        least, last = limits_of_best(scores[:count], limit, wanted, ids)
        kept = 0
        for i in range(count):
            score, place = scores[i], places[i]
            scores[kept], places[kept] = score, place
            kept += int((score > least) | ((score == least) & (ids[i] <= last)))
        count, limit = min(kept, wanted), np.nextafter(least, np.float32(-np.inf))  # a damaged index repeats ids
    return count, limit


VARIANT = available()[0]

# score_block(codes, tables, block, terms, first, step, bias, offset, limit, out): fill out, float32[32], with the
# estimates of a block, whose factors and penalties begin at column `first` of `terms`; return a word whose bit i says
# that out[i] > limit.
score_block: Any = _score_block_of(VARIANT)

# scan_groups(groups, offsets, starts, order, codes, terms, tables, step, bias, wanted, scores, places, allowed=None):
# estimate
# offset + <q, y> - penalty of all sketches of some groups, and write the `wanted` best scores, ties by id, or a few
# more (see `shorten`), with their places among the terms; return (how many, a limit that they exceed). groups, offsets:
# int64[g], float32[g]. starts, order, codes, terms: of `BucketArrays`; tables, step, bias: of `make_tables`. scores
# float32[room], places int64[room]: the larger, the less often are they cut to `wanted`; room for all sketches, or
# wanted + wanted // 4 + 4, and 32 more. allowed: bool[n], True for vectors that may be found, or None for all,
# and for centroids. By variant.
SCANS: dict[str, Any] = {variant: _scanner(variant) for variant in available()}
scan_groups = SCANS[VARIANT]


@kernel
def make_tables(y: Float32Array, tables: UInt8Array) -> tuple[np.float32, np.float32]:
    """Fill a rotated query's tables, uint8[2048], and return (step, bias): <q, c> ~ step * sum + bias.

    y float32[128]. A number is that of steps above the least that a pair of coordinates adds, rounded. Each table is
    there twice, for registers of 32 bytes; those of rows r and r + 1 of a block follow one another, first of the lower
    four bits of its bytes and then of the upper ones.
    """
    largest, totals = np.zeros(_LANES, np.float32), np.zeros(_LANES, np.float32)
    for start in range(0, _PAIRS, _LANES):
        for lane in range(_LANES):
            pair = start + lane
            reach = abs(y[2 * pair]) + abs(y[2 * pair + 1])
            largest[lane] = max(largest[lane], reach)
            totals[lane] += reach
    highest, total = _SMALLEST, np.float32(0)
    for lane in range(_LANES):
        highest = max(highest, largest[lane])
        total += totals[lane]
    scale = _TOP / (_HIGHEST_LEVEL * highest)
    for pair in range(_PAIRS):
        first, second = y[2 * pair] * scale, y[2 * pair + 1] * scale
        least = _HIGHEST_LEVEL * (min(first, _ZERO) + min(second, _ZERO)) - _HALF
        row = pair // 2
        fill_table(tables, row // 2 * 128 + pair % 2 * 64 + row % 2 * 32, first, second, least)
    return np.float32(1) / scale, -_LEVEL_MIDDLE * total


@kernel
def pack_codes(planes: UInt64Array, places: Int64Array, codes: UInt8Array) -> None:
    """Write sketches to their places: planes uint64[4, n] and places int64[n] -> codes uint8[1024 * blocks], zeros.

    Place 32 b + i is that of sketch i of block b. Pair p of coordinates, of levels f and s, has the code f + 4s, in
    byte p // 2 of the sketch: the lower four bits for even p, the upper ones for odd p.
    """
    for i in range(places.shape[0]):
        block, sketch = places[i] // BLOCK, places[i] % BLOCK
        at = BLOCK_BYTES * block + sketch % (BLOCK // 2) * 2 + sketch // (BLOCK // 2)
        for half in range(2):
            low, high = planes[half, i], planes[2 + half, i]
            for row in range(ROWS // 2):
                shift = np.uint64(4 * row)
                first, second = _SPREAD[(low >> shift) & _NIBBLE], _SPREAD[(high >> shift) & _NIBBLE]
                codes[at + BLOCK * (ROWS // 2 * half + row)] = first | second << np.uint8(1)
