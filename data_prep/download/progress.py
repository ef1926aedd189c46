"""Progress of downloads and conversions, for progress bars on a terminal or a page."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

_REPORT_EVERY_S = 0.2
_SPEED_OVER_S = 15.0  # the speed is the mean over this time


@dataclass(frozen=True, slots=True)
class Progress:
    """State of one activity: its name, `done` of `total` bytes, clips converted so far, and the speed.

    `total` is None until the server states it; `seconds_left` is None while the speed is unknown.
    """

    activity: str
    done: int
    total: int | None
    clips: int = 0
    bytes_per_second: float = 0.0

    @property
    def seconds_left(self) -> float | None:
        """The remaining time at the current speed."""
        if self.total is None or not self.bytes_per_second:
            return None
        return (self.total - self.done) / self.bytes_per_second


ProgressCallback = Callable[[Progress], None]


class Meter:
    """Reports the progress of one activity a few times per second; the speed excludes bytes of earlier runs."""

    def __init__(self, activity: str, report: ProgressCallback) -> None:
        self._activity = activity
        self._report = report
        self._seen: deque[tuple[float, int]] = deque()
        self._next = 0.0
        self._problem = ""
        self._last: tuple[int, int | None, int] = (0, None, 0)

    def show(self, done: int, total: int | None, clips: int = 0, *, at_once: bool = False) -> None:
        """Report, unless the last report is less than 0.2 s ago (with `at_once`: always)."""
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
        self._report(Progress(self._problem or self._activity, done, total, clips, speed))

    def report_problem(self, text: str) -> None:
        """Report a problem as the activity, until it is called with an empty text."""
        self._problem = text
        if text:
            self._report(Progress(text, *self._last))
