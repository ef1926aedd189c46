"""Tune: recall of indexes drawn with other seeds."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from lsh import LSHIndex, recall_grid
from ui.figures.marks import Floats, Grid, setting
from ui.figures.seeds import seed_spread
from ui.format import percent, plural, points
from ui.model.recall_grid import GridView
from ui.model.state import K_NEIGHBOURS, MAX_SEED
from ui.pages.tune.measure_on_request import on_request
from ui.widgets.charts import BESIDE, draw, draw_table

OTHERS = 5
INTRO = f"""
Every wall between buckets is drawn at random: another **seed** is another index, of the same L and K. See how far
{OTHERS} others are from yours. Each is built, measured at every setting and thrown away.
"""


@st.fragment
def show(view: GridView) -> None:
    """Draw the spread of recall over seeds, once a visitor has asked for it."""
    s = view.context.settings
    seeds = [(s.seed + i) % (MAX_SEED + 1) for i in range(1, OTHERS + 1)]
    st.header("How much of it is luck?")
    st.markdown(INTRO)
    makers = {f"seed {seed}": partial(_recall, view, seed) for seed in seeds}
    others = on_request("luck", view.context.index_key, makers, f"Draw {OTHERS} more indexes")
    if others is None:
        return
    draws = np.stack([view.one_probe.recall, *others.values()])
    at = draws[:, *view.one_probe.cell(*view.here)]
    chart, aside = st.columns(BESIDE, gap="large", vertical_alignment="center")
    with chart:
        draw(
            partial(seed_spread, view.one_probe, draws, view.predicted, view.here, view.mode),
            f"How far recall is from the predicted at K = {view.here[1]} as L grows: a band over {len(draws)} seeds, "
            f"your index in it. At {setting(*view.here)} the band runs from {percent(at.min(), 3)} to "
            f"{percent(at.max(), 3)} recall.",
            "seeds",
        )
    with aside:
        draw_table(table([s.seed, *seeds], at, float(view.predicted[view.one_probe.cell(*view.here)])))
    st.markdown(sentence(view.one_probe, draws, view.here))


def sentence(grid: Grid, draws: Floats, here: tuple[int, int]) -> str:
    """Give the range of recall over draws at the setting in force, and how many more tables would gain as much.

    draws: float[s, L, K], recall by seed, the index in force first.
    """
    row, column = grid.cell(*here)
    at, mean = draws[:, row, column], draws[:, :, column].mean(axis=0)
    low, high = float(at.min()), float(at.max())
    place = int((at[1:] > at[0]).sum()) + 1
    text = (
        f"With one probe per table, {len(draws)} draws of {setting(*here)} find {percent(low, 3)} to "
        f"{percent(high, 3)}; yours, with {percent(float(at[0]), 3)}, is number {place}. Luck is worth "
        f"**{points(high - low)}** here"
    )
    better = np.flatnonzero(mean >= mean[row] + (high - low))
    if len(better):
        more = int(grid.n_tables[better[0]] - grid.n_tables[row])
        text += f", as much as **{plural(more, 'more table')}** would bring" if more else ""
    return f"{text}. All draws answered the same queries; only the walls differ."


def table(seeds: Sequence[int], recalls: Floats, predicted: float) -> pd.DataFrame:
    """Tabulate recall by seed, the index in force first, and the predicted recall."""
    names = [f"{seeds[0]}, yours", *map(str, seeds[1:]), "predicted"]
    rows = [(name, percent(float(recall), 3)) for name, recall in zip(names, [*recalls, predicted], strict=True)]
    return pd.DataFrame(rows, columns=["seed", "recall"])


def _recall(view: GridView, seed: int) -> Floats:
    """Return the recall of another seed's index at every setting: float[L, K]."""
    params, width = view.context.index.params, view.context.index.bucket_width
    index = LSHIndex(params.metric, params.n_tables, params.n_bits, seed, width)
    return recall_grid(index.fit(view.index.exact.X), view.sample.queries, K_NEIGHBOURS, rows=view.own_rows).recall
