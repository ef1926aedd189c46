"""Search kernels: compiled by another process when the app starts on a new machine, with their progress.

The compiling process frees its memory when it ends. Where it cannot run, or where nothing can be cached, this process
compiles in the background. Meanwhile `ui.model.answer.exact_answer_to` answers without kernels.
"""

import logging
import re
import subprocess
import sys
import threading

import streamlit as st

from lsh.kernels.jit import CACHE_FOLDER
from lsh.warm import SEARCHABLE, WAITING, is_warm, warm
from ui import paths
from ui.format import plural
from ui.model import session
from ui.server import jobs
from ui.server.jobs import Job, Report, StopCheck

COMMAND = (sys.executable, "-m", "lsh.warm")
_NAME = "search kernels"
_POLL_S = 2.0
_NOTE_POLL_S = 5.0
_PROGRESS = re.compile(r"(\d+) of (\d+) kernels")  # a line that COMMAND prints
_FAILED = (
    "**The fast search cannot be prepared on this machine**; the server's log says why. What you hear is right all the "
    "same: your sound is compared with every clip."
)


def preparation() -> Job | None:
    """Return the job that compiles the kernels, started by the first call; None when searches can run."""
    job = jobs.jobs().get(_NAME)
    if job is None:
        if is_warm():
            return None
        job = jobs.jobs().start(_NAME, _compile)
    return job if job.result is None else None


@st.fragment(run_every=_POLL_S)
def draw_progress() -> None:
    """Draw the progress of the compilation; draw the whole page again when searches can run."""
    job = preparation()
    if job is None:
        session.rerun()
    elif job.error:
        st.warning(_FAILED)
    else:
        st.progress(job.share or 0.0, f"Preparing the fast search, once on this machine: {job.activity}")


@st.fragment(run_every=_NOTE_POLL_S)
def draw_note() -> None:
    """Draw, in place of the controls of LSH, what they wait for; draw the whole page again when searches can run."""
    if preparation() is None:
        session.rerun()
    st.caption("Tables, bits and probes follow when the fast search is ready.")


def _compile(report: Report, _should_stop: StopCheck) -> str:
    """Compile the kernels in a process of its own, else in this one; return when searches can run."""
    reason = "compiled code cannot be stored here"
    if CACHE_FOLDER is not None:
        if _compile_elsewhere(report):
            return "ready"
        reason = "the process for it failed"
        logging.getLogger("earshot").warning("%s failed; the kernels are compiled in this process", " ".join(COMMAND))
    where = f", by the app itself, since {reason}; it may respond slowly meanwhile"
    warm(report=lambda done, total: _report_count(report, done, total, where))
    return "ready"


def _compile_elsewhere(report: Report) -> bool:
    """Return True as soon as `COMMAND` has compiled the kernels of a search, False if it ends without them."""
    try:
        child = subprocess.Popen(COMMAND, cwd=paths.ROOT, stdout=subprocess.PIPE, text=True)
    except OSError:
        return False
    for line in child.stdout or ():
        if SEARCHABLE in line:
            threading.Thread(target=child.communicate, daemon=True).start()
            return True
        if WAITING in line:
            report(None, "another server here is already at it")
        elif count := _PROGRESS.match(line):
            _report_count(report, int(count[1]), int(count[2]))
    child.communicate()
    return child.returncode == 0  # another process has compiled them


def _report_count(report: Report, done: int, total: int, where: str = "") -> None:
    report(done / total, f"{done} of {plural(total, 'part')} ready{where}")
