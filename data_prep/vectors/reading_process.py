"""Reading of files of vectors in a process of its own, with limits on memory and time.

No file can hang or crash the program that asks: a worker (`data_prep.vectors.worker`) that passes a limit or crashes is
killed, and its file is refused by name. Limited are the seconds that it computes and, on Linux, the memory in use.
"""

import contextlib
import mmap
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from data_prep.errors import InputError, StoppedError
from data_prep.processes import Message, environment, read_message, write_message
from data_prep.vectors.clip_columns import Asked, absolute
from data_prep.vectors.collection import Outcome, Progress
from data_prep.vectors.preview import Preview
from earshot_common.atomic import remove_leftovers

_COMMAND = (sys.executable, "-m", "data_prep.vectors.worker")
_POLL_S = 0.1
_SILENT_S = 900.0  # longest wait for a sign of progress


class Limits(NamedTuple):
    """Limits of a worker: bytes in use, and seconds of computing, in all and per MB of its files."""

    memory_bytes: int
    computing_s: float
    s_per_mb: float = 0.0
    command: Sequence[str] = _COMMAND


PREVIEW = Limits(1_000_000_000, 60.0)
GIVEN = Limits(500_000_000, 60.0, 2.0)  # of a file that a visitor of a hosted app gives
PREPARATION = Limits(4_000_000_000, 300.0, 1.0)  # some twenty times what a CSV file takes


def preview_apart(
    vectors: str | Path, meta: str | Path | None = None, asked: Asked | None = None, limits: Limits = PREVIEW
) -> Preview:
    """Return what `preview` does, in a process of its own. Raises InputError, also where a limit is passed."""
    call = {"call": "preview", **_arguments(vectors, meta, asked)}
    return Preview(**_run(call, limits, lambda _done, _total: None, lambda: False))


def prepare_apart(
    vectors: str | Path,
    out: str | Path,
    *,
    meta: str | Path | None = None,
    asked: Asked | None = None,
    overwrite: bool = False,
    progress: Progress = lambda _done, _total: None,
    should_stop: Callable[[], bool] = lambda: False,
    limits: Limits = PREPARATION,
) -> Outcome:
    """Write a dataset as `prepare_vectors` does, in a process of its own.

    Raises InputError, also where a limit is passed; OutputError where `out` cannot be written; StoppedError when
    `should_stop` returns True: then nothing is written.
    """
    call = {"call": "prepare", **_arguments(vectors, meta, asked), "out": str(absolute(out)), "overwrite": overwrite}
    try:
        facts = _run(call, limits, progress, should_stop)
    except BaseException:
        with contextlib.suppress(OSError):
            remove_leftovers(absolute(out))
        raise
    changes = facts["changes"] and tuple(facts["changes"])
    return Outcome(**facts | {"left_out": dict(facts["left_out"]), "changes": changes})


def _arguments(vectors: str | Path, meta: str | Path | None, asked: Asked | None) -> dict[str, Any]:
    wanted = asdict(asked or Asked())
    folder = wanted["audio_folder"]
    return {
        "vectors": str(absolute(vectors)),
        "meta": None if meta is None else str(absolute(meta)),
        "asked": wanted | {"audio_folder": None if folder is None else str(folder)},
    }


def _run(call: dict[str, Any], limits: Limits, progress: Progress, should_stop: Callable[[], bool]) -> dict[str, Any]:
    files = [Path(name) for name in (call["vectors"], call["meta"]) if name is not None]
    n_bytes = sum(file.stat().st_size for file in files if file.is_file())
    call |= {
        "memory_bytes": limits.memory_bytes,
        "computing_s": limits.computing_s + limits.s_per_mb * n_bytes / 1e6,
    }
    name = " with ".join(map(str, files))
    # One thread, one heap and the system's allocator: each further one reserves memory that the limit would count.
    single = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}
    process = subprocess.Popen(
        limits.command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment() | single,
        process_group=0,  # Ctrl-C reaches only the process that asks
    )
    answers: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
    thread = threading.Thread(target=_receive, args=(process, call, answers), name="vectors", daemon=True)
    thread.start()
    try:
        return _result(process, answers, name, limits, progress, should_stop)
    finally:
        process.kill()
        process.wait()
        thread.join()
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                assert pipe  # noqa: S101  # for mypy: both are pipes
                pipe.close()


def _receive(process: "subprocess.Popen[bytes]", call: dict[str, Any], answers: "queue.SimpleQueue[Any]") -> None:
    """Send the request and receive the answers; ends with the process."""
    assert process.stdin  # noqa: S101  # for mypy: both are pipes
    assert process.stdout  # noqa: S101
    with contextlib.suppress(EOFError, OSError, ValueError):
        write_message(process.stdin, call)
        while True:
            answers.put(read_message(process.stdout))
    answers.put(None)


def _result(
    process: "subprocess.Popen[bytes]",
    answers: "queue.SimpleQueue[Message | None]",
    name: str,
    limits: Limits,
    progress: Progress,
    should_stop: Callable[[], bool],
) -> dict[str, Any]:
    heard = time.monotonic()
    while True:
        if should_stop():
            raise StoppedError(f"stopped while {name} was being read: nothing was written")
        if _memory_of(process.pid) > limits.memory_bytes:
            raise InputError(_too_large(name, limits))
        try:
            message = answers.get(timeout=_POLL_S)
        except queue.Empty:
            if time.monotonic() - heard > _SILENT_S:
                raise InputError(_too_slow(name)) from None
            continue
        heard = time.monotonic()
        if message is None:
            raise InputError(_ended(name, process.wait()))
        facts = message[0]
        if "result" in facts:
            result: dict[str, Any] = facts["result"]
            return result
        if "refused" in facts:
            raise InputError(facts["refused"])
        if "memory" in facts:
            raise InputError(_too_large(name, limits))
        progress(facts["done"], facts["total"])


def _memory_of(pid: int) -> int:
    """Return the bytes that a process has in use; 0 where the system does not say."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return 0
    return pages * mmap.PAGESIZE


def _too_large(name: str, limits: Limits) -> str:
    return (
        f"{name} needs more than {limits.memory_bytes / 1e9:.1f} GB of memory to be read here; it may be damaged. "
        "`python -m data_prep vectors` reads it without this limit"
    )


def _ended(name: str, status: int) -> str:
    if status == -getattr(signal, "SIGXCPU", 0):
        return _too_slow(name)
    return (
        f"{name} cannot be read (the process that reads it ended by {_cause(status)}): it is damaged, or needs more "
        "memory than there is"
    )


def _cause(status: int) -> str:
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"status {status}"


def _too_slow(name: str) -> str:
    return f"{name} takes too long to be read, much longer than a file of its size: it may be damaged"
