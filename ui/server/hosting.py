"""Hosting: whether the visitor owns this machine, and the dataset that a hosted app downloads when it starts.

`EARSHOT_DATASET`, in the environment or in the app's secrets, names the dataset: one that is there, such as
`audioset-small`, which then opens first; `audioset-balanced`; or the address and hash printed by
`python -m data_prep pack`. The sample is used while one is downloaded. `EARSHOT_LOCAL=1`, which `make app` sets, means
that the visitor owns the machine: only then do pages read folders or write datasets.

What downloads is imported by the functions that need it: the first page seldom does.
"""

import contextlib
import os
import time
from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.errors import StreamlitSecretNotFoundError

from data_prep.errors import InputError
from ui import paths
from ui.format import megabytes, minutes, plural
from ui.model import loading, session
from ui.model.text import plain
from ui.server import jobs
from ui.server.jobs import Job, Report, StopCheck, Work

if TYPE_CHECKING:
    from data_prep.audioset.fetch import Subset
    from data_prep.download.progress import Progress

BALANCED = "audioset-balanced"
_NAME = "hosted collection"
RETRY_AFTER_S = 300.0


def is_local() -> bool:
    """Return whether the visitor owns the machine that serves the app."""
    return os.environ.get("EARSHOT_LOCAL") == "1"


def requested_dataset() -> str | None:
    """Return the dataset to download, or None. Raises InputError where the app's secrets cannot be read."""
    named = os.environ.get("EARSHOT_DATASET")
    if named or not any(Path(file).exists() for file in st.get_option("secrets.files")):
        return named or None
    try:
        return str(st.secrets["EARSHOT_DATASET"]) or None
    except KeyError:
        return None
    except (StreamlitSecretNotFoundError, OSError, ValueError):
        raise InputError(
            "this app's secrets cannot be read, so it is not known what to fetch; expected TOML, such as "
            f'EARSHOT_DATASET = "{BALANCED}" with both quotes; the log says in which line it ends'
        ) from None


def is_requested() -> bool:
    """Return whether a dataset is to be downloaded, or it cannot be known."""
    try:
        return requested_dataset() is not None
    except InputError:
        return True


def default_first(datasets: Mapping[str, Path]) -> dict[str, Path]:
    """Return the datasets by name, that which the host has chosen first, where it is among them."""
    with contextlib.suppress(InputError):
        requested = requested_dataset()
        return dict(sorted(datasets.items(), key=lambda item: item[0] != requested))
    return dict(datasets)


def download_work(subset: "Subset", out: Path) -> Work:
    """Return the job's work: download AudioSet to `out`."""
    from data_prep.audioset.fetch import download_audioset

    def work(report: Report, should_stop: StopCheck) -> str:
        done = download_audioset(subset, out, progress=partial(report_progress, report), should_stop=should_stop)
        failure = jobs.save_index(report, out)
        return f"{done.about().title} is ready: choose it as your collection.{failure}"

    return work


def start(datasets: Collection[str]) -> Job | None:
    """Start the download of the requested dataset; return its job, None when nothing is requested or it is there.

    datasets: the names of those that are there. After a failure, the first visit after `RETRY_AFTER_S` starts it again.
    """
    work = _work(datasets)
    if work is None:
        return None
    known = jobs.jobs().get(_NAME)
    if known is not None and (known.running or (known.error and time.monotonic() - known.started < RETRY_AFTER_S)):
        return known
    return jobs.jobs().start(_NAME, work)


@st.fragment(run_every=2.0)
def draw_progress() -> None:
    """Draw the progress of the download in the sidebar."""
    job = start(loading.datasets())
    if job is None:
        if session.DOWNLOADING.pop():
            session.rerun()
        return
    session.DOWNLOADING.set(job.running)
    if job.running:
        st.progress(job.share or 0.0, f"Downloading the dataset: {plain(job.activity, 80)}")
    elif job.error:
        st.caption(
            f"Could not download the dataset. Retrying in {RETRY_AFTER_S / 60:.0f} minutes. {plain(job.error, 900)}"
        )
    else:
        session.rerun()


def report_progress(report: Report, progress: "Progress") -> None:
    """Report a download's progress to a job, as one line of text."""
    total = f" of {megabytes(progress.total)}" if progress.total else ""
    parts = (
        progress.activity,
        f"{megabytes(progress.done)}{total}" if total or progress.done else "",
        plural(progress.clips, "clip") if progress.clips else "",
        f"{megabytes(progress.bytes_per_second)}/s" if progress.bytes_per_second else "",
        f"{minutes(progress.seconds_left)} left" if progress.seconds_left else "",
    )
    report(min(1.0, progress.done / progress.total) if progress.total else None, ", ".join(filter(None, parts)))


def _work(datasets: Collection[str]) -> Work | None:
    """Return the work that downloads the requested dataset; None when it is there, or none is requested."""
    try:
        requested = requested_dataset()
    except InputError as error:
        return partial(_fail, error)
    if not requested or requested in datasets:
        return None
    from data_prep.audioset.fetch import NAMES
    from data_prep.download.packed_dataset import fetch_dataset, is_fetched

    if requested == BALANCED:
        out = paths.DATA / NAMES["balanced"]
        return None if (out / "manifest.json").exists() else download_work("balanced", out)
    out = paths.DATA / "hosted"

    def fetch(report: Report, should_stop: StopCheck) -> str:
        return f"{fetch_dataset(requested, out, partial(report_progress, report), should_stop).title} is ready."

    return None if is_fetched(requested, out) else fetch


def _fail(error: InputError, _report: Report, _should_stop: StopCheck) -> str:
    raise error
