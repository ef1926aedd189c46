"""Long work in the background: one job of a name at a time for all visitors, its progress, and a way to stop it."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import streamlit as st

from data_prep.errors import DataError, StoppedError
from earshot_common.command_line import full_message

_LOST = "it failed for a reason that was not foreseen; the server's log has it"


class Report(Protocol):
    """What a job calls to say how far it is: a share of the whole in [0, 1] or None, and what it is doing."""

    def __call__(self, share: float | None, doing: str) -> None:
        """Say it."""


StopCheck = Callable[[], bool]
Work = Callable[[Report, StopCheck], str]


@dataclass
class Job:
    """Work under way, or done: `said` is what it came to, `error` why it did not; `begun` by the monotonic clock."""

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
        """Tell whether the work goes on."""
        return self.said is None and self.error is None

    def stop(self) -> None:
        """Ask the work to end; what it has done is kept, as far as it can be."""
        self._stop.set()

    def begin(self, work: Work) -> None:
        """Do the work in a thread of its own."""
        self._thread = threading.Thread(target=self._run, args=(work,), name=self.name, daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Wait until the work has ended."""
        if self._thread is not None:
            self._thread.join()

    def _run(self, work: Work) -> None:
        try:
            self.said = work(self._tell, self._stop.is_set)
        except StoppedError:
            self.error = "Stopped. What came so far is kept: begin again and it carries on."
        except DataError as error:
            self.error = full_message(error)
        except BaseException:
            self.error = _LOST
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
        """Begin a job, unless one of that name runs; return it either way."""
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
