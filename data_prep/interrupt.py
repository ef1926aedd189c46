"""Ctrl-C as a wish: what was done is kept, and the work ends at its next pause. A second Ctrl-C ends it at once."""

import signal
from types import FrameType, TracebackType
from typing import Self


class Interrupt:
    """While its block lasts, the first SIGINT only sets a flag."""

    def __init__(self) -> None:
        self._came = False

    def __enter__(self) -> Self:
        """Take over SIGINT."""
        self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give SIGINT back."""
        signal.signal(signal.SIGINT, self._before)

    def came(self) -> bool:
        """Tell whether somebody wants the work to end."""
        return self._came

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        if self._came:
            raise KeyboardInterrupt
        self._came = True
