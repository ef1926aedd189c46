"""Metrics strip: recall, clips looked at, time and memory of the setting in force, drawn on every page."""

from collections.abc import Callable
from typing import Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lsh.analysis.timing import SearchTimes, same_time
from ui.format import ABOUT_THE_SAME, megabytes, milliseconds, percent, plural, points
from ui.model import session, setting_metrics
from ui.model.loading import PageContext
from ui.model.setting_metrics import SettingMetrics

BEING_MEASURED = "being measured"
_POLL_S = 1.0


def place() -> DeltaGenerator:
    """Reserve the place of the strip at the top of a page; `draw` fills it when the page's own work is done."""
    place = st.container(key="metrics-strip")
    place.empty()  # a container without elements would not be on the page yet
    return place


def draw(context: PageContext, into: DeltaGenerator | None = None) -> SettingMetrics | None:
    """Draw the four numbers, with exact search's, and with their changes since the setting before.

    While the time is being measured, the page looks for it every second, and is drawn again when it is there.
    """
    with into or place():
        now = setting_metrics.measure(context)
        s = context.settings
        if now is None:
            too_few = "The filter leaves" if s.only else "This collection has"
            st.caption(f"{too_few} too few clips, so recall and speed are not measured.")
            return None
        before = _before(context, now)
        queries = plural(now.n_queries, "validation query", "validation queries")
        if now.split == "train":
            queries = f"{plural(now.n_queries, 'clip')} of the collection, each left out of its own answer"
        over = f"Measured on this machine over {queries}{', under your filter' if s.only else ''}."
        found = f"Share of the {s.k} nearest that LSH finds."
        looked_at = (
            f"Share of the clips{' that the filter allows which are' if s.only else ''} compared with the query."
        )
        recall, candidates, nbytes = (
            getattr(now, name) - getattr(before, name) if before else 0
            for name in ("recall", "candidate_fraction", "nbytes")
        )
        _draw(
            *(f"recall@{s.k}, average", percent(now.recall), _change(recall, points, 5e-4)),
            *("exact 100 %", f"{found} {over}"),
        )
        _draw(
            *("looked at, average", percent(now.candidate_fraction), _change(candidates, points, 5e-4)),
            *("exact 100 %", f"{looked_at} {over}"),
        )
        _draw_time(context, now.times, before.times if before else None, over)
        memory = "Memory of the tables in use, without the features."
        _draw("index", megabytes(now.nbytes), _change(nbytes, megabytes, 1e4), None, memory)
        if now.times is None and not setting_metrics.times_failed(context):
            _wait_for_times(context)  # inside the strip: after it, each element would be built anew at another index
    return now


def _draw_time(context: PageContext, now: SearchTimes | None, before: SearchTimes | None, over: str) -> None:
    meaning = "Mean time of one search, one at a time on one thread."
    if now is None:
        state = "not measured" if setting_metrics.times_failed(context) else BEING_MEASURED
        _draw("time per query", "…", None, state, meaning)
        return
    rounds = f"{now.rounds} rounds, which differed by {percent(now.spread)}."
    change = None
    if before is not None and before.ms != now.ms:
        same = same_time(now.ms, before.ms, max(now.spread, before.spread))
        change = ABOUT_THE_SAME if same else _change(now.ms - before.ms, milliseconds, 0.0)
    _draw(
        "time per query",
        milliseconds(now.ms),
        change,
        f"exact {milliseconds(now.exact_ms)}",
        f"{meaning} {over} {rounds}",
    )


def _draw(label: str, value: str, change: str | None, exact: str | None, meaning: str) -> None:
    arrow: Literal["auto", "off"] = "off" if change == ABOUT_THE_SAME else "auto"
    st.metric(label, value, change, delta_color="off", delta_arrow=arrow, delta_description=exact, help=meaning)


def _change(change: float, text: Callable[[float], str], smallest: float) -> str | None:
    """Return a change with its sign, None where it is smaller than `smallest`."""
    return f"{'+' if change > 0 else '-'}{text(abs(change))}" if abs(change) >= smallest else None


@st.fragment(run_every=_POLL_S)
def _wait_for_times(context: PageContext) -> None:
    if setting_metrics.times(context) is not None or setting_metrics.times_failed(context):
        session.rerun()


def _before(context: PageContext, now: SettingMetrics) -> SettingMetrics | None:
    """Store the metrics of the last two settings; return the earlier one's if both are of the same search problem.

    That is dataset, metric, number of neighbours and filter.
    """
    key = setting_metrics.setting_key(context)
    others = tuple(one for one in session.LAST_METRICS.get()[-2:] if one[0] != key)
    seen = (*others[-1:], (key, now))
    session.LAST_METRICS.set(seen)
    is_same = len(seen) == 2 and (*seen[0][0][:2], *seen[0][0][-2:]) == (*key[:2], *key[-2:])
    return seen[0][1] if is_same else None
