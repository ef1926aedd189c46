"""Charts and tables of numbers, drawn the same on every page, each chart with its numbers as a CSV file."""

import html
import re
from collections.abc import Callable
from itertools import repeat

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from ui.model.text import clean, without_formula

BESIDE = (5, 2)  # relative widths of a chart and of the numbers beside it
_UNIT = re.compile(r"(?<=\d) (?=%|ms|MB)")
_TAG = re.compile(r"<[^>]*>")
_LOG = " (log)"  # ends the title of a logarithmic axis, whose values are not logarithms
STATIC = {"displayModeBar": False, "scrollZoom": False, "doubleClick": False}


def draw(figure: go.Figure, alt: str, key: str, table: pd.DataFrame | None = None) -> None:
    """Draw a chart and the download of its numbers; `alt` describes it to screen readers.

    key: names the chart on its page, and the file. table: the numbers, by default those that the figure draws.
    """
    st.plotly_chart(figure, alt=alt, config=STATIC, height=int(figure.layout.height), key=f"chart {key}")
    draw_download(key, (lambda: numbers_of(figure)) if table is None else table)


def draw_download(key: str, table: pd.DataFrame | Callable[[], pd.DataFrame]) -> None:
    """Draw the download of a chart's numbers, where the chart is not drawn by `draw`.

    The file is made on a press, not whenever the page is drawn, and so is a table that is given as a function.
    """
    st.download_button(
        "Download the table (CSV)",
        lambda: as_csv(table() if callable(table) else table),
        f"earshot-{key.replace(' ', '-')}.csv",
        "text/csv",
        key=f"csv {key}",
        on_click="ignore",  # a rerun would move the focus
        type="tertiary",
        icon=":material/download:",
    )


def numbers_of(figure: go.Figure) -> pd.DataFrame:
    """Return what a figure draws, a row per point: its series, x, y, the value of a cell, and its hover text.

    Columns are named by the axes. Traces without hover text are left out: they repeat others.
    """
    x, y = (
        (axis.title.text or name).removesuffix(_LOG)
        for axis, name in ((figure.layout.xaxis, "x"), (figure.layout.yaxis, "y"))
    )
    rows: list[dict[str, object]] = []
    for trace in figure.data:
        if trace.hoverinfo == "skip" or trace.x is None:
            continue
        hover = trace.hovertext if trace.hovertext is not None else trace.text
        if trace.type == "heatmap":
            cells = np.ndindex(np.shape(trace.z))
            rows += [{x: trace.x[j], y: trace.y[i], "value": trace.z[i][j], "text": hover[i][j]} for i, j in cells]
        else:
            texts = repeat("") if hover is None else [hover] * len(trace.x) if isinstance(hover, str) else hover
            points = zip(trace.x, trace.y, texts, strict=False)
            rows += [{"series": trace.name, x: at, y: value, "text": text} for at, value, text in points]
    return pd.DataFrame(rows)


def as_csv(table: pd.DataFrame) -> bytes:
    """Return a table as CSV in which spreadsheets find no formula and no markup."""
    return table.map(_cell).to_csv(index=False, lineterminator="\r\n").encode("utf-8-sig")


def draw_table(table: pd.DataFrame) -> None:
    """Draw a small table of numbers, in which no line breaks between a number and its unit."""
    st.table(table.map(lambda cell: _UNIT.sub("\u00a0", str(cell))), border="horizontal", hide_index=True)


def _cell(value: object) -> object:
    if not isinstance(value, str):
        return value
    return without_formula(clean(html.unescape(_TAG.sub("", value.replace("<br>", " "))), 1000))
