"""Pool of decoder processes with limits on time and memory, so that no sound file can hang or crash the program.

A worker (`data_prep.sounds.decoder_worker`) that passes a limit or crashes is killed and replaced, and its file is
refused by name. The time limits count the seconds in which somebody waits for the worker, and on Linux and macOS the
seconds that it computes; memory is limited on Linux alone. Workers end with the process that started them.
"""

import atexit
import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from data_prep.errors import InputError
from data_prep.processes import Message, environment, read_message, write_message
from data_prep.sounds.audio import AudioClip
from data_prep.sounds.decoder import Source
from data_prep.sounds.measures import Measures
from data_prep.sounds.reader import Samples

UPLOAD_S = 20.0  # time limit of an upload
_COMPUTING_S = 3.0  # time limit of computing, for a small file
_WAITING_S = 20.0  # time limit of waiting for the next clip, for a small file
_S_PER_MB = 20.0  # slow codecs need a second for 100 kB
_STARTING_S = 60.0
_MAX_IDLE_S = 240.0  # a worker ends after 300 s without a request
_BUSY_S = 60.0  # maximum time in the queue for a worker
_AHEAD = 2  # parts received before they are asked for
_COMMAND = (sys.executable, "-m", "data_prep.sounds.decoder_worker")


class _Worker:
    """A decoder process, and the thread that writes its requests and reads its answers."""

    def __init__(self, command: Sequence[str]) -> None:
        # One thread and one heap: each further one reserves address space, of which the worker has little.
        single = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment() | single,
            process_group=0,  # Ctrl-C reaches only the process that uses the worker
        )
        self.command = command
        self._requests: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._parts: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._free = threading.Semaphore(_AHEAD)
        self._is_ready = False
        self.is_idle = True
        self.idle_since = time.monotonic()
        threading.Thread(target=self._exchange, name="decoder", daemon=True).start()

    def begin(self, facts: dict[str, Any], content: bytes | None) -> None:
        """Send a request, with the content of a file that has no path; `parts` then yields the answer."""
        self.is_idle = False
        self._requests.put((facts, [] if content is None else [np.frombuffer(content, np.uint8)]))

    def parts(self, name: str, size: int, limit_s: float | None) -> Iterator[Message]:
        """Yield the parts of the answer; raises InputError if the file is refused, or a limit is passed."""
        each_s = _WAITING_S + size / 1e7
        left_s = _time_limit(size) + _WAITING_S if limit_s is None else limit_s
        while True:
            began = time.monotonic()
            try:
                if not self._is_ready:
                    self._parts.get(timeout=_STARTING_S)
                    self._is_ready, began = True, time.monotonic()
                part = self._parts.get(timeout=max(0.0, min(each_s, left_s)))
            except queue.Empty:
                raise InputError(_too_slow(name)) from None
            self._free.release()
            left_s -= time.monotonic() - began
            if part is None:
                raise InputError(self._ended(name))
            if "refused" in part[0]:
                self.is_idle = True
                raise InputError(part[0]["refused"])
            if "end" in part[0]:
                self.is_idle = True
                return
            yield part

    def _ended(self, name: str) -> str:
        status = self.process.wait()
        if status == -getattr(signal, "SIGXCPU", 0):
            return _too_slow(name)
        return f"{name} cannot be decoded (its decoder crashed); it is damaged, or made to do harm"

    def _exchange(self) -> None:
        """Send the requests, and receive the answers; ends with the process."""
        assert self.process.stdin  # noqa: S101  # for mypy: both are pipes
        assert self.process.stdout  # noqa: S101
        with contextlib.suppress(EOFError, OSError), self.process.stdin, self.process.stdout:
            self._parts.put(read_message(self.process.stdout))
            while request := self._requests.get():
                write_message(self.process.stdin, *request)
                done = False
                while not done:
                    part = read_message(self.process.stdout)
                    done = not part[0].keys().isdisjoint({"end", "refused"})
                    self._free.acquire()
                    self._parts.put(part)
        self._parts.put(None)
        self._parts.put(None)

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait()
        self._requests.put(None)
        self._free.release()


def _time_limit(size: int) -> float:
    """Return the seconds that a file of so many bytes may compute."""
    return _COMPUTING_S + _S_PER_MB * size / 1e6


def _too_slow(name: str) -> str:
    return f"{name} takes too long to be decoded, much longer than a sound of its size: it may be damaged"


class _Idle:
    """Workers that wait for the next file, shared by all pools of this process."""

    def __init__(self, most: int) -> None:
        self._most, self._lock = most, threading.Lock()
        self._workers: list[_Worker] = []
        atexit.register(self.close)

    def take(self, command: Sequence[str]) -> _Worker | None:
        with self._lock:
            for worker in [worker for worker in self._workers if worker.command == command]:
                self._workers.remove(worker)
                if worker.process.poll() is None and time.monotonic() - worker.idle_since < _MAX_IDLE_S:
                    return worker
                worker.close()
        return None

    def give(self, worker: _Worker) -> None:
        with self._lock:
            worker.idle_since = time.monotonic()
            if worker.is_idle and len(self._workers) < self._most:
                self._workers.append(worker)
                return
        worker.close()

    def close(self) -> None:
        with self._lock:
            while self._workers:
                self._workers.pop().close()


_IDLE = _Idle(most=2)


class DecoderPool:
    """At most `n_workers` decoder processes at a time; any thread may use it."""

    def __init__(self, n_workers: int = 2, command: Sequence[str] = _COMMAND) -> None:
        self._n_workers, self._command = n_workers, command
        self._slots = threading.BoundedSemaphore(n_workers)

    def read_clips(self, source: Source, name: str, max_s: float | None = None) -> Generator[AudioClip, None, None]:
        """Yield what `data_prep.sounds.audio.read_clips` yields; raises InputError also if a limit is passed."""
        with self._asked("clips", source, name, max_s=max_s) as parts:
            yield from map(_clip, parts)

    def read_files(self, paths: Iterable[Path], name: str) -> Generator[Iterator[AudioClip], None, None]:
        """Yield an iterator over the clips of each file, in order; the next files are decoded meanwhile.

        Each iterator is to be used before the next one is asked for; it raises what `read_clips` raises.
        """
        with contextlib.ExitStack() as all_begun:
            begun: deque[tuple[contextlib.ExitStack, Iterator[Message]]] = deque()
            for path in [*paths, *[None] * (self._n_workers - 1)]:
                if path is not None:
                    stack = all_begun.enter_context(contextlib.ExitStack())
                    begun.append((stack, stack.enter_context(self._asked("clips", path, name, max_s=None))))
                if begun and (path is None or len(begun) == self._n_workers):
                    stack, parts = begun.popleft()
                    with stack:
                        yield map(_clip, parts)

    def read_span(self, source: Source, start_s: float, end_s: float, name: str) -> Samples:
        """Return a part of a sound file, mono float32[n] at 16 kHz; raises InputError as `read_clips` does."""
        with self._asked("span", source, name, start_s=start_s, end_s=end_s) as parts:
            return np.concatenate([samples for _, (samples,) in parts])

    def for_browser(self, source: Source, start_s: float, end_s: float, name: str) -> tuple[str, bytes | None]:
        """Return what `data_prep.sounds.audio.for_browser` returns; raises InputError as `read_clips` does."""
        with self._asked("for_browser", source, name, start_s=start_s, end_s=end_s) as parts:
            ((facts, arrays),) = parts
            return facts["mime"], arrays[0].tobytes() if arrays else None

    def check(self, source: Source, name: str) -> None:
        """Raise InputError if a file is not a sound that can be decoded; only its beginning is decoded."""
        with self._asked("probe", source, name) as parts:
            list(parts)

    @contextlib.contextmanager
    def _asked(self, call: str, source: Source, name: str, **facts: Any) -> Iterator[Iterator[Message]]:
        """Send a request to a worker, and give the parts of its answer."""
        content = source if isinstance(source, bytes) else None
        path = None if isinstance(source, bytes) else os.path.abspath(source)  # noqa: PTH100  (a worker has its own cwd)
        size = len(content or b"") if path is None else _size(path)
        limit_s = UPLOAD_S if path is None else None
        if not self._slots.acquire(timeout=_BUSY_S):
            raise InputError(f"{name} cannot be decoded now: too many sounds are waiting; try again in a minute")
        try:
            worker = _IDLE.take(self._command) or _Worker(self._command)
            try:
                seconds = _time_limit(size)
                facts |= {"call": call, "path": path, "name": name}
                worker.begin(facts | {"limit_s": seconds if limit_s is None else min(seconds, limit_s)}, content)
                yield worker.parts(name, size, limit_s)
            finally:
                _IDLE.give(worker)
        finally:
            self._slots.release()


def _size(path: str) -> int:
    try:
        return Path(path).stat().st_size
    except OSError:
        return 0


def _clip(part: Message) -> AudioClip:
    facts, (samples,) = part
    return AudioClip(samples, **{**facts, "measures": Measures(*facts["measures"])})


@cache
def shared_pool() -> DecoderPool:
    """Return the pool of the app: visitors wait for each other's sounds."""
    return DecoderPool()
