"""Signatures: the signs of 64 random projections, and how many tables of them find the pairs within a distance."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lsh.arrays import Float32Array, Float64Array, Int64Array, UInt64Array
from lsh.exact import ExactSearch
from lsh.hasher import prepare
from lsh.kernels.hashing import projections
from lsh.kernels.self_join import SIGNATURE_BITS, pack_signs, prefix_pairs
from lsh.threads import in_chunks

MAX_TABLES = 400
_LOST = 0.02  # probability that other bits than those of the table differ in more places than are allowed, at most
_BLOCK_ROWS = 16_384
# About the time of a signature, of sorting one, of comparing a pair of them, and of the distance of a pair.
_HASH_NS, _SORT_NS, _PAIR_NS, _DISTANCE_NS = 700.0, 150.0, 5.0, 15.0


class TablePlan(NamedTuple):
    """Signatures to draw around a centre, float32[d]: of each, n_tables tables take n_bits bits of their own.

    max_differing: bits in which the signatures of a pair may differ; cost: about the nanoseconds that it all takes.
    """

    centre: Float32Array
    n_bits: int
    n_tables: int
    n_signatures: int
    max_differing: int
    cost: float


def signatures_of(
    exact: ExactSearch, rows: Int64Array, centre: Float32Array, rng: np.random.Generator, n_threads: int
) -> UInt64Array:
    """Return signatures of some rows, int64[m], around a centre, by newly drawn directions: uint64[m]."""
    directions = rng.standard_normal((exact.X.shape[1], SIGNATURE_BITS), np.float32)
    out = np.empty(len(rows), np.uint64)

    def work(first: int, last: int) -> None:
        pack_signs(projections(_prepared(exact, rows[first:last], centre), directions), out[first:last])

    in_chunks(work, len(rows), n_threads, max_rows=_BLOCK_ROWS)
    return out


def centred_norms(exact: ExactSearch, rows: Int64Array) -> tuple[Float32Array, Float64Array]:
    """Return the mean of some rows, scaled to length one under cosine, and the distance of each from it."""
    zero, total = np.zeros(exact.X.shape[1], np.float32), np.zeros(exact.X.shape[1])
    norms = np.empty(len(rows))
    blocks = [slice(at, at + _BLOCK_ROWS) for at in range(0, len(rows), _BLOCK_ROWS)]
    for block in blocks:
        total += _prepared(exact, rows[block], zero).sum(axis=0, dtype=np.float64)
    centre = (total / max(len(rows), 1)).astype(np.float32)
    for block in blocks:
        norms[block] = np.linalg.norm(_prepared(exact, rows[block], centre).astype(np.float64), axis=1)
    return centre, norms


def plan_tables(signatures: UInt64Array, centre: Float32Array, differs: float, recall: float) -> TablePlan | None:
    """Return the cheapest bits per table, and the tables that it takes; None where no number is within limits.

    signatures: uint64[m] in rising order, of one table. differs: probability that one bit of the signatures of a pair
    differs, at most: t/pi for an angle t (Charikar 2002). A pair is met in a table if its bits there are equal, which
    has the probability p = (1 - differs)^n_bits, and compared if not too many others differ, which fails with _LOST at
    most. So a signature of g tables finds it with 1 - (1 - p)^g - g p _LOST at least.
    """
    prefix_pairs(signatures, pairs := np.empty(SIGNATURE_BITS + 1, np.int64))
    plans = []
    for n_bits in range(1, SIGNATURE_BITS + 1):
        allowed, equal = _quantile(SIGNATURE_BITS - n_bits, differs), (1 - differs) ** n_bits
        for n_tables in range(1, SIGNATURE_BITS // n_bits + 1):
            hit = 1 - (1 - equal) ** n_tables - n_tables * equal * _LOST
            if hit <= 0:
                continue
            n_signatures = max(1, math.ceil(math.log(1 - recall) / math.log1p(-min(hit, 1 - 1e-12))))
            of_table = len(signatures) * _SORT_NS + float(pairs[n_bits]) * _PAIR_NS
            cost = n_signatures * (len(signatures) * _HASH_NS + n_tables * of_table)
            if n_signatures * n_tables <= MAX_TABLES:
                plans.append(TablePlan(centre, n_bits, n_tables, n_signatures, allowed, cost))
    return min(plans, key=lambda plan: plan.cost, default=None)


def rotated(signatures: UInt64Array, n_bits: int) -> UInt64Array:
    """Return signatures whose first `n_bits` bits, fewer than 64, have moved to the end: uint64[m]."""
    left, right = np.uint64(n_bits), np.uint64(SIGNATURE_BITS - n_bits)
    return signatures if n_bits == 0 else (signatures << left) | (signatures >> right)


def all_pairs(n: int, dim: int) -> TablePlan:
    """Return the plan of comparing all pairs of n vectors, in one run of one table."""
    cost = n * (n - 1) / 2 * _DISTANCE_NS
    return TablePlan(np.zeros(dim, np.float32), 0, 1, 1, SIGNATURE_BITS, cost)


def order_by_prefix(signatures: UInt64Array, n_bits: int) -> tuple[Int64Array, Int64Array]:
    """Return the order of signatures, uint64[m], by their first bits, those with the same in their order; and the runs.

    Runs: the first places of those with one prefix, int64[r], and m. Prefix and position are sorted together where they
    fit into 64 bits, in a tenth of the time of a stable `argsort`.
    """
    position_bits, prefix_bits = max(len(signatures) - 1, 0).bit_length(), np.uint64(SIGNATURE_BITS - n_bits)
    prefixes = signatures >> prefix_bits if n_bits else np.zeros_like(signatures)
    if n_bits + position_bits > SIGNATURE_BITS:
        order = np.argsort(prefixes, kind="stable")
        return order, edges_of(prefixes[order])
    together = prefixes << np.uint64(position_bits) | np.arange(len(prefixes), dtype=np.uint64)
    together.sort()
    order = (together & np.uint64((1 << position_bits) - 1)).astype(np.int64)
    return order, edges_of(together >> np.uint64(position_bits))


def edges_of(values: npt.NDArray[np.generic]) -> Int64Array:
    """Return the first place, the places where a value differs from the one before, and the number of values."""
    changes = np.flatnonzero(values[1:] != values[:-1]) + 1
    return np.concatenate([[0], changes, [len(values)]]).astype(np.int64) if len(values) else np.zeros(1, np.int64)


def _prepared(exact: ExactSearch, rows: Int64Array, centre: Float32Array) -> Float32Array:
    """Return some rows less a centre, scaled to length one first under cosine: float32[m, d]."""
    is_run = len(rows) > 0 and rows[-1] - rows[0] == len(rows) - 1
    block = exact.X[rows[0] : rows[-1] + 1] if is_run else exact.X[rows]
    return prepare(np.ascontiguousarray(block), exact.metric, centre)


def _quantile(n: int, p: float) -> int:
    """Return the least number that a binomial variable of n and p exceeds with a probability of at most _LOST."""
    total = 0.0
    for successes in range(n + 1):
        total += math.comb(n, successes) * p**successes * (1 - p) ** (n - successes)
        if total >= 1 - _LOST:
            return successes
    return n
