"""Filter: which vectors of an index a search may return, read from what callers pass as `allowed`."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from lsh.array_input import as_array
from lsh.arrays import BoolArray, Int64Array
from lsh.errors import ShapeError


class Filter:
    """The vectors that a search may return: mask, bool[n], and n_allowed, how many there are.

    A search makes it of its argument `allowed`, of which it may be one: then many searches need not read it anew.
    """

    def __init__(self, mask: BoolArray) -> None:
        self.mask, self.n_allowed = mask, int(np.count_nonzero(mask))

    @classmethod
    def of(cls, allowed: "npt.ArrayLike | Filter", n: int, name: str = "allowed") -> "Filter":
        """Return the filter that bool[n] or ids, integers from 0 to n - 1 in any order, describe.

        name: of the argument, for messages. Raises ShapeError for what is neither.
        """
        if isinstance(allowed, Filter) and len(allowed.mask) == n:
            return allowed
        given = as_array(allowed.mask if isinstance(allowed, Filter) else allowed, name)
        if given.dtype == np.bool_:
            if given.shape != (n,):
                raise ShapeError(
                    f"{name} is bool of shape {given.shape}; expected ({n},), one value per indexed vector"
                )
            # Kernels are compiled for arrays in C order that are not read-only, though they do not write to them.
            return cls(given if given.flags.carray else given.copy())
        if given.ndim != 1 or (given.size and given.dtype.kind not in "iu"):
            raise ShapeError(
                f"{name} has shape {given.shape} and dtype {given.dtype}; expected bool[{n}], or a list of ids"
            )
        if given.size and not (given.min() >= 0 and given.max() < n):
            raise ShapeError(f"{name} has ids from {given.min()} to {given.max()}; expected ids from 0 to {n - 1}")
        mask = np.zeros(n, np.bool_)
        mask[given.astype(np.int64)] = True
        return cls(mask)

    @cached_property
    def ids(self) -> Int64Array:
        """Return the ids of the allowed vectors, ascending: int64[n_allowed]."""
        return np.flatnonzero(self.mask)


class Present(Filter):
    """The n vectors of a segment that were not removed: a search leaves out the others, and seeks no further."""

    def __init__(self, mask: BoolArray) -> None:
        super().__init__(mask)
        self.n, self.n_allowed = self.n_allowed, 0  # a search ends when it has met so many


class OfPart(Filter):
    """The allowed vectors of a part; how far a search goes there is decided by counts of all parts, a tuple."""

    def __init__(self, mask: BoolArray, counts: tuple[Any, ...]) -> None:
        super().__init__(mask)
        self.counts = counts


# bool[n], ids or a filter; for all queries, or one for each: a sequence, or a function of the number of the query.
_One = npt.ArrayLike | Filter
Allowed = _One | Sequence[_One] | Callable[[int], _One]


def filters(allowed: Allowed, n: int, n_queries: int) -> Filter | Callable[[int], Filter]:
    """Return the filter of all queries, or a function that returns that of each query, by its number.

    Raises ShapeError for what is no filter (see `Filter.of`), and for a number of filters that is not n_queries.
    """
    if callable(allowed):
        return lambda q: Filter.of(allowed(q), n, f"allowed({q})")
    given: Any = allowed
    if not (isinstance(given, list | tuple) and any(map(_is_filter, given))) and getattr(given, "ndim", 1) != 2:
        return Filter.of(given, n)
    if len(given) != n_queries:
        raise ShapeError(
            f"allowed holds {len(given)} filters; expected one for each of {n_queries} queries, or one for all"
        )
    return lambda q: Filter.of(given[q], n, f"allowed[{q}]")


def _is_filter(value: object) -> bool:
    """Return whether a member of a sequence is a filter, and not one of the numbers that are one."""
    return not isinstance(value, bool | int | float | str | bytes | np.generic)
