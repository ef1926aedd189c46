"""Tune: recall predicted from true distances, beside recall measured."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from ui.figures.marks import Floats, Grid, setting
from ui.figures.theory import parity, predicted_beside_measured
from ui.format import percent, points
from ui.model.recall_grid import GridView
from ui.widgets.charts import draw, draw_table

THEORY = """
If two clips get the same answer to one random question with probability *p*, their keys of K bits agree with
probability *p*ᴷ, and in at least one of L tables with probability **1 - (1 - *p*ᴷ)ᴸ**. Here *p* comes from each
neighbour's true distance, and nothing is fitted to the measurement.
"""


def show(view: GridView, n_tables: Sequence[int]) -> None:
    """Draw predicted beside measured recall; the table has a column for each of `n_tables`."""
    st.header("Does the theory hold?")
    one_probe = "The formula speaks of one probe per table, so both are shown with one, whatever you have set."
    st.markdown(THEORY + (one_probe if view.context.settings.n_probes > 1 else ""))
    measured, predicted = view.one_probe, view.predicted
    left, right = st.columns(2, gap="large")
    with left:
        draw(
            partial(predicted_beside_measured, measured, predicted, view.here, view.mode),
            f"Recall as L grows at K = {view.here[1]}: measured, a solid line, and predicted, a dashed line.",
            "predicted",
        )
    with right:
        draw(
            partial(parity, measured, predicted, view.here, view.mode),
            f"Measured against predicted recall of all {predicted.size} settings, with the diagonal where both agree.",
            "parity",
        )
    st.markdown(sentence(measured, predicted, view.here))
    draw_table(table(measured, predicted, view.here, n_tables))


def sentence(grid: Grid, predicted: Floats, here: tuple[int, int]) -> str:
    """Give the differences of predicted and measured recall: at the current K, and over all settings."""
    gap = np.abs(grid.recall - predicted)
    row, column = np.unravel_index(gap.argmax(), gap.shape)
    at_here = gap[:, grid.cell(*here)[1]].max()
    here_most, mean, most = (points(float(value)) for value in (at_here, gap.mean(), gap.max()))
    worst = setting(int(grid.n_tables[row]), int(grid.n_bits[column]))
    return (
        f"At K = {here[1]} the two lines are at most {here_most} apart. Over all "
        f"{gap.size} settings they differ by {mean} on average and {most} at worst "
        f"({worst}). An index is one random draw, the theory the mean of all draws: some gap is to be expected."
    )


def table(grid: Grid, predicted: Floats, here: tuple[int, int], tables: Sequence[int]) -> pd.DataFrame:
    """Tabulate measured and predicted recall at the current K, one column for each of `tables`."""
    cells = [grid.cell(n, here[1]) for n in tables]
    lines = (("measured", grid.recall), ("predicted", predicted))
    rows = [(name, *(percent(float(recall[cell])) for cell in cells)) for name, recall in lines]
    return pd.DataFrame(rows, columns=["L", *map(str, tables)])
