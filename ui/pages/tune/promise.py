"""Tune: search with a wanted recall in place of a setting, measured at a few recalls."""

from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd
import streamlit as st

from lsh.quality import mean_recall
from ui.figures.marks import setting
from ui.format import percent
from ui.model.recall_grid import GridView
from ui.pages.tune.measure_on_request import on_request
from ui.widgets.charts import draw_table

PROMISES = (0.5, 0.8, 0.9, 0.95, 0.98)
INTRO = """
A setting serves the average sound; a sound in a crowd needs more than one that stands apart. So leave L, K and probes
alone and ask for a recall. Each search then goes through table after table, and knows after each how near the worst of
its ten is, and how likely a clip as near as that was missed so far. It stops by itself when that chance is small enough
(the rule of PUFFINN: Aumüller et al., 2019). The recall is then promised to **every** query, not to the mean.
"""


class Promised(NamedTuple):
    """Searches with a promised recall: the mean recall measured, and the fraction of clips looked at.

    easy, hard: that fraction for the tenth of the queries that looks at the fewest, and the most.
    """

    recall: float
    looked_at: float
    easy: float
    hard: float


@st.fragment
def show(view: GridView, wanted: float) -> None:
    """Draw what searches with a promised recall find and look at, once a visitor has asked for it."""
    st.header("No setting: just this recall")
    st.markdown(INTRO)
    recalls = sorted({*PROMISES, wanted})
    makers = {f"recall {percent(recall)}": partial(measure, view, recall) for recall in recalls}
    made = on_request("promise", view.context.index_key, makers, "Search by recall alone")
    if made is None:
        return
    measured = dict(zip(recalls, made.values(), strict=True))
    st.markdown(sentence(measured, wanted, view))
    draw_table(table(measured, wanted))
    st.markdown("The same in Python, for vectors `X` and queries `Q` of your own:")
    params = view.context.index.params
    st.code(
        f"index = LSHIndex({params.metric!r}, n_tables={params.n_tables}, n_bits={params.n_bits}).fit(X)\n"
        f"index.search(Q, 10, recall={wanted:g})",
        language="python",
    )


def measure(view: GridView, recall: float) -> Promised:
    """Search for all queries with a promised recall, in the whole collection."""
    index, sample = view.context.index, view.sample
    found = sample.search(lambda queries, k: index.search(queries, k, recall=recall))
    looked_at = np.sort(found.n_candidates / index.n)
    tenth = max(1, len(looked_at) // 10)
    return Promised(
        mean_recall(found, sample.truth),
        *(float(part.mean()) for part in (looked_at, looked_at[:tenth], looked_at[-tenth:])),
    )


def sentence(measured: dict[float, Promised], wanted: float, view: GridView) -> str:
    """Compare the promise of the wanted recall with the setting in force."""
    now = measured[wanted]
    more = (
        " More is found than promised, for the chance is counted for the worst of the ten, and the others are nearer."
    )
    return (
        f"Promised {percent(wanted)}, found **{percent(now.recall)}** by looking at {percent(now.looked_at)} of the "
        f"clips: {percent(now.easy)} for the easiest tenth of the queries, {percent(now.hard)} for the hardest. Your "
        f"setting, {setting(*view.here)}, finds {percent(view.here_recall)} and looks at {percent(view.here_looked_at)}"
        f".{more if now.recall > wanted else ''}"
    )


def table(measured: dict[float, Promised], wanted: float) -> pd.DataFrame:
    """Tabulate what was found and looked at by promised recall."""
    rows = [
        (f"{percent(recall)}{', yours' if recall == wanted else ''}", *map(percent, promised))
        for recall, promised in measured.items()
    ]
    return pd.DataFrame(rows, columns=["promised", "found", "looked at", "easiest tenth", "hardest tenth"])
