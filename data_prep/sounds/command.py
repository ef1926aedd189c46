"""The command `python -m data_prep folder`: progress bar, report, and a graceful stop by Ctrl-C."""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import TextIO

from tqdm import tqdm

from data_prep.arrays import FeatureDtype
from data_prep.sounds.folder import Outcome, prepare_folder
from data_prep.sounds.sound_files import printable


def prepare_and_report(sounds: Path, out: Path, *, dtype: FeatureDtype | None, overwrite: bool) -> Outcome:
    """Prepare a folder of sounds and print a report; raises what `prepare_folder` raises."""
    began = time.perf_counter()
    stopping = False
    with (
        _native_stderr_hidden() as stderr,
        _graceful_interrupt() as interrupted,
        tqdm(desc="embedding", unit=" files", mininterval=0.5, file=stderr) as bar,
    ):

        def show(done: int, total: int, path: str) -> None:
            bar.total = total
            bar.set_postfix_str(printable(path)[-40:], refresh=False)
            bar.update(done - bar.n)

        def should_stop() -> bool:
            nonlocal stopping
            if interrupted() and not stopping:
                stopping = True
                bar.write("stopping after this clip; press Ctrl-C again to abort without writing", file=stderr)
            return stopping

        outcome = prepare_folder(sounds, out, dtype=dtype, overwrite=overwrite, progress=show, should_stop=should_stop)
    if outcome.damage:
        print(f"the earlier dataset was damaged ({outcome.damage}): every file was embedded again", file=sys.stderr)
    for path, note in outcome.notes.items():
        print(printable(f"note: {path}: {note}"), file=sys.stderr)
    for path, reason in outcome.refused:
        print(printable(f"left out: {path}: {reason}"), file=sys.stderr)
    print(
        f"{out}: {outcome.files:,} files, {outcome.clips:,} clips; {outcome.embedded:,} files were new or had "
        f"changed; {time.perf_counter() - began:.1f} s"
    )
    if outcome.remaining:
        print(f"stopped: {outcome.remaining:,} files remain; run the command again to resume", file=sys.stderr)
    return outcome


@contextlib.contextmanager
def _native_stderr_hidden() -> Iterator[TextIO]:
    """Yield a copy of stderr; in the block, file descriptor 2 is redirected to hide warnings of C decoders."""
    sys.stderr.flush()
    with os.fdopen(os.dup(2), "w", encoding="utf-8", errors="backslashreplace") as stderr:
        try:
            with Path(os.devnull).open("wb") as null:
                os.dup2(null.fileno(), 2)
            yield stderr
        finally:
            stderr.flush()
            os.dup2(stderr.fileno(), 2)


@contextlib.contextmanager
def _graceful_interrupt() -> Iterator[Callable[[], bool]]:
    """Yield a function that returns whether SIGINT was received; a second one raises KeyboardInterrupt."""
    received = False

    def handle(_number: int, _frame: FrameType | None) -> None:
        nonlocal received
        if received:
            raise KeyboardInterrupt
        received = True

    earlier = signal.signal(signal.SIGINT, handle)
    try:
        yield lambda: received
    finally:
        signal.signal(signal.SIGINT, earlier)
