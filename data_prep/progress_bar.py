"""Progress bar of the command line."""

import sys
import time
from typing import TYPE_CHECKING, NoReturn, Self

if TYPE_CHECKING:
    from tqdm import tqdm

    from data_prep.download.progress import Progress


class ProgressBar:
    """A progress bar on stderr: bytes done, bytes per second, clips so far and clips per second."""

    def __init__(self) -> None:
        self._bar: tqdm[NoReturn] | None = None
        self._activity = ""
        self._began = time.perf_counter()

    def __enter__(self) -> Self:
        """Return the bar, which appears when something is shown."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the bar."""
        if self._bar is not None:
            self._bar.close()

    def show(self, progress: "Progress") -> None:
        """Show the progress; a new activity has a new bar."""
        if self._bar is None or self._activity != progress.activity:
            from tqdm import tqdm  # an optional dependency, which `--help` must not need

            self.__exit__()
            self._activity = progress.activity
            self._bar = tqdm(
                desc=progress.activity,
                initial=progress.done,
                unit_scale=True,
                mininterval=0.1 if sys.stderr.isatty() else 10,  # seconds: few lines in a log file
                bar_format="{l_bar}{bar}| {n_fmt}/{total_fmt}B [{elapsed}<{remaining}, {postfix}]",
            )
        text = f"{progress.bytes_per_second / 1e6:,.1f} MB/s"
        if progress.clips:
            rate = progress.clips / (time.perf_counter() - self._began)
            text += f", {progress.clips:,} clips, {rate:,.0f} clips/s"
        self._bar.total = progress.total
        self._bar.set_postfix_str(text, refresh=False)
        self._bar.update(progress.done - self._bar.n)
