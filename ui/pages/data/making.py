"""Making of a collection on the page Data: its button, its progress, its result; or its command where hosted."""

from collections.abc import Callable

import streamlit as st

from ui.model import session, visits
from ui.model.text import plain
from ui.server import hosting
from ui.server.jobs import OPEN_ALREADY, Job, Work, jobs
from ui.widgets import links


def elsewhere(command: str) -> bool:
    """Return whether the app is hosted; if so show the command for the visitor's own machine instead."""
    if hosting.is_local():
        return False
    st.markdown("On your own machine:")
    st.code(command, language="bash")
    return True


def draw_job(name: str, work: Work, find: Callable[[], str | None], *, begin: str, again: str | None) -> None:
    """Draw a job: the button that begins it, its progress with a button to stop it, or its result.

    find: returns the name of the collection that it made, now or earlier; begin, again: labels of the button.
    """
    job = jobs().get(name)
    if job is not None and job.running:
        watch(name, job, find)
        return
    here = find()
    if job is not None and job.result:
        st.info(plain(job.result))
    elif job is not None and job.error:
        st.warning(plain(job.error, 900))
    if here:
        if job is None or not job.result:
            st.markdown("It is here: choose it as your collection, in the sidebar.")
        _link(here)
    words = again if here else begin
    if words:
        st.button(
            words,
            key=f"begin {name}",
            type="secondary" if here else "primary",
            on_click=_begin,
            args=(name, work),
        )


def _link(here: str) -> None:
    another = dict.fromkeys(visits.carried(), "")  # the clip in the link belongs to the open collection
    links.draw("listen", "Hear it on Listen", **{**another, "dataset": here})


def _begin(name: str, work: Work) -> None:
    jobs().start(name, work)


@st.fragment(run_every=1.0)
def watch(name: str, job: Job, find: Callable[[], str | None]) -> None:
    """Draw the progress of a job that is running, a button to stop it, and a link to its collection once complete."""
    if not job.running:
        session.rerun()
    st.progress(job.share or 0.0, f"{plain(job.activity, 160)}")
    if job.activity.startswith(OPEN_ALREADY) and (here := find()):
        _link(here)
    st.button("Stop", key=f"stop {name}", on_click=job.stop)
