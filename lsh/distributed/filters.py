"""Filters of shards: what a search with `allowed` sends to each shard, in few bytes."""

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from lsh.arrays import BoolArray, Int32Array, Int64Array, UInt8Array
from lsh.filters.allowed import Allowed, Filter, filters


class Part(NamedTuple):
    """A filter of the n vectors of a shard: their ids, int32[m], or the bits of a mask, uint8, whichever is smaller."""

    n: int
    ids: Int32Array | None
    bits: UInt8Array | None

    @classmethod
    def of(cls, whole: Filter, first: int, last: int) -> "Part":
        """Return the part of a filter for the vectors from first to last - 1."""
        mask = whole.mask[first:last]
        ids = np.flatnonzero(mask).astype(np.int32)
        return cls(len(mask), ids, None) if ids.nbytes <= len(mask) // 8 else cls(len(mask), None, np.packbits(mask))

    @property
    def allowed(self) -> Allowed:
        """Return the filter as a search takes it."""
        return self.mask if self.ids is None else self.ids

    @property
    def mask(self) -> BoolArray:
        """Return which of the vectors are allowed, as a new array: bool[n]."""
        if self.bits is not None:
            return np.unpackbits(self.bits, count=self.n).astype(np.bool_)
        mask = np.zeros(self.n, np.bool_)
        mask[self.ids] = True
        return mask


def cut(whole: Filter, bounds: list[tuple[int, int]]) -> list[Part]:
    """Return the parts of a filter; bounds: of each shard its first row, and the one after its last."""
    return [Part.of(whole, *rows) for rows in bounds]


# (number of a shard, first query, the one after the last) -> the filter of all queries, or one of each
PartsOf = Callable[[int, int, int], Part | list[Part]]


def parts_of(allowed: Allowed | None, firsts: Int64Array, n_queries: int) -> PartsOf | None:
    """Return a function that returns the filters of a shard for some of the queries; None where all are allowed.

    firsts: int64[s + 1], the first row of each shard. Raises the errors of `lsh.filters.allowed.filters`.
    """
    if allowed is None:
        return None
    of = filters(allowed, int(firsts[-1]), n_queries)
    bounds = list(pairwise(firsts.tolist()))
    if isinstance(of, Filter):
        parts = cut(of, bounds)
        return lambda shard, _first, _last: parts[shard]
    batch: dict[int, list[Filter]] = {}

    def own(shard: int, first: int, last: int) -> list[Part]:
        if first not in batch:
            batch.clear()
            batch[first] = [of(q) for q in range(first, last)]
        return [Part.of(one, *bounds[shard]) for one in batch[first]]

    return own


def allowed_of(parts: Part | list[Part] | None) -> Allowed | None:
    """Return the filter of a shard as its search takes it."""
    if isinstance(parts, list):
        return [part.allowed for part in parts]  # type: ignore[return-value]
    return None if parts is None else parts.allowed
