"""Tune: more probes per table against more tables, within an equal budget of candidates."""

from collections.abc import Mapping
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from lsh import LSHIndex
from ui.figures.marks import Grid
from ui.figures.probe_trade_off import recall_by_probes
from ui.format import megabytes, number, percent, plural
from ui.model.recall_grid import GridView
from ui.pages.tune.measure_on_request import on_request
from ui.widgets.charts import BESIDE, draw, draw_table

PROBES = (1, 2, 4, 8, 16)
INTRO = """
A table can be searched more than once: after your sound's own bucket, the buckets next door, the likeliest first. Each
bucket searched is a **probe**. Probes find more without another table, so without more memory. But they look at more,
too. What do they bring when you look at no more than now?
"""


@st.fragment
def show(view: GridView) -> None:
    """Draw recall against clips looked at for a few numbers of probes, once a visitor has asked for it."""
    st.header("More probes, or more tables?")
    st.markdown(INTRO)
    makers = {plural(n, "probe"): partial(view.with_probes, n) for n in PROBES}
    made = on_request("probing", view.context.index_key, makers, "Measure 1 to 16 probes")
    if made is None:
        return
    n_probes, row = view.context.settings.n_probes, view.grid.cell(*view.here)[0]
    measured = dict(zip(PROBES, made.values(), strict=True)) | {n_probes: view.grid}
    rows = trade(measured, view.here[0], view.here_looked_at)
    chart, aside = st.columns(BESIDE, gap="large", vertical_alignment="center")
    with chart:
        draw(
            partial(
                recall_by_probes,
                {n: (grid.recall[row], grid.candidate_fraction[row]) for n, grid in measured.items()},
                view.grid.n_bits,
                (*view.here, n_probes),
                (view.here_looked_at, view.here_recall),
                view.mode,
            ),
            f"Recall against clips looked at with {view.here[0]} tables, one line for each of {len(measured)} numbers "
            f"of probes. {sentence(rows, view.here, view.here_looked_at, view.context.index)}",
            "probes",
        )
    with aside:
        st.markdown(f"The most that is found by looking at {percent(view.here_looked_at)} of the clips, as you do now:")
        draw_table(table(rows, view.context.index))
    st.markdown(sentence(rows, view.here, view.here_looked_at, view.context.index))


Row = tuple[int, int, float, int | None]  # probes, bits, recall, tables that one probe needs for it


def trade(measured: Mapping[int, Grid], n_tables: int, budget: float) -> list[Row]:
    """Return, for each number of probes, the K with the highest recall within `budget` (a fraction), and that recall.

    Last in a row: how many tables reach that recall within the budget with one probe each; None if none here do.
    """
    rows: list[Row] = []
    within_budget = {n: np.where(g.candidate_fraction <= budget, g.recall, -1.0) for n, g in measured.items()}
    within_once = within_budget[1].max(axis=1)  # [L]
    for n_probes, of_probes in sorted(within_budget.items()):
        within = of_probes[n_tables - 1]
        best = int(within.argmax())
        if within[best] >= 0:
            enough = np.flatnonzero(within_once >= within[best])
            rows.append((n_probes, best + 1, float(within[best]), int(enough[0]) + 1 if len(enough) else None))
    return rows


def sentence(rows: list[Row], here: tuple[int, int], budget: float, index: LSHIndex) -> str:
    """State which number of probes finds most within the budget, and what one probe needs to find as much."""
    n_probes, n_bits, recall, needed = max(rows, key=lambda row: row[2])
    memory = f": **{number(index.nbytes_of(needed) / index.nbytes_of(here[0]))} times the memory**" if needed else ""
    tables = plural(needed, "table") if needed else f"more than {index.params.n_tables} tables"
    return (
        f"With L = {plural(here[0], 'table')} ({megabytes(index.nbytes_of(here[0]))}) and no more than "
        f"{percent(budget)} of the clips looked at, most is found with "
        f"**{plural(n_probes, 'probe')}** at K = {n_bits}: {percent(recall)}. With one probe per table that takes "
        f"{tables}{memory}."
    )


def table(rows: list[Row], index: LSHIndex) -> pd.DataFrame:
    """Tabulate recall by number of probes, and the tables, and memory, that one probe would need for it."""
    most = index.params.n_tables
    lines = [
        (
            str(n),
            str(bits),
            percent(recall),
            f"{needed} ({megabytes(index.nbytes_of(needed))})" if needed else f"more than {most}",
        )
        for n, bits, recall, needed in rows
    ]
    return pd.DataFrame(lines, columns=["probes", "K", "recall", "tables, with one probe"])
