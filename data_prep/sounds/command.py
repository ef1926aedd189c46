"""`python -m data_prep folder` as a terminal shows it: a bar while it listens, then what became of the files."""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn, TextIO

from tqdm import tqdm

from data_prep.interrupt import GracefulInterrupt
from data_prep.sounds.folder import Outcome, prepare_folder
from data_prep.sounds.walk import in_a_line


def listen(sounds: Path, out: Path, *, overwrite: bool) -> Outcome:
    """Prepare a folder of sounds, telling how it goes; errors are those of `prepare_folder`."""
    began = time.perf_counter()
    with _without_c() as stderr, GracefulInterrupt() as interrupt, _bar(stderr) as bar:

        def show(done: int, total: int, path: str) -> None:
            bar.total = total
            bar.set_postfix_str(in_a_line(path)[-40:], refresh=False)
            bar.update(done - bar.n)

        stop = _told_once(interrupt.requested, lambda words: bar.write(words, file=stderr))
        outcome = prepare_folder(sounds, out, overwrite=overwrite, progress=show, should_stop=stop)
    if outcome.damage:
        print(f"the earlier dataset was damaged ({outcome.damage}), so every file was heard anew", file=sys.stderr)
    for path, reason in outcome.refused:
        print(in_a_line(f"left out: {path}: {reason}"), file=sys.stderr)
    print(
        f"{out}: {outcome.files:,} files, {outcome.clips:,} clips; {outcome.listened:,} files were new or had "
        f"changed; {time.perf_counter() - began:.1f} s"
    )
    if outcome.waiting:
        print(f"stopped: {outcome.waiting:,} files were not listened to; run it again to go on", file=sys.stderr)
    return outcome


def _bar(stderr: TextIO) -> "tqdm[NoReturn]":
    return tqdm(desc="listening", unit=" files", mininterval=0.5, file=stderr)


def _told_once(came: Callable[[], bool], tell: Callable[[str], None]) -> Callable[[], bool]:
    """Return `came`, which tells a person at its first yes that it has been noticed."""
    noticed = False

    def asked() -> bool:
        nonlocal noticed
        if came() and not noticed:
            noticed = True
            tell("stopping after this clip and writing what has been heard; Ctrl-C again ends it at once")
        return noticed

    return asked


@contextlib.contextmanager
def _without_c() -> Iterator[TextIO]:
    """Yield this process's stderr; what decoders in C print there by themselves goes nowhere meanwhile."""
    sys.stderr.flush()
    with os.fdopen(os.dup(2), "w", encoding="utf-8", errors="backslashreplace") as stderr:
        try:
            with Path(os.devnull).open("wb") as nowhere:
                os.dup2(nowhere.fileno(), 2)
            yield stderr
        finally:
            stderr.flush()
            os.dup2(stderr.fileno(), 2)
