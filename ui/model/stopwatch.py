"""Search times of settings, each measured once in the background for all visitors and kept on disk.

A single thread measures, the setting requested last first. Times are kept in one file per dataset, metric and
processor in the cache folder of the kernels, whose name changes with their code; a lock file lets one process at a time
measure. Without a writable folder, they are kept in memory.

Exact search has one time per dataset, metric and processor: the first measured. A setting's time is scaled by the same
factor as that of exact search in its own measurement, which removes changes of the machine's speed in between.
"""

import contextlib
import hashlib
import json
import logging
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import streamlit as st

from earshot_common.atomic import WriteError, write_file
from earshot_common.locks import lock_file
from lsh.analysis import machine
from lsh.analysis.timing import SearchTimes
from lsh.errors import ClusterError
from lsh.kernels.jit import CACHE_FOLDER
from ui.model.exclusive import RUNS

MAX_SPREAD = 0.2  # times of a larger spread are measured again
RETRY_S = 60.0  # at the earliest after so long
MAX_DELAY_S = 2.0  # a measurement waits at most so long for runs, which it would slow down, to end
MAX_WAITING = 8  # requests; the oldest are dropped, since each holds its index in memory
MAX_IN_MEMORY = 200  # collections and filters whose times are kept in memory alone

Measure = Callable[[], SearchTimes]
Records = dict[str, SearchTimes]  # by setting, in the order of their measurement


class TimeKey(NamedTuple):
    """What is timed: the fingerprint of a dataset, the metric, and a setting with its index as text.

    is_kept: whether the time is kept on disk.
    """

    fingerprint: str
    metric: str
    setting: str
    is_kept: bool = True


class Stopwatch:
    """Times of settings, shared by all visitors; folder: where they are kept, None for memory alone."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._processor = machine.processor()
        self._records: dict[str, Records] = {}  # by file name
        self._in_memory: dict[str, Records] = {}  # of times that are not kept on disk, the newest last
        self._waiting: dict[TimeKey, Measure] = {}  # the next to be measured last
        self._running: TimeKey | None = None
        self._failed: set[TimeKey] = set()
        self._retry_at: dict[TimeKey, float] = {}
        self._worker: threading.Thread | None = None
        self._lock = threading.Lock()

    def times(self, key: TimeKey, measure: Measure) -> SearchTimes | None:
        """Return the times of a setting; None until `measure`, run in the background, has returned them."""
        with self._lock:
            records = self._records_with(key)
            found = records.get(key.setting)
            if found is None:
                self._request(key, measure)
                return None
            if found.spread > MAX_SPREAD and time.monotonic() >= self._retry_at.get(key, 0.0):
                self._request(key, measure, last=True)
            return _with_common_exact_time(found, records)

    def known(self, key: TimeKey) -> SearchTimes | None:
        """Return the times of a setting if they are known with a spread of at most `MAX_SPREAD`; measures nothing."""
        with self._lock:
            found = self._records_with(key).get(key.setting)
        return found if found is not None and found.spread <= MAX_SPREAD else None

    def has_failed(self, key: TimeKey) -> bool:
        """Return whether measuring a setting raised an exception, so that it will have no times."""
        return key in self._failed

    def _records_with(self, key: TimeKey) -> Records:
        """Return the records among which the key's are kept, read from the disk at first; the caller holds the lock."""
        name = self._file_name(key)
        if not key.is_kept:
            records = self._in_memory.pop(name, {})
            self._in_memory = {**dict(list(self._in_memory.items())[1 - MAX_IN_MEMORY :]), name: records}
            return records
        if name not in self._records:
            self._records[name] = self._read(name)
        return self._records[name]

    def _request(self, key: TimeKey, measure: Measure, *, last: bool = False) -> None:
        if key == self._running or key in self._failed:
            return
        others = {other: own for other, own in self._waiting.items() if other != key}
        self._waiting = {key: measure, **others} if last else {**others, key: measure}
        while len(self._waiting) > MAX_WAITING:
            del self._waiting[next(iter(self._waiting))]
        if self._worker is None:
            self._worker = threading.Thread(target=self._work, name="stopwatch", daemon=True)
            self._worker.start()

    def _work(self) -> None:
        """Measure until nothing is waiting."""
        while True:
            with self._lock:
                self._running = None
                if not self._waiting:
                    self._worker = None
                    return
                key, measure = self._waiting.popitem()
                self._running = key
            RUNS.wait_until_idle(MAX_DELAY_S)
            try:
                self._measure(key, measure)
            except ClusterError as error:  # of workers that were lost; the next request measures again
                logging.getLogger(__name__).warning("cannot measure the time of %s: %s", key, error)
            except Exception:
                logging.getLogger(__name__).exception("cannot measure the time of %s", key)
                self._failed.add(key)

    def _measure(self, key: TimeKey, measure: Measure) -> None:
        name = self._file_name(key)
        with self._no_other_process():
            with self._lock:
                records = dict(self._records_with(key))
            if key.is_kept:
                records |= self._read(name)  # another process may have measured it
            known = records.get(key.setting)
            if known is None or known.spread > MAX_SPREAD:
                times = measure()
                if known is None or times.spread < known.spread:
                    records[key.setting] = times
                    if key.is_kept:
                        self._write(name, records)
        now = time.monotonic()
        with self._lock:
            self._retry_at = {other: at for other, at in self._retry_at.items() if at > now} | {key: now + RETRY_S}
            (self._records if key.is_kept else self._in_memory)[name] = records

    @contextlib.contextmanager
    def _no_other_process(self) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            if self._folder is not None:
                with contextlib.suppress(OSError):  # a read-only folder
                    stack.enter_context(lock_file(self._folder / "times.lock", wait=True))
            yield

    def _file_name(self, key: TimeKey) -> str:
        what = f"{key.fingerprint}\n{key.metric}\n{self._processor}"
        return f"times-{hashlib.sha256(what.encode()).hexdigest()[:16]}.json"

    def _read(self, name: str) -> Records:
        """Return the records of a file; none from a missing or a damaged one."""
        if self._folder is None:
            return {}
        try:
            stored = json.loads((self._folder / name).read_bytes())
            return {str(setting): _record(fields) for setting, fields in stored.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}

    def _write(self, name: str, records: Records) -> None:
        if self._folder is not None:
            text = json.dumps({setting: asdict(times) for setting, times in records.items()}, indent=1)
            with contextlib.suppress(OSError, WriteError):  # a read-only folder, or a full disk
                write_file(self._folder / name, text.encode())


@st.cache_resource(show_spinner=False)
def shared() -> Stopwatch:
    """Return the times that all visitors share."""
    return Stopwatch(CACHE_FOLDER)


def _with_common_exact_time(times: SearchTimes, records: Records) -> SearchTimes:
    steady = (one.exact_ms for one in records.values() if one.spread <= MAX_SPREAD)
    exact_ms = next(steady, next(iter(records.values())).exact_ms)
    return replace(times, ms=times.ms * (exact_ms / times.exact_ms), exact_ms=exact_ms)


def _record(fields: Mapping[str, Any]) -> SearchTimes:
    """Return a stored record. Raises TypeError or ValueError unless it has the fields of one, with possible values."""
    times = SearchTimes(**fields)
    if not all(math.isfinite(value) and value >= 0 for value in (times.ms, times.spread)) or not times.exact_ms > 0:
        raise ValueError("times are not positive numbers")
    counts = times.n_queries, times.rounds
    if not all(type(count) is int and count > 0 for count in counts) or not isinstance(times.split, str):
        raise TypeError("not a record of times")
    return times
