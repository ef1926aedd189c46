"""The four numbers that stand on every page: what the setting in force finds, and what it costs."""

from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ui import session
from ui.loading import PageContext
from ui.setting_metrics import SettingMetrics, measure
from ui.state import Settings


def place() -> DeltaGenerator:
    """Keep the four numbers' place at the top of a page, for `strip` to fill when the page's own work is done."""
    return st.container(key="measures")


def strip(context: PageContext, into: DeltaGenerator | None = None) -> SettingMetrics | None:
    """Draw the four numbers, each beside exact search and with its change since the setting before."""
    with into or place():
        now = measure(context)
        if now is None:
            st.caption("This collection has no validation queries, so recall and speed are not measured.")
            return None
        before = _before(context.settings, now)
        over = f"Measured on this machine over {now.n_queries} validation queries."
        _number(
            "recall@10",
            lambda m: 100 * m.recall,
            "%",
            "100 %",
            now,
            before,
            f"Share of the 10 nearest that LSH finds. {over}",
        )
        _number(
            "looked at",
            lambda m: 100 * m.candidates,
            "%",
            "100 %",
            now,
            before,
            f"Share of the clips compared with the query. {over}",
        )
        _number(
            "time a query",
            lambda m: m.ms,
            "ms",
            f"{_digits(now.exact_ms)} ms",
            now,
            before,
            f"Mean time of one search, one at a time. {over}",
        )
        _number(
            "index",
            lambda m: m.megabytes,
            "MB",
            "0 MB",
            now,
            before,
            "Memory that the tables in use take, beside the features.",
        )
    return now


def _number(
    label: str,
    value: Callable[[SettingMetrics], float],
    unit: str,
    exact: str,
    now: SettingMetrics,
    before: SettingMetrics | None,
    meaning: str,
) -> None:
    change = value(now) - value(before) if before else 0.0
    shown = _digits(abs(change))
    delta = f"{'+' if change > 0 else '-'}{shown}" if float(shown) else None
    st.metric(
        label,
        f"{_digits(value(now))} {unit}",
        delta,
        delta_color="off",
        delta_description=f"exact {exact}",
        help=meaning,
    )


def _digits(value: float) -> str:
    """Write a number with two or three digits that mean something."""
    return f"{value:.0f}" if value >= 99.95 else f"{value:.1f}" if value >= 9.95 else f"{value:.2f}"


def _before(s: Settings, now: SettingMetrics) -> SettingMetrics | None:
    """Store the measures of the last two settings; return those of the one before, if the collection is the same."""
    key = (s.dataset, s.metric, s.n_tables, s.n_bits, s.n_probes, s.seed, s.bucket_width)
    seen = session.LAST_METRICS.get()
    if not seen or seen[-1][0] != key:
        seen = (*seen, (key, now))[-2:]
        session.LAST_METRICS.set(seen)
    return seen[0][1] if len(seen) == 2 and seen[0][0][:2] == key[:2] else None
