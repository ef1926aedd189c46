"""Array files (.npy) that are mapped into memory."""

import tokenize
import warnings
from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt

# What NumPy raises for damaged headers, by the part of Python that stumbles over them.
DAMAGE = (
    *(OSError, EOFError, ValueError, SyntaxError, TypeError, MemoryError, RecursionError, OverflowError, KeyError),
    tokenize.TokenError,
)


def map_array(path: str | PathLike[str]) -> npt.NDArray[Any]:
    """Return the array in a .npy file, mapped read-only. Raises OSError, or ValueError for a damaged file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # headers as Python 2 wrote them
            return np.asanyarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except (OSError, ValueError):
        raise
    except DAMAGE as error:
        raise ValueError(f"not an array as numpy.save writes it: {type(error).__name__}") from error
