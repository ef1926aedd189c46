"""One at a time: who waits for another visitor's work hears so, and may leave."""

import contextlib
import threading
from collections.abc import Callable, Iterator

_BETWEEN_WORDS_S = 0.2


@contextlib.contextmanager
def hold(lock: threading.Lock, tell: Callable[[], object]) -> Iterator[None]:
    """Hold `lock`; until it is free call `tell` again and again, which may raise to stop waiting."""
    while not lock.acquire(timeout=_BETWEEN_WORDS_S):
        tell()
    try:
        yield
    finally:
        lock.release()
