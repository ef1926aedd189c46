"""Graceful SIGINT: the first sets a flag, the second raises KeyboardInterrupt."""

import signal
from types import FrameType, TracebackType
from typing import Self


class GracefulInterrupt:
    """A context manager in whose block the first SIGINT only sets a flag."""

    def __init__(self) -> None:
        self._requested = False

    def __enter__(self) -> Self:
        """Install the handler of SIGINT."""
        self._before = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Restore the handler before."""
        signal.signal(signal.SIGINT, self._before)

    def requested(self) -> bool:
        """Return whether SIGINT has come."""
        return self._requested

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        if self._requested:
            raise KeyboardInterrupt
        self._requested = True
