"""How kernels are compiled: the two decorators, and where the result is kept.

numba keeps compiled code by the file that a function stands in. But a kernel compiles the kernels that it calls into
itself, and those may stand in another file: change that one, and numba would go on running the old code. So the cache
folder is named after the contents of all kernel files together.

The first kernel of a process that has to be compiled announces it through the logger "lsh", since a search that takes
seconds without a word looks like one that hangs.
"""

import contextlib
import hashlib
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba import njit
from numba.core import event

ANNOUNCEMENT = "compiling the search kernels, once: some 15 s"

_Function = TypeVar("_Function", bound=Callable[..., object])

_config: Any = numba.config  # made at run time from the environment, so it has no types
_register: Any = event.register  # no types either
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


class _Announcer(event.Listener):
    """Says, once a process, that kernels are being compiled: numba tells it of each that its cache does not hold."""

    def __init__(self) -> None:
        self.done = False

    def on_start(self, event: Any) -> None:
        """Speak when the function about to be compiled is the first of our kernels."""
        ours = event.data["dispatcher"].py_func.__module__.startswith("lsh.")
        if ours and not self.done:
            self.done = True
            logging.getLogger("lsh").warning(ANNOUNCEMENT)

    def on_end(self, event: Any) -> None:
        """Say nothing more."""


_register("numba:compile", _Announcer())


@contextlib.contextmanager
def _own_cache() -> Iterator[None]:
    """Point numba at this package's cache while it decorates one function, which is when it looks."""
    before = _config.CACHE_DIR
    _config.CACHE_DIR = str(_CACHE)
    try:
        yield
    finally:
        _config.CACHE_DIR = before
