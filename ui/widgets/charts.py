"""Charts and tables of numbers, drawn the same on every page, each chart with its numbers as a CSV file."""

import hashlib
import html
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import streamlit as st
from plotly.basedatatypes import BaseFigure

from ui.figures.figure import Figure
from ui.model.text import clean, without_formula

if TYPE_CHECKING:
    from functools import partial

BESIDE = (5, 2)  # relative widths of a chart and of the numbers beside it
_UNIT = re.compile(r"(?<=\d) (?=%|ms|MB)")
_TAG = re.compile(r"<[^>]*>")
_LOG = " (log)"  # ends the title of a logarithmic axis, whose values are not logarithms
STATIC = {"displayModeBar": False, "scrollZoom": False, "doubleClick": False}


class Drawn(BaseFigure):  # type: ignore[misc]  # untyped
    """A figure that was made before, as Streamlit takes it: without Plotly's objects, which take long to build."""

    def __init__(self, json_text: str) -> None:
        self._json_text = json_text

    def to_dict(self) -> dict[str, Any]:
        """Return the figure as a dictionary."""
        figure: dict[str, Any] = json.loads(self._json_text)
        return figure


def draw(
    make: "partial[Figure]", alt: str, key: str, table: pd.DataFrame | Callable[[], pd.DataFrame] | None = None
) -> None:
    """Draw a chart and the download of its numbers; `alt` describes it to screen readers.

    make: a function of `ui.figures` with its arguments; of equal arguments the figure is made once, for all visitors.
    key: names the chart on its page, and the file. table: the numbers, by default those that the figure draws.
    """
    figure, height = drawn(make)
    st.plotly_chart(figure, alt=alt, config=STATIC, height=height, key=f"chart {key}")
    draw_download(key, (lambda: numbers_of(make())) if table is None else table)


def drawn(make: "partial[Figure]") -> tuple[Drawn, int]:
    """Return the figure that a function of `ui.figures` makes of its arguments, and its height in pixels."""
    hashed = hashlib.sha256()
    _feed(hashed, (make.func, make.args, make.keywords))
    json_text, height = _made(digest=hashed.hexdigest(), _make=make)
    return Drawn(json_text), height


@st.cache_resource(max_entries=150, show_spinner=False)  # of up to 100 kB
def _made(digest: str, _make: "partial[Figure]") -> tuple[str, int]:  # noqa: ARG001  (the key)
    figure = _make()
    return figure.to_json(), int(figure.layout["height"])


def _feed(hashed: Any, value: object) -> None:
    """Hash a value that decides a figure: an array, a record, a collection of such, a number, text or function."""
    if isinstance(value, np.ndarray):
        hashed.update(f"{value.dtype} {value.shape}".encode())
        hashed.update(np.ascontiguousarray(value).view(np.uint8).data if value.size else b"")
    elif is_dataclass(value) and not isinstance(value, type):
        _feed(hashed, (type(value), [getattr(value, field.name) for field in fields(value)]))
    elif isinstance(value, Mapping):
        _feed(hashed, list(value.items()))
    elif isinstance(value, list | tuple):
        hashed.update(f"{len(value)} of".encode())
        for one in value:
            _feed(hashed, one)
    elif callable(value):
        hashed.update(f"{value.__module__} {getattr(value, '__qualname__', '')} ".encode())
    else:
        hashed.update(f"{value!r} ".encode())


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


def numbers_of(figure: Figure) -> pd.DataFrame:
    """Return what a figure draws, a row per point: its series, x, y, the value of a cell, and its hover text.

    Columns are named by the axes. Traces without hover text are left out: they repeat others.
    """
    x, y = ((figure.layout[axis]["title"]["text"] or axis[0]).removesuffix(_LOG) for axis in ("xaxis", "yaxis"))
    rows: list[dict[str, object]] = []
    for trace in figure.data:
        if trace.get("hoverinfo") == "skip":
            continue
        hover: Any = trace.get("hovertext", trace.get("text"))
        if trace["type"] == "heatmap":
            lines = zip(trace["y"], trace["z"], hover, strict=True)
            cells = ((at, to, *cell) for to, *line in lines for at, *cell in zip(trace["x"], *line, strict=True))
            rows += [{x: at, y: to, "value": value, "text": text} for at, to, value, text in cells]
        else:
            texts = repeat("") if hover is None else [hover] * len(trace["x"]) if isinstance(hover, str) else hover
            points = zip(trace["x"], trace["y"], texts, strict=False)
            rows += [{"series": trace.get("name"), x: at, y: value, "text": text} for at, value, text in points]
    return pd.DataFrame(rows)


def as_csv(table: pd.DataFrame) -> bytes:
    """Return a table as CSV in which spreadsheets find no formula and no markup."""
    return table.map(_cell).to_csv(index=False, lineterminator="\r\n").encode("utf-8-sig")


def draw_table(table: pd.DataFrame) -> None:
    """Draw a small table of numbers, in which no line breaks between a number and its unit."""
    texts = {str(name): [_UNIT.sub("\u00a0", str(cell)) for cell in table[name].tolist()] for name in table}
    # As Arrow's table, because Streamlit takes some milliseconds to make that of a data frame.
    arrow = pa.table({name: pa.array(cells, pa.string()) for name, cells in texts.items()})
    st.table(arrow, border="horizontal", hide_index=True)


def _cell(value: object) -> object:
    if not isinstance(value, str):
        return value
    return without_formula(clean(html.unescape(_TAG.sub("", value.replace("<br>", " "))), 1000))
