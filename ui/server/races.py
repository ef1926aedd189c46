"""Races of all visitors, each in a process of its own: a server that races answers others late, and keeps the memory.

The process is `python -m ui.race_cli --progress`: it maps the same files of the dataset, prints what it has measured as
JSON, and ends with the race, or when its last visitor has left. Visitors who race over the same clips at the same
setting share one process. One race or measurement runs at a time.
"""

import atexit
import contextlib
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Mapping
from typing import Any, NamedTuple

from data_prep.errors import DataError
from data_prep.processes import environment, last_line
from lsh.analysis.racing import Setting
from ui.model import exclusive
from ui.model.race_runs import Run

_COMMAND = (sys.executable, "-m", "ui.race_cli")
_POLL_S = 0.15  # writing to a page more often would disturb what is timed
_LEFT_AFTER_S = 5.0  # a connection may be interrupted
_BEGINS = "To your marks"
_FAILED = "the race ended before its time"


class Race(NamedTuple):
    """What is raced. width: chosen by the visitor, None for that of the data; clips: at most so many race."""

    path: str
    fingerprint: str
    metric: str
    seed: int
    width: float | None
    setting: Setting
    clips: int

    @property
    def arguments(self) -> list[str]:
        """Return the arguments of `ui.race_cli`."""
        s = self.setting
        given = (
            ("metric", self.metric),
            *(("tables", s.n_tables), ("bits", s.n_bits), ("probes", s.n_probes)),
            *(("seed", self.seed), ("width", self.width), ("clips", self.clips)),
        )
        return [self.path, "--progress", *(f"--{name}={value}" for name, value in given if value is not None)]


class Progress(NamedTuple):
    """How far a race is. share: of its work, None while another one runs; doing: what it does; run: what is raced."""

    share: float | None
    doing: str
    run: Run | None


Messages = Generator[Mapping[str, Any], None, None]


def messages_of_process(race: Race, ended: threading.Event) -> Messages:
    """Start a race's process; yield what it prints (`ui.race_cli.messages`), until it is done or `ended` is set.

    Raises DataError with its message if it fails.
    """
    single = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(
            [*_COMMAND, *race.arguments],
            env=environment() | single,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
            process_group=0,  # Ctrl-C reaches the server alone, which ends it
        )
        atexit.register(process.kill)
        ending = threading.Thread(target=_kill_when, args=(ended, process), daemon=True)
        ending.start()
        try:
            for line in process.stdout or ():
                yield json.loads(line)
            if process.wait() != 0 and not ended.is_set():
                raise DataError(f"{_FAILED}{last_line(complaints)}")
        finally:
            ended.set()
            ending.join()
            atexit.unregister(process.kill)
            if process.stdout is not None:
                process.stdout.close()


def _kill_when(ended: threading.Event, process: "subprocess.Popen[str]") -> None:
    ended.wait()
    process.kill()
    process.wait()


class _Running:
    """A race that runs, or waits for its turn; followers: visitors who wait for it."""

    def __init__(self, race: Race, messages: Callable[[Race, threading.Event], Messages]) -> None:
        self.followers = 0
        self.progress = Progress(None, "", None)
        self.error: DataError | None = None
        self.ended, self.news = threading.Event(), threading.Condition()
        self.thread = threading.Thread(target=self._run, args=(race, messages), name="race", daemon=True)
        self.thread.start()

    def _run(self, race: Race, messages: Callable[[Race, threading.Event], Messages]) -> None:
        try:
            with exclusive.hold(exclusive.MEASURING, self._stop_if_ended):
                self._stop_if_ended()
                self.progress = Progress(0.0, _BEGINS, None)
                with contextlib.closing(messages(race, self.ended)) as received:
                    for message in received:
                        run = Run.from_dict(message["run"]) if "run" in message else self.progress.run
                        self.progress = Progress(message["share"], message["doing"], run)
        except _LeftError:
            pass
        except DataError as error:
            self.error = error
        except BaseException:
            self.error = DataError(f"{_FAILED}; the server's log says why")
            raise
        finally:
            self.ended.set()

    def _stop_if_ended(self) -> None:
        if self.ended.is_set():
            raise _LeftError


class _LeftError(Exception):
    """All followers have left before the race began."""


_RUNNING: dict[Race, _Running] = {}
_LOCK = threading.Lock()


def follow(race: Race, is_there: Callable[[], bool] = lambda: True) -> Generator[Progress, None, None]:
    """Start a race, or join one that runs; yield its progress several times per second, and at its end.

    Close the generator to leave: with its last visitor the race ends. It also ends when `is_there` has been False for
    some seconds. Raises DataError if the race fails.
    """
    with _LOCK:
        running = _RUNNING.get(race)
        if running is None or running.ended.is_set():
            running = _RUNNING[race] = _Running(race, messages_of_process)
        running.followers += 1
    seen = time.monotonic()
    try:
        while not running.ended.wait(_POLL_S):
            now = time.monotonic()
            seen = now if is_there() else seen
            if now - seen > _LEFT_AFTER_S:
                return
            yield running.progress
        running.thread.join()
        if running.error is not None:
            raise running.error
        yield running.progress
    finally:
        with _LOCK:
            running.followers -= 1
            if not running.followers:
                running.ended.set()
                if _RUNNING.get(race) is running:
                    del _RUNNING[race]
