"""What must hold for arrays that come from a file.

Compiled kernels check no bounds: an id beyond the data reads whatever memory lies there. So ids and offsets are always
checked, even where a caller trusts the file; what could only make an answer wrong is checked when verifying.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from lsh.arrays import Int32Array, Int64Array, UInt32Array
from lsh.storage.header import damaged

Array = npt.NDArray[Any]

_BLOCK = 2**22  # values looked at together


def ids_in_range(ids: Int32Array, n: int, name: str) -> None:
    """Refuse ids, int32[...], outside 0 to n - 1."""
    flat = ids.reshape(-1)
    for start in range(0, len(flat), _BLOCK):
        block = flat[start : start + _BLOCK]
        low, high = int(block.min()), int(block.max())
        if low < 0 or high >= n:
            raise damaged(f"its {name} hold the id {low if low < 0 else high}; expected 0 to {n - 1}")


def ids_once_each(ids: Int32Array, name: str) -> None:
    """Refuse n ids, known to be in range, of which one comes twice."""
    met = np.zeros(len(ids), np.bool_)
    met[ids] = True
    if not met.all():
        raise damaged(f"its {name} lack the id {int(met.argmin())} and hold another one twice; expected each once")


def keys_sorted(keys: UInt32Array, name: str) -> None:
    """Refuse keys, uint32[n, W], that do not ascend."""
    tied = np.ones(len(keys) - 1, np.bool_)
    for word in keys.T:
        falling = tied & (word[1:] < word[:-1])
        if falling.any():
            raise damaged(f"its {name} fall after position {int(falling.argmax())}; expected them sorted")
        tied &= word[1:] == word[:-1]


def offsets_ascend(offsets: Int64Array, n: int, name: str) -> None:
    """Refuse offsets, int64[m + 1], that do not run from 0 to n without ever falling."""
    if offsets[0] != 0 or offsets[-1] != n or (np.diff(offsets) < 0).any():
        raise damaged(f"its {name} run from {offsets[0]} to {offsets[-1]}; expected 0 to {n}, never falling")


def values_between(arrays: Mapping[str, Array], names: Iterable[str], low: float, high: float = math.inf) -> None:
    """Refuse NaN, infinity, and what lies outside [low, high]."""
    for name in names:
        flat = arrays[name].reshape(-1)
        for start in range(0, len(flat), _BLOCK):
            block = flat[start : start + _BLOCK]
            wrong = ~(np.isfinite(block) & (block >= low) & (block <= high))
            if wrong.any():
                at = start + int(wrong.argmax())
                raise damaged(
                    f"its array {name} holds {flat[at]} at place {at}; expected finite values from {low:g} to {high:g}"
                )
