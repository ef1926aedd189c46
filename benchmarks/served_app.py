"""Served app: the app's server as a process of its own, its memory and its processor time. Linux."""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple
from urllib.request import urlopen

from benchmarks.errors import BenchmarkError

ROOT = Path(__file__).resolve().parent.parent
_START_S = 60.0
_TICKS = os.sysconf("SC_CLK_TCK")


class Memory(NamedTuple):
    """Memory of a process and its descendants in MB: resident now, the sum of their peaks, and own (RssAnon) now."""

    resident: float
    peak: float
    own: float


@contextmanager
def served(
    dataset: Path,
    script: Path = ROOT / "app.py",
    workers: int = 0,
    environment: Mapping[str, str] | None = None,
    limit: Callable[[], None] | None = None,
    log: IO[bytes] | None = None,
) -> Iterator[tuple["subprocess.Popen[bytes]", str, float]]:
    """Yield the process of the app's server, its address, and its start (time.monotonic()).

    dataset: opens first; workers: so many processes behind nginx, by `tools/serve.py`, whose process is then yielded;
    environment: variables beside the own ones; limit: called in the new process before it starts;
    log: file for what the server writes.
    Raises BenchmarkError if the server does not answer.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.headless", "true"]
    command += ["--server.address", "127.0.0.1", "--server.port", str(port)]
    if workers:
        command = [sys.executable, "tools/serve.py", "--workers", str(workers), "--port", str(port)]
    variables = {**os.environ, "EARSHOT_DATA": str(dataset.parent), "EARSHOT_DATASET": dataset.name}
    with tempfile.TemporaryFile() as unread:
        began = time.monotonic()
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**variables, **(environment or {})},
            preexec_fn=limit,  # noqa: PLW1509
            stdout=log or unread,
            stderr=log or unread,
        )
        address = f"http://127.0.0.1:{port}"
        try:
            _wait_for(f"{address}/_stcore/health", process, " ".join(command))
            yield process, address, began
        finally:
            process.terminate()
            process.wait()


def _wait_for(address: str, process: "subprocess.Popen[bytes]", command: str) -> None:
    until = time.monotonic() + _START_S
    while time.monotonic() < until and process.poll() is None:
        try:
            with urlopen(address):  # noqa: S310  (the server started here)
                return
        except OSError:
            time.sleep(0.1)
    raise BenchmarkError(f"no answer from {address}; to see why, start it by hand: {command}")


def memory_mb(pid: int) -> Memory:
    """Return the memory of a process and its descendants."""
    total = Memory(0.0, 0.0, 0.0)
    for process in (pid, *children(pid)):
        with contextlib.suppress(OSError, KeyError):  # a child may end meanwhile
            lines = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())
            figures = (int(lines[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM", "RssAnon"))
            total = Memory(*map(sum, zip(total, figures, strict=True)))
    return total


def processor_s(pid: int) -> float:
    """Return the processor time in seconds of a process and its descendants, and of children that have ended."""
    seconds = 0.0
    for process in (pid, *children(pid)):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            seconds += sum(map(int, fields[13:15])) / _TICKS + _own_s(process)
    return seconds


def _own_s(pid: int) -> float:
    """Return the processor time of a process from Linux's clock of it: nanoseconds, where /proc counts hundredths."""
    return time.clock_gettime(~pid << 3 | 2)


def children(pid: int) -> list[int]:
    """Return the running descendants of a process, such as the one that compiles kernels."""
    found: list[int] = []
    with contextlib.suppress(OSError):  # processes and threads may end meanwhile
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            found += map(int, task.read_text().split())
    running = []
    for child in found:
        with contextlib.suppress(OSError):
            if Path(f"/proc/{child}/cmdline").read_bytes():
                running += [child, *children(child)]
    return running
