"""Large collections: the part of them that is measured, the progress of that, and what a page says of both."""

from functools import partial

import streamlit as st

from ui.model import commands, loading, part, recall_grid, session
from ui.model.loading import PageContext
from ui.model.recall_grid import GridView
from ui.model.text import plain
from ui.server.jobs import Report, StopCheck, jobs

_JOB = "every setting of a part"  # one at a time, for all visitors
_WANTED = 0.9  # recall, in the command that tries every setting
_POLL_S = 1.0


def every_setting(context: PageContext) -> GridView | None:
    """Return recall and cost of every setting; of a large collection measured in a part, and say so.

    None while that is measured in the background: then its progress is drawn, and the page again when it is done.
    """
    if not loading.is_large(context.dataset):
        return recall_grid.measure(context)
    drawn = part.known(context)
    if drawn is None:
        _draw_measurement(context)
        return None
    st.markdown(
        f"**Measured on {drawn.index.n:,} of {context.index.n:,} clips**, drawn by chance; the 10 nearest of every "
        "query are among them. So recall here is that of the whole collection; the share looked at is the same on "
        "average; times are not, for the whole takes longer. The numbers at the top of the page are of all clips."
    )
    return recall_grid.measure(context, drawn)


def part_that_races(context: PageContext) -> int:
    """Return how many clips may race; of a large collection a part, and say so."""
    n = context.index.n
    if not loading.is_large(context.dataset):
        return n
    most = min(n, part.MAX_ROWS)
    st.caption(
        f"The racers build their indexes in memory, so of this collection's {n:,} clips at most {most:,}, drawn by "
        "chance, take part. Recall here is that of the 10 nearest among these, so less than among all; more clips take "
        "every racer longer, exact search most of all. The numbers at the top of the page are of all clips."
    )
    return most


def _draw_measurement(context: PageContext) -> None:
    """Start the measurement unless one is running; draw its progress, or why it failed."""
    job = jobs().get(_JOB)
    clips = f"{part.MAX_ROWS:,} of the {context.index.n:,} clips"
    with st.container(border=True, key="part"):
        if job is not None and job.error is not None:
            st.warning(f"Not every setting could be tried on {clips}: {plain(job.error, 900)}.")
            st.button("Try again", on_click=_start, args=(context,))
        else:
            _start(context)
            _watch(f"Trying every setting on {clips}, drawn by chance")
        shell, _ = commands.best_setting(context.dataset.path, context.settings, _WANTED)
        st.markdown("Meanwhile everything else here can be used. On all clips, which takes minutes:")
        st.code(shell, language="bash")


def _start(context: PageContext) -> None:
    jobs().start(_JOB, partial(_measure, context, loading.sample_for(context)))


def _measure(context: PageContext, sample: loading.Sample, report: Report, _should_stop: StopCheck) -> str:
    part.measure(context, sample, report)
    return "measured"


@st.fragment(run_every=_POLL_S)
def _watch(doing: str) -> None:
    job = jobs().get(_JOB)
    if job is None or not job.running:
        session.rerun()
    st.progress(job.share or 0.0, f"{doing}: {plain(job.activity)}")
