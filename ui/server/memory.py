"""Limits of glibc's allocator, so that freed memory returns to the system, and of Python's garbage collector."""

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

MAPPED_FROM = 9 << 20  # bytes from which a block is mapped separately, and unmapped when freed
KEPT_FREE = 16 << 20  # free bytes that a heap may retain at its end
HEAPS = 2  # for all threads together; few run at once
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # of glibc's malloc.h; see mallopt(3)


@cache
def return_freed() -> None:
    """Set three limits of glibc's allocator, once per process; without effect where there is no glibc.

    By default it raises the first two itself: after an array of 20 MB is freed, the next ones are taken from the heaps
    of threads, and each of up to 16 heaps may retain 40 MB unused. Every visit runs in its own threads. Lower limits
    would slow exact search, whose blocks of 8 MB would be mapped again for every 64 queries.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, MAPPED_FROM)
        mallopt(_M_TRIM_THRESHOLD, KEPT_FREE)
        mallopt(_M_ARENA_MAX, HEAPS)


@contextmanager
def without_collections() -> Iterator[None]:
    """Collect no garbage during the block, and leave what is there at its end out of later collections.

    For the start of a server, which makes little garbage: collections take a tenth of it. A full one, of all modules,
    would take some 45 ms of a visitor's run.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
