"""Exclusive work: one visitor at a time, the others wait with a message and may leave."""

import contextlib
import threading
from collections.abc import Callable, Iterator

# Held by races and by each part of a measurement on request: several at once would slow each other down, and exceed the
# memory of a small host.
MEASURING = threading.Lock()
_REPORT_INTERVAL_S = 0.2


@contextlib.contextmanager
def hold(lock: threading.Lock, waiting: Callable[[], object]) -> Iterator[None]:
    """Hold `lock`; until it is free call `waiting` every 0.2 s, which may raise to stop the wait."""
    while not lock.acquire(timeout=_REPORT_INTERVAL_S):
        waiting()
    try:
        yield
    finally:
        lock.release()
