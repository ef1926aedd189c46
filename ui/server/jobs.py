"""Background jobs, shared by all visitors: one per name at a time, with progress and a way to stop."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from data_prep.dataset.indexes import build_default_index
from data_prep.dataset.reader import open_dataset
from data_prep.errors import DataError, StoppedError
from earshot_common.command_line import full_message

OPEN_ALREADY = "it can be opened already"  # begins the activity of a job whose collection is complete
_UNEXPECTED = "it failed with an unexpected error; see the server's log"


Report = Callable[[float | None, str], None]  # takes the fraction done, None if unknown, and the current activity
StopCheck = Callable[[], bool]
Work = Callable[[Report, StopCheck], str]  # returns the result as text


class Job:
    """A job, running in its own thread or done."""

    def __init__(self, name: str, work: Work) -> None:
        """Start the work in a new thread."""
        self.share: float | None = None  # fraction done, None if unknown
        self.activity = "starting"
        self.result: str | None = None
        self.error: str | None = None  # why it failed
        self.started = time.monotonic()
        self._stop = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(work,), name=name, daemon=True)
        self.thread.start()

    @property
    def running(self) -> bool:
        """Return whether the work is not done."""
        return self.result is None and self.error is None

    def stop(self) -> None:
        """Request the work to stop; what it has done is kept, to resume from."""
        self._stop.set()

    def _run(self, work: Work) -> None:
        try:
            self.result = work(self._report, self._stop.is_set)
        except StoppedError:
            self.error = "Stopped. What was done is kept: begin again to resume."
        except DataError as error:
            self.error = full_message(error)
        except BaseException:
            self.error = _UNEXPECTED
            raise

    def _report(self, share: float | None, activity: str) -> None:
        self.share, self.activity = share, activity


class Jobs:
    """The jobs of this server, by name."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()

    def get(self, name: str) -> Job | None:
        """Return the job of a name, running or done."""
        with self._lock:  # a job that begins while `start` stores it
            return self._jobs.get(name)

    def start(self, name: str, work: Work) -> Job:
        """Start a job unless one of that name is running; return the running one."""
        with self._lock:
            job = self._jobs.get(name)
            if job is None or not job.running:
                job = self._jobs[name] = Job(name, work)
        return job

    def forget(self, name: str) -> None:
        """Stop the job of a name, if it is running, and forget it."""
        with self._lock:
            job = self._jobs.pop(name, None)
        if job is not None:
            job.stop()


@st.cache_resource(show_spinner=False)
def jobs() -> Jobs:
    """Return the jobs that all visitors share."""
    return Jobs()


def save_map(report: Report, dataset: Path, should_stop: StopCheck, *, plane: bool) -> str:
    """Save the map of a new dataset: its principal plane, in seconds, or one by t-SNE, in minutes if it is large.

    Returns why that failed, as a sentence, else "". Raises StoppedError. Few clips stay in their plane.
    """
    from data_prep.dataset.add_map import add_map  # not needed by the first page
    from data_prep.dataset.map_layout import MIN_CLIPS

    n_clips = sum(open_dataset(dataset).manifest["rows"].values())
    if not plane and n_clips < MIN_CLIPS:
        return ""
    what = "laying out the map" if plane else f"{OPEN_ALREADY}; laying out a better map"

    def tell(done: int) -> None:
        if should_stop():
            raise StoppedError("the map was left out, as you stopped the work")
        report(done / n_clips, f"{what}: {done:,} of {n_clips:,} clips")

    tell(0)
    try:
        add_map(dataset, plane=plane, progress=tell)
    except StoppedError:
        raise
    except DataError as error:
        return f" {full_message(error)}."
    return ""


def finish(report: Report, dataset: Path, should_stop: StopCheck) -> str:
    """Save the map and the index of a new dataset; return what failed or was stopped, as sentences, else "".

    The map is the principal plane until the one by t-SNE is there.
    """
    try:
        failed = save_map(report, dataset, should_stop, plane=True) + save_index(report, dataset)
    except StoppedError:  # the collection is complete
        return " You stopped the rest: its map and its index are made when they are needed."
    try:
        return failed + save_map(report, dataset, should_stop, plane=False)
    except StoppedError:
        return f"{failed} You stopped the better map: it shows the principal plane."


def save_index(report: Report, dataset: Path) -> str:
    """Save the index that the app opens first, of a new dataset; return why that failed, as a sentence, else ""."""
    report(None, "sorting the clips into hash tables, so that the next start is quicker")
    try:
        build_default_index(dataset)
    except DataError as error:
        return f" {full_message(error)}."
    return ""
