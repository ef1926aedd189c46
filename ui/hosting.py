"""Where this app runs: on a person's own machine, or as a guest that fetches its collection when it wakes.

`EARSHOT_DATASET`, in the environment or in the app's secrets, names what to fetch: `audioset-balanced`, or the address
and hash that `python -m data_prep pack` printed. The embedded sample is there meanwhile. `EARSHOT_LOCAL=1`, which `make
app` sets, says that whoever uses the app owns the machine: only then does a page read folders or fill the disk.
"""

import os
import time
from functools import partial
from pathlib import Path

import streamlit as st
from streamlit.errors import StreamlitSecretNotFoundError

from data_prep.audioset import NAMES, Subset, download_audioset
from data_prep.errors import InputError
from data_prep.parcel import fetch_dataset, is_fetched
from data_prep.progress import Progress
from ui import jobs, paths, session
from ui.format import megabytes, minutes, plural
from ui.jobs import Job, Report, Work
from ui.text import plain

BALANCED = "audioset-balanced"
_NAME = "hosted collection"
_AGAIN = 300.0  # seconds after which what has failed is tried again


def is_local() -> bool:
    """Tell whether the person at the page owns the machine that serves it."""
    return os.environ.get("EARSHOT_LOCAL") == "1"


def requested_dataset() -> str | None:
    """Return what this app is told to fetch, or None. Raises InputError where its secrets cannot be read."""
    try:
        return os.environ.get("EARSHOT_DATASET") or str(st.secrets["EARSHOT_DATASET"]) or None
    except KeyError:
        return None
    except (StreamlitSecretNotFoundError, OSError, ValueError):
        if not any(Path(file).exists() for file in st.get_option("secrets.files")):
            return None
        raise InputError(
            "this app's secrets cannot be read, so it is not known what to fetch; expected TOML, such as "
            f'EARSHOT_DATASET = "{BALANCED}" with both quotes; the log says in which line it ends'
        ) from None


def folder(wanted: str) -> Path:
    """Return where the collection lies that is told of so."""
    return paths.DATA / (NAMES["balanced"] if wanted == BALANCED else "hosted")


def download_work(subset: Subset, out: Path) -> Work:
    """Return the work of downloading AudioSet to `out`."""

    def work(tell: Report, should_stop: jobs.StopCheck) -> str:
        report = download_audioset(subset, out, progress=partial(report_progress, tell), should_stop=should_stop)
        return f"{report.about().title} is ready: choose it as your collection."

    return work


def begin() -> Job | None:
    """Begin to fetch what this app is told to; None when there is nothing to fetch, or it is here.

    It is begun once, and again at a visit some minutes after it failed.
    """
    work = _work()
    if work is None:
        return None
    known = jobs.jobs().get(_NAME)
    if known is not None and (known.running or (known.error and time.monotonic() - known.begun < _AGAIN)):
        return known
    return jobs.jobs().begin(_NAME, work)


@st.fragment(run_every=2.0)
def draw_progress() -> None:
    """Say in the sidebar how far the collection is that is being fetched."""
    job = begin()
    if job is None:
        if session.FETCHING.pop():
            st.rerun()
        return
    session.FETCHING.set(job.running)
    if job.running:
        st.progress(job.share or 0.0, f"Fetching this app's collection: {plain(job.doing, 80)}")
    elif job.error:
        st.caption(
            f"This app's collection could not be fetched, and is tried again in some minutes: {plain(job.error, 900)}"
        )
    else:
        st.rerun()


def report_progress(tell: Report, progress: Progress) -> None:
    """Put a download's progress into words."""
    share = progress.done / progress.total if progress.total else None
    words = [progress.activity]
    if progress.total:
        words.append(f"{megabytes(progress.done)} of {megabytes(progress.total)}")
    elif progress.done:
        words.append(megabytes(progress.done))
    if progress.clips:
        words.append(plural(progress.clips, "clip"))
    if progress.bytes_per_second:
        words.append(f"{megabytes(progress.bytes_per_second)}/s")
    if progress.seconds_left:
        words.append(f"{minutes(progress.seconds_left)} left")
    tell(share if share is None else min(1.0, share), ", ".join(words))


def _work() -> Work | None:
    """Return what there is to do for this app's collection to be here; None when it is, or none is wanted."""
    try:
        wanted = requested_dataset()
    except InputError as error:
        return partial(_fail, error)
    if not wanted:
        return None
    if wanted == BALANCED:
        return None if (folder(wanted) / "manifest.json").exists() else download_work("balanced", folder(wanted))
    return None if is_fetched(wanted, folder(wanted)) else partial(_fetch, wanted, folder(wanted))


def _fail(error: InputError, _tell: Report, _should_stop: jobs.StopCheck) -> str:
    raise error


def _fetch(wanted: str, out: Path, tell: Report, should_stop: jobs.StopCheck) -> str:
    return f"{fetch_dataset(wanted, out, partial(report_progress, tell), should_stop).title} is ready."
