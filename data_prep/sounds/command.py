"""`python -m data_prep folder`: a progress bar while files are embedded, then a report on stdout and stderr."""

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from tqdm import tqdm

from data_prep.interrupt import GracefulInterrupt
from data_prep.sounds.folder import Outcome, prepare_folder
from data_prep.sounds.walk import printable


def prepare_and_report(sounds: Path, out: Path, *, overwrite: bool) -> Outcome:
    """Prepare a folder of sounds and print what became of its files; raises what `prepare_folder` raises."""
    began = time.perf_counter()
    stopping = False
    with (
        _native_stderr_hidden() as stderr,
        GracefulInterrupt() as interrupt,
        tqdm(desc="listening", unit=" files", mininterval=0.5, file=stderr) as bar,
    ):

        def show(done: int, total: int, path: str) -> None:
            bar.total = total
            bar.set_postfix_str(printable(path)[-40:], refresh=False)
            bar.update(done - bar.n)

        def should_stop() -> bool:
            nonlocal stopping
            if interrupt.requested() and not stopping:
                stopping = True
                bar.write("stopping after this clip; press Ctrl-C again to abort without writing", file=stderr)
            return stopping

        outcome = prepare_folder(sounds, out, overwrite=overwrite, progress=show, should_stop=should_stop)
    if outcome.damage:
        print(f"the earlier dataset was damaged ({outcome.damage}): every file was embedded again", file=sys.stderr)
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
    """Yield this process's stderr; warnings that decoders written in C print there are dropped meanwhile."""
    sys.stderr.flush()
    with os.fdopen(os.dup(2), "w", encoding="utf-8", errors="backslashreplace") as stderr:
        try:
            with Path(os.devnull).open("wb") as null:
                os.dup2(null.fileno(), 2)
            yield stderr
        finally:
            stderr.flush()
            os.dup2(stderr.fileno(), 2)
