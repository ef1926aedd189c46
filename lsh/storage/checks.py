"""Checks of array values that come from a file.

Compiled kernels do not check bounds: with an id outside the data they would read other memory. So ids and offsets are
always checked, even with `verify=False`; values that can only make an answer wrong are checked by `verify`.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from lsh.arrays import Int32Array, Int64Array, UInt32Array
from lsh.storage.header import damaged

Array = npt.NDArray[Any]

_BLOCK = 2**22  # values checked at a time


def ids_in_range(ids: Int32Array, n: int, name: str) -> None:
    """Raise for ids, int32[...], outside 0 to n - 1."""
    flat = ids.reshape(-1)
    for start in range(0, len(flat), _BLOCK):
        block = flat[start : start + _BLOCK]
        low, high = int(block.min()), int(block.max())
        if low < 0 or high >= n:
            raise damaged(f"its {name} contain the id {low if low < 0 else high}; expected 0 to {n - 1}")


def ids_once_each(ids: Int32Array, name: str) -> None:
    """Raise for n ids, known to be in range, of which one occurs twice."""
    present = np.zeros(len(ids), np.bool_)
    present[ids] = True
    if not present.all():
        raise damaged(
            f"its {name} lack the id {int(present.argmin())} and contain another one twice; expected each once"
        )


def keys_sorted(keys: UInt32Array, name: str) -> None:
    """Raise for keys, uint32[n, W], that are not sorted."""
    tied = np.ones(len(keys) - 1, np.bool_)
    for word in keys.T:
        falling = tied & (word[1:] < word[:-1])
        if falling.any():
            raise damaged(f"its {name} are not sorted after position {int(falling.argmax())}")
        tied &= word[1:] == word[:-1]


def offsets_ascend(offsets: Int64Array, n: int, name: str) -> None:
    """Raise for offsets, int64[m + 1], that do not ascend from 0 to n."""
    if offsets[0] != 0 or offsets[-1] != n or (np.diff(offsets) < 0).any():
        raise damaged(f"its {name} run from {offsets[0]} to {offsets[-1]}; expected 0 to {n}, ascending")


def values_between(arrays: Mapping[str, Array], names: Iterable[str], low: float, high: float = math.inf) -> None:
    """Raise for NaN, infinity, and values outside [low, high]."""
    for name in names:
        flat = arrays[name].reshape(-1)
        for start in range(0, len(flat), _BLOCK):
            block = flat[start : start + _BLOCK]
            wrong = ~(np.isfinite(block) & (block >= low) & (block <= high))
            if wrong.any():
                at = start + int(wrong.argmax())
                raise damaged(
                    f"its array {name} has {flat[at]} at position {at}; expected finite values from {low:g} to {high:g}"
                )
