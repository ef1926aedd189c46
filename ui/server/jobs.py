"""Background jobs, shared by all visitors: one per name at a time, with progress and a way to stop."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import streamlit as st

from data_prep.errors import DataError, StoppedError
from earshot_common.command_line import full_message

_UNEXPECTED = "it failed with an unexpected error; see the server's log"


class Report(Protocol):
    """Progress callback of a job: the fraction done in [0, 1], None if unknown, and the current activity."""

    def __call__(self, share: float | None, doing: str) -> None:
        """Store the progress."""


StopCheck = Callable[[], bool]
Work = Callable[[Report, StopCheck], str]


@dataclass
class Job:
    """A job, running or done: `said` is its result, `error` why it failed; `begun` is a time.monotonic()."""

    name: str
    share: float | None = None
    doing: str = "beginning"
    said: str | None = None
    error: str | None = None
    begun: float = field(default_factory=time.monotonic)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        """Return whether the work is not done."""
        return self.said is None and self.error is None

    def stop(self) -> None:
        """Request the work to stop; it keeps what it can resume from."""
        self._stop.set()

    def begin(self, work: Work) -> None:
        """Start the work in a new thread."""
        self._thread = threading.Thread(target=self._run, args=(work,), name=self.name, daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Wait until the work is done."""
        if self._thread is not None:
            self._thread.join()

    def _run(self, work: Work) -> None:
        try:
            self.said = work(self._tell, self._stop.is_set)
        except StoppedError:
            self.error = "Stopped. What was done is kept: begin again to resume."
        except DataError as error:
            self.error = full_message(error)
        except BaseException:
            self.error = _UNEXPECTED
            raise

    def _tell(self, share: float | None, doing: str) -> None:
        self.share, self.doing = share, doing


class Jobs:
    """The jobs of this server, by name."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()

    def get(self, name: str) -> Job | None:
        """Return the job of a name, running or done."""
        return self._jobs.get(name)

    def begin(self, name: str, work: Work) -> Job:
        """Start a job unless one of that name is running; return the running one."""
        with self._lock:
            job = self._jobs.get(name)
            if job is None or not job.running:
                job = self._jobs[name] = Job(name)
                job.begin(work)
        return job

    def forget(self, name: str) -> None:
        """Forget a job that is done."""
        with self._lock:
            if name in self._jobs and not self._jobs[name].running:
                del self._jobs[name]


@st.cache_resource(show_spinner=False)
def jobs() -> Jobs:
    """Return the jobs that all visitors share."""
    return Jobs()
