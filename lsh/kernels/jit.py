"""How kernels are compiled: the two decorators, and where the result is kept.

numba keeps compiled code by the file that a function stands in. But a kernel compiles the kernels that it calls into
itself, and those may stand in another file: change that one, and numba would go on running the old code. So the cache
folder is named after the contents of all kernel files together.
"""

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba import njit

_Function = TypeVar("_Function", bound=Callable[..., object])

_config: Any = numba.config  # made at run time from the environment, so it has no types
_HERE = Path(__file__).parent
# Sums may be reordered, so that they vectorise, but NaN and infinity keep their meaning: plain `fastmath=True` would
# make isnan(nan) False.
_FAST = {"contract", "reassoc", "nsz", "arcp"}


def _digest() -> str:
    sources = sorted(_HERE.glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]


_CACHE = Path(_config.CACHE_DIR or _HERE / "__pycache__") / f"kernels-{_digest()}"


def kernel(function: _Function) -> _Function:
    """Compile with Python's own arithmetic: one order of additions, the same bits alone or in a batch."""
    with _own_cache():
        return cast("_Function", njit(nogil=True, cache=True)(function))


def fast_kernel(function: _Function) -> _Function:
    """Compile with sums that may be reordered, and so vectorised."""
    with _own_cache():
        return cast("_Function", njit(nogil=True, cache=True, fastmath=_FAST)(function))


@contextlib.contextmanager
def _own_cache() -> Iterator[None]:
    """Point numba at this package's cache while it decorates one function, which is when it looks."""
    before = _config.CACHE_DIR
    _config.CACHE_DIR = str(_CACHE)
    try:
        yield
    finally:
        _config.CACHE_DIR = before
