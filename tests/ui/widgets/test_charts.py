"""Charts with their tables and downloads."""

import io
import json
from functools import partial

import numpy as np
import pandas as pd

from ui.figures.figure import trace
from ui.figures.marks import Grid
from ui.figures.palette import new_figure
from ui.figures.recall_grid import heat_map
from ui.widgets import charts


def read(table):
    return pd.read_csv(io.BytesIO(charts.as_csv(table)))


def grid(recall):
    return Grid(np.arange(1, 4), np.arange(1, 3), recall, recall)


def test_the_figure_of_equal_arguments_is_made_once_and_that_of_others_anew():
    made = []

    def figure(of, mode):
        made.append(of)
        return heat_map(of, (2, 1), 0.9, mode)

    recall = np.array([[0.7, 0.5], [0.9, 0.75], [0.99, 0.92]])
    first, height = charts.drawn(partial(figure, grid(recall), "light"))
    again, _ = charts.drawn(partial(figure, grid(recall.copy()), "light"))
    assert len(made) == 1
    assert again.to_dict() == first.to_dict() == json.loads(figure(grid(recall), "light").to_json())
    assert height == figure(grid(recall), "light").layout["height"]
    made.clear()
    charts.drawn(partial(figure, grid(recall), "dark"))
    charts.drawn(partial(figure, grid(recall.astype(np.float32)), "light"))
    charts.drawn(partial(figure, grid(np.nextafter(recall, 1)), "light"))
    assert len(made) == 3


def test_the_table_of_a_line_has_its_numbers_under_the_titles_of_the_axes():
    figure = new_figure("clips (log)", "ms", "light", height=300)
    figure.add_trace(trace("scatter", x=[1, 2], y=[0.123456789, 3.0], name="K = 2", text=["one<br>&amp; half", "two"]))
    table = read(charts.numbers_of(figure))
    assert table.columns.tolist() == ["series", "clips", "ms", "text"]
    assert table["ms"].tolist() == [0.123456789, 3.0]
    assert table["text"].tolist() == ["one & half", "two"]


def test_the_table_of_a_heat_map_has_a_row_per_cell():
    recall = np.array([[0.7, 0.5], [0.9, 0.75], [0.99, 0.92]])
    table = read(
        charts.numbers_of(heat_map(Grid(np.arange(1, 4), np.arange(1, 3), recall, recall), (2, 1), 0.9, "light"))
    )
    cells = table.dropna(subset="value").set_index(["L, tables searched", "K, bits per key"])["value"]
    assert len(cells) == 6
    assert (cells[2, 1], cells[3, 2]) == (0.9, 0.92)


def test_no_cell_of_a_table_is_a_formula():
    figure = new_figure("", "", "light", height=300)
    figure.add_trace(trace("bar", x=[1], y=[2], name="=1+1", text=["+2"]))
    assert read(charts.numbers_of(figure))[["series", "text"]].iloc[0].tolist() == ["'=1+1", "'+2"]
