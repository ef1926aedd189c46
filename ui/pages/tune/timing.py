"""Tune: recall against the measured time of searches on this machine."""

from functools import partial

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lsh import LSHIndex
from lsh.analysis import machine
from lsh.analysis.timing import SearchTimes
from ui.figures.marks import Grid, setting
from ui.figures.recall_cost import HEIGHT, time_cost, trade_off
from ui.format import ABOUT_THE_SAME, milliseconds, percent, plural
from ui.model import setting_metrics
from ui.model.loading import Sample
from ui.model.recall_grid import GridView
from ui.model.state import K_NEIGHBOURS
from ui.model.text import plain
from ui.pages.tune.time_grid import TimeGrid, Times
from ui.widgets.charts import STATIC, draw_download, draw_table, drawn, numbers_of


def show(view: GridView, wanted: float, place: DeltaGenerator) -> None:
    """Draw recall against time in `place`; the first visitor sees the progress of the measurement there."""
    n_probes = view.context.settings.n_probes
    timed = _time_grid((*view.context.index_key, n_probes, view.index.n), view.index, view.sample, n_probes)
    record = setting_metrics.times(view.context, view.index)
    if timed.done and record is not None:
        times = timed.run(lambda _: None)
        chart = below = place
    else:
        chart, below = place.skeleton(HEIGHT), place.empty()
        times = timed.run(lambda share: below.progress(share, f"Timing searches on this machine: {percent(share)}"))
        record = setting_metrics.times(view.context, view.index)
        if record is None:  # the metrics strip draws the page again when it is there
            failed = setting_metrics.times_failed(view.context, view.index)
            below.markdown("Your setting could not be timed." if failed else "Your setting is being measured.")
            return
        below = below.container()
    times = times.with_record(view.here, record)
    rows = [view.grid.cell(int(n), 1)[0] for n in times.n_tables]
    grid = Grid(times.n_tables, times.n_bits, view.grid.recall[rows], view.grid.candidate_fraction[rows])
    shown = (times.n_bits % 2 == 0) | (times.n_bits == view.here[1])  # all lines, noisy as they are, would overlap
    cost = time_cost(times.ms[:, shown], times.exact_ms)
    lines = Grid(times.n_tables, times.n_bits[shown], grid.recall[:, shown], grid.candidate_fraction[:, shown])
    here_at = (times.at(*view.here), view.here_recall)
    make = partial(trade_off, lines, cost, view.here, here_at, wanted, view.mode)
    alt = (
        f"Recall against measured time per query, one line for each K as L grows. You are at {cost.text(here_at[0])}, "
        f"recall {percent(here_at[1])}; exact search takes {cost.text(cost.exact)}."
    )
    chart.plotly_chart(drawn(make)[0], alt=alt, config=STATIC, height=HEIGHT)
    with below:
        draw_download("time", lambda: numbers_of(make()))
        fastest = times.fastest(grid.recall >= wanted)
        st.markdown(f"{among(view)}{time_sentence(times, view.here, view.here_recall, fastest, wanted)}")
        draw_table(time_table(times, grid, view.here, view.here_recall, wanted))
        st.caption(how_timed(times, record, plain(machine.summary())))


def among(view: GridView) -> str:
    """Return a sentence that says among how many clips is timed, where that is a part of the collection; else ""."""
    if view.part is None:
        return ""
    return f"**Times among the {view.index.n:,} clips**; at the top of the page is the time among all. "


def time_sentence(
    times: Times, here: tuple[int, int], recall: float, fastest: tuple[int, int] | None, wanted: float
) -> str:
    """Compare the setting in force, and the fastest that reaches the wanted recall, with exact search."""
    now = (
        f"Exact search takes {milliseconds(times.exact_ms)} per query here. Your setting takes "
        f"{milliseconds(times.at(*here))} and finds {percent(recall)}: {times.against_exact(*here)} as exact search."
    )
    if fastest is None:
        return f"{now} No setting timed here reaches a recall of {percent(wanted)}."
    return (
        f"{now} The fastest timed here that reaches a recall of {percent(wanted)} is {setting(*fastest)}, "
        f"{milliseconds(times.at(*fastest))}: {times.against_exact(*fastest)} as exact search."
    )


def time_table(times: Times, grid: Grid, here: tuple[int, int], here_recall: float, wanted: float) -> pd.DataFrame:
    """Tabulate the setting in force, the fastest for a few recalls, and exact search; grid: of the settings timed."""
    rows = [("you are here", *here, here_recall, times.at(*here))]
    for target in sorted({0.5, 0.8, round(wanted, 2)}):
        best = times.fastest(grid.recall >= target)
        if best is not None:
            rows.append((f"fastest, recall ≥ {percent(target)}", *best, grid.at(*best)[0], times.at(*best)))
    table = [(name, str(n), str(b), percent(found), milliseconds(t)) for name, n, b, found, t in rows]
    table.append(("exact", "", "", "100 %", milliseconds(times.exact_ms)))
    return pd.DataFrame(table, columns=["setting", "L", "K", "recall", "time per query"])


def how_timed(times: Times, record: SearchTimes, machine: str) -> str:
    """State how and on what the times were measured; `machine` is already escaped."""
    queries = plural(record.n_queries, "validation query", "validation queries")
    if record.split == "train":
        queries = f"{plural(record.n_queries, 'clip')} of the collection"
    return (
        f"Your setting and exact search: {queries} in "
        f"{record.rounds} rounds, which differed by {percent(record.spread)}. The other {times.ms.size} settings: "
        f"{times.n_queries} of these queries. All one at a time, in processor time of one thread; medians of the "
        f"rounds. Measured here: {machine}. Times that differ by less than their rounds are {ABOUT_THE_SAME}, and "
        "other machines have other times."
    )


@st.cache_resource(max_entries=8, show_spinner=False)
def _time_grid(key: tuple[object, ...], _index: LSHIndex, _sample: Sample, n_probes: int) -> TimeGrid:  # noqa: ARG001
    return TimeGrid(_index, _sample.queries, K_NEIGHBOURS, n_probes)
