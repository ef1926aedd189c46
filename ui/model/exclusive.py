"""Turns of visitors: as many runs at once as processors help, exclusive work by one; others wait and are told."""

import contextlib
import os
import threading
import time
from bisect import insort
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from typing import NamedTuple

# Held by races and by each part of a measurement on request: several at once would slow each other down, and exceed the
# memory of a small host.
MEASURING = threading.Lock()
_REPORT_INTERVAL_S = 0.2
_IDLE_INTERVAL_S = 0.05
_TOLD_AFTER_S = 1.0  # and so often while the wait lasts
_REMEMBERED_S = 60.0  # how long a session whose run was interrupted while it waited keeps its place in the queue


class _Turn(NamedTuple):
    """A run that waits. since: when its session began to wait; number: decides between equal times."""

    since: float
    number: int
    came: threading.Event


class Turns:
    """Turns of runs, at most `places` at once; next is the one whose session has waited longest.

    Streamlit runs each visitor's script in a thread. More threads than processors only fight for Python's lock.
    """

    def __init__(self, places: int) -> None:
        self._places = self._free = places
        self._waiting: list[_Turn] = []  # in order
        self._since: dict[str, float] = {}  # by session: when its run, which was interrupted meanwhile, began to wait
        self._numbers = count()
        self._lock = threading.Lock()
        self._own = threading.local()

    @contextlib.contextmanager
    def take(self, session: str, waiting: Callable[[], object]) -> Iterator[None]:
        """Take a turn, which ends with the block, however it ends; until it comes call `waiting` every second.

        `waiting` may raise to stop the wait. The next run of this session then waits in the same place.
        """
        self._own.enter = partial(self._enter, session, waiting)
        self._own.enter()
        self._own.has_turn = True
        try:
            yield
        finally:
            if self._own.has_turn:
                self._leave()
                self._own.has_turn = False

    @contextlib.contextmanager
    def interrupted(self) -> Iterator[None]:
        """Let others have this run's turn during the block, which takes long; without a turn do nothing."""
        if not getattr(self._own, "has_turn", False):
            yield
            return
        self._own.has_turn = False
        self._leave()
        yield
        self._own.enter()
        self._own.has_turn = True

    def wait_until_idle(self, longest_s: float) -> None:
        """Return when no run has a turn, after `longest_s` seconds at the latest: for work that nobody waits for."""
        until = time.monotonic() + longest_s
        while self._free < self._places and time.monotonic() < until:
            time.sleep(_IDLE_INTERVAL_S)

    def _enter(self, session: str, waiting: Callable[[], object]) -> None:
        with self._lock:
            if self._free > 0:
                self._free -= 1
                self._since.pop(session, None)
                return
            now = time.monotonic()
            self._since = {name: since for name, since in self._since.items() if now - since < _REMEMBERED_S}
            turn = _Turn(self._since.setdefault(session, now), next(self._numbers), threading.Event())
            insort(self._waiting, turn)
        try:
            while not turn.came.wait(_TOLD_AFTER_S):
                waiting()
        except BaseException:
            with self._lock:
                if turn.came.is_set():
                    self._pass_on()
                else:
                    self._waiting.remove(turn)
            raise
        with self._lock:
            self._since.pop(session, None)

    def _leave(self) -> None:
        with self._lock:
            self._pass_on()

    def _pass_on(self) -> None:
        """Give a turn that has ended to who is next; the caller holds the lock."""
        if self._waiting:
            self._waiting.pop(0).came.set()
        else:
            self._free += 1


def _places() -> int:
    """Return how many runs go on at once in this process: `EARSHOT_RUNS`, by default one per processor."""
    wanted = os.environ.get("EARSHOT_RUNS", "")
    if wanted.isdecimal() and int(wanted) > 0:
        return int(wanted)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


RUNS = Turns(_places())  # of all visitors of this process


@contextlib.contextmanager
def hold(lock: threading.Lock, waiting: Callable[[], object]) -> Iterator[None]:
    """Hold `lock` for exclusive work; until it is free call `waiting` every 0.2 s, which may raise to stop the wait.

    The work takes long, so that others have this run's turn meanwhile.
    """
    with RUNS.interrupted():
        while not lock.acquire(timeout=_REPORT_INTERVAL_S):
            waiting()
        try:
            yield
        finally:
            lock.release()
