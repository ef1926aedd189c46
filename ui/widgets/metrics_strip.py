"""Metrics strip: recall, clips looked at, time and memory of the setting in force, drawn on every page."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ui.format import megabytes, milliseconds, percent, plural
from ui.model import session
from ui.model.loading import PageContext
from ui.model.setting_metrics import SettingMetrics, measure, setting_key


def place() -> DeltaGenerator:
    """Reserve the place of the strip at the top of a page; `draw` fills it when the page's own work is done."""
    return st.container(key="metrics-strip")


def draw(context: PageContext, into: DeltaGenerator | None = None) -> SettingMetrics | None:
    """Draw the four numbers, each with exact search's and with its change since the setting before."""
    with into or place():
        now = measure(context)
        if now is None:
            st.caption("This collection has no validation queries, so recall and speed are not measured.")
            return None
        before = _before(context, now)
        over = f"Measured on this machine over {plural(now.n_queries, 'validation query', 'validation queries')}."
        found, looked_at = "Share of the 10 nearest that LSH finds.", "Share of the clips compared with the query."
        time, memory = "Mean time of one search, one at a time.", "Memory of the tables in use, without the features."
        for label, field, text, smallest_change, exact, meaning in (
            ("recall@10", "recall", percent, 0.0001, 1.0, f"{found} {over}"),
            ("looked at", "candidate_fraction", percent, 0.0001, 1.0, f"{looked_at} {over}"),
            ("time per query", "ms", milliseconds, 0.01, now.exact_ms, f"{time} {over}"),
            ("index", "nbytes", megabytes, 1e4, 0.0, memory),
        ):
            value: float = getattr(now, field)
            change = value - getattr(before, field) if before else 0.0
            st.metric(
                label,
                text(value),
                f"{'+' if change > 0 else '-'}{text(abs(change))}" if abs(change) >= smallest_change else None,
                delta_color="off",
                delta_description=f"exact {text(exact)}",
                help=meaning,
            )
    return now


def _before(context: PageContext, now: SettingMetrics) -> SettingMetrics | None:
    """Store the metrics of the last two settings; return the earlier one's if dataset and metric are the same."""
    key = setting_key(context)
    seen = session.LAST_METRICS.get()
    if not seen or seen[-1][0] != key:
        seen = (*seen, (key, now))[-2:]
        session.LAST_METRICS.set(seen)
    return seen[0][1] if len(seen) == 2 and seen[0][0][:2] == key[:2] else None
