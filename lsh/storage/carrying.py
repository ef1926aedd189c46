"""Index carried over to a later version of its vectors, of which only those that are new are hashed.

The result is that of `LSHIndex.add`, `remove` and `compact`, but in the order of the later vectors, and without a copy
of them: bit for bit what `fit(X, like=index)` gives.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from earshot_common.encoded_vectors import EncodedVectors
from lsh.arrays import Int64Array, StoredVectors, UInt64Array
from lsh.default_setting import RECALL, own_queries
from lsh.errors import ParameterError
from lsh.exact import ExactSearch
from lsh.index import LSHIndex
from lsh.quality import mean_recall
from lsh.sampling import some_rows
from lsh.sketches.sketch_rows import SketchRows
from lsh.tables import build_tables, merged_keys

MAX_CHANGED = 1 / 3  # share of the vectors that are new, or of the earlier ones that are gone
MAX_LOST = 0.03  # of the recall for which the default setting was chosen

_QUERIES = 128  # fewer than the setting was chosen with: exact search takes most of the time
_BLOCK_VALUES = 1 << 20  # whose bits are mixed or compared at a time


def carried_over(index: LSHIndex, X: npt.ArrayLike) -> LSHIndex:
    """Return an index of X, float32[n, d], with the hash functions and the default setting of an earlier one.

    X is stored as the indexed vectors are; those with the same bytes as one of these are the same. Raises
    ParameterError where what was learned from the earlier vectors does not fit any more: more than a third of the
    vectors are new, or of the earlier ones gone; or the default setting finds less than it was chosen for by 0.03, the
    recall@10 of up to 128 rows, each left out of its own answer. The second also ends a long line of small changes.
    """
    exact = ExactSearch(X, index.params.metric)
    rows = same_rows(index.exact.X, exact.X)
    new = np.flatnonzero(rows < 0)
    n_gone = index.n - len(np.unique(rows[rows >= 0]))
    if len(new) > MAX_CHANGED * len(rows) or n_gone > MAX_CHANGED * index.n:
        raise ParameterError(
            f"{len(new):,} of the {len(rows):,} vectors are new, and {n_gone:,} of the {index.n:,} before are gone; "
            "expected at most a third of each: build the index again"
        )
    parts = [index]
    if len(new):
        parts.append(index.over(ExactSearch(some_rows(exact.X, new), exact.metric)))
        rows[new] = index.n + np.arange(len(new))
    keys = merged_keys([part.tables for part in parts], [None] * len(parts)).take(rows, axis=1)
    sketches = SketchRows.merged([SketchRows.merged([p.sketches for p in parts], [None] * len(parts))], [rows])
    setting = index.default_setting
    carried = LSHIndex.from_parts(index.params, exact, index.hasher, build_tables(keys), setting, sketches)
    expected, (rows, nearest) = setting.recall or RECALL, own_queries(exact, _QUERIES)
    if not nearest.ids.size:
        return carried
    found = mean_recall(carried.search(exact.X[rows], nearest.ids.shape[1] + 1).without(rows), nearest)
    if found < min(expected, RECALL) - MAX_LOST:
        raise ParameterError(
            f"the default setting of the index finds {found:.2f} of the nearest neighbours, and was chosen to find "
            f"{expected:.2f}: the vectors have changed too much; build the index again"
        )
    return carried


def same_rows(earlier: StoredVectors, X: StoredVectors) -> Int64Array:
    """Return for each vector of X a row of `earlier` with the same bytes: int64[n], -1 where there is none."""
    own, others = _bits(X), _bits(earlier)
    if _encoding(X) != _encoding(earlier) or own.shape[1] != others.shape[1]:
        return np.full(len(own), -1, np.int64)
    marks, wanted = _mixed(others), _mixed(own)
    order = np.argsort(marks, kind="stable")
    rows = order[np.minimum(np.searchsorted(marks, wanted, sorter=order), len(order) - 1)]
    step = max(1, _BLOCK_VALUES // own.shape[1])
    for start in range(0, len(own), step):
        block = slice(start, start + step)
        differs = (own[block] != others[rows[block]]).any(axis=1)
        rows[block][differs] = -1
    return rows


def _mixed(bits: npt.NDArray[Any]) -> UInt64Array:
    """Return numbers of rows that are equal for equal rows, and hardly ever for others: uint64[n].

    They are sums of the values times random odd numbers, modulo 2^64.
    """
    factors = np.random.default_rng(0).integers(0, 2**63, bits.shape[1], np.uint64) * np.uint64(2) + np.uint64(1)
    mixed, step = np.empty(len(bits), np.uint64), max(1, _BLOCK_VALUES // bits.shape[1])
    for start in range(0, len(bits), step):
        mixed[start : start + step] = (bits[start : start + step] * factors).sum(axis=1)
    return mixed


def _bits(X: StoredVectors) -> npt.NDArray[Any]:
    """Return the stored values as unsigned integers of the same size, without a copy."""
    stored = X.stored if isinstance(X, EncodedVectors) else X
    return stored.view(f"u{stored.itemsize}")


def _encoding(X: StoredVectors) -> tuple[Any, ...]:
    return (X.stored.dtype, float(X.scale), float(X.offset)) if isinstance(X, EncodedVectors) else (X.dtype,)
