"""Memory that is freed goes back to the machine: a small host counts what a process holds, used or not."""

import ctypes
import sys
from functools import cache

MAPPED_FROM = 9 << 20  # bytes from which a block is mapped on its own, and unmapped when it is freed
KEPT_FREE = 16 << 20  # bytes that a heap may keep free at its end
HEAPS = 2  # for all threads together; few work at once
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # of glibc's malloc.h; see mallopt(3)


@cache
def return_freed() -> None:
    """Fix three limits of glibc's allocator, once a process; without effect where there is no glibc.

    It raises the first two by itself: after one array of 20 MB was freed, the next ones come out of the heaps of
    threads, and each of up to 16 heaps may keep 40 MB that nobody uses. Every visit runs in threads of its own. Lower
    limits would slow exact search, whose blocks of 8 MB would be mapped anew for every 64 queries.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, MAPPED_FROM)
        mallopt(_M_TRIM_THRESHOLD, KEPT_FREE)
        mallopt(_M_ARENA_MAX, HEAPS)
