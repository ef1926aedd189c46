"""How far a download is: for a progress bar on a terminal or on a page."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

_REPORT_EVERY_S = 0.2
_SPEED_OVER_S = 15.0  # the speed is an average over so long


@dataclass(frozen=True, slots=True)
class Progress:
    """`doing`: what goes on, in words; `done` of `total` bytes of it; clips converted so far; bytes a second.

    `total` is None until the server has said it, `seconds_left` until there is a speed.
    """

    doing: str
    done: int
    total: int | None
    clips: int = 0
    bytes_per_second: float = 0.0

    @property
    def seconds_left(self) -> float | None:
        """Estimate the time that is left at the present speed."""
        if self.total is None or not self.bytes_per_second:
            return None
        return (self.total - self.done) / self.bytes_per_second


Report = Callable[[Progress], None]


class Meter:
    """Tells how one piece of work goes, a few times a second; bytes that were there already count for no speed."""

    def __init__(self, doing: str, tell: Report) -> None:
        self._doing = doing
        self._tell = tell
        self._seen: deque[tuple[float, int]] = deque()
        self._next = 0.0
        self._trouble = ""
        self._last: tuple[int, int | None, int] = (0, None, 0)

    def show(self, done: int, total: int | None, clips: int = 0, *, at_once: bool = False) -> None:
        """Report unless the last report was a moment ago; `at_once`: whatever the clock says."""
        self._last = done, total, clips
        now = time.monotonic()
        if now < self._next and not at_once:
            return
        self._next = now + _REPORT_EVERY_S
        self._seen.append((now, done))
        while now - self._seen[0][0] > _SPEED_OVER_S:
            self._seen.popleft()
        since, before = self._seen[0]
        speed = (done - before) / (now - since) if now > since else 0.0
        self._tell(Progress(self._trouble or self._doing, done, total, clips, speed))

    def say_trouble(self, words: str) -> None:
        """Say what goes wrong in the place of what goes on, until that is taken back by no words."""
        self._trouble = words
        if words:
            self._tell(Progress(words, *self._last))
