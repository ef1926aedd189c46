"""The marks that mean the same on every chart: you are here, exact search, the recall you want."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from ui.figures.palette import HERE, INK, PAPER, SMALL_TEXT, Mode

Floats = npt.NDArray[np.floating]
Ints = npt.NDArray[np.integer]

_CROSSHAIR = {"color": HERE, "width": 1, "dash": "dot"}


@dataclass(frozen=True, slots=True)
class Grid:
    """The L x K grid: `n_tables` int[L], `n_bits` int[K] and `recall` float[L, K], shares from 0 to 1."""

    n_tables: Ints
    n_bits: Ints
    recall: Floats

    def cell(self, n_tables: int, n_bits: int) -> tuple[int, int]:
        """Return the row and column of a setting; one outside the grid is moved to its nearest cell."""
        row = int(np.abs(self.n_tables - n_tables).argmin())
        column = int(np.abs(self.n_bits - n_bits).argmin())
        return row, column


def percent(share: float, digits: int = 1) -> str:
    """Write a share as a percentage a person would say: 92 %, 3.1 %, 0.04 %, < 0.01 %."""
    value = 100 * share
    if 0 < value < 0.01:
        return "< 0.01 %"
    if value >= 10 or value == 0:
        return f"{value:.{0 if digits < 2 else digits - 1}f} %"
    return f"{value:.{digits}f} %" if value >= 1 else f"{value:.2f} %"


def setting(n_tables: int, n_bits: int) -> str:
    """Name a setting in words: `L = 8 tables, K = 12 bits`."""
    return f"L = {n_tables} table{'s' * (n_tables != 1)}, K = {n_bits} bit{'s' * (n_bits != 1)}"


def you_are_here(figure: go.Figure, x: float, y: float, hover: str, mode: Mode) -> None:
    """Mark the setting in force: a green diamond, its crosshair and its words."""
    figure.add_vline(x=x, line=_CROSSHAIR)
    figure.add_hline(y=y, line=_CROSSHAIR)
    figure.add_trace(
        go.Scatter(
            x=[x],
            y=[y],
            mode="markers",
            name="you are here",
            marker={"symbol": "diamond", "size": 15, "color": HERE, "line": {"color": PAPER[mode], "width": 2}},
            hovertemplate=f"{hover}<extra>you are here</extra>",
            cliponaxis=False,
        )
    )
    # Up and to the left finds more for less: no line runs there, and the words have it to themselves.
    left = share(figure, "x", x) > 0.3
    slip(figure, x, y, "<b>you are here</b>", mode, to_left=left, lift=16 if left else -16)


def slip(figure: go.Figure, x: float, y: float, text: str, mode: Mode, *, to_left: bool, lift: float) -> None:
    """Write a few words beside a point of the data, on a slip of paper so that no line crosses them.

    Ink and paper are both named: words without them would be lost between a change of theme and the next run.
    """
    figure.add_annotation(
        x=place(figure, "x", x),
        y=place(figure, "y", y),
        text=text,
        showarrow=False,
        xanchor="right" if to_left else "left",
        xshift=-7 if to_left else 7,
        yshift=lift,
        font={"size": SMALL_TEXT, "color": INK[mode]},
        bgcolor=PAPER[mode],
        borderpad=2,
    )


def words(figure: go.Figure, x: float, y: float, text: str, **placing: object) -> None:
    """Write a few words in the theme's own ink at a point of the data."""
    placing = {"showarrow": False, "font": {"size": SMALL_TEXT}, **placing}
    figure.add_annotation(x=place(figure, "x", x), y=place(figure, "y", y), text=text, **placing)


def spread(places: Sequence[tuple[float, float]], *, gap: float, x_gap: float) -> list[int]:
    """Choose places, the first before all and then in order, so that no two lie within `gap` and `x_gap` at once."""
    chosen: list[int] = []
    for i, (x, y) in enumerate(places):
        if all(abs(x - places[j][0]) >= x_gap or abs(y - places[j][1]) >= gap for j in chosen):
            chosen.append(i)
    return chosen


def place(figure: go.Figure, axis: str, value: float) -> float:
    """Return a data value as annotations want it: its logarithm on a log axis (Plotly's rule for annotations alone)."""
    return math.log10(value) if figure.layout[f"{axis}axis"].type == "log" else value


def share(figure: go.Figure, axis: str, value: float) -> float:
    """Return how far along an axis a data value stands: 0 at its beginning, 1 at its end."""
    low, high = figure.layout[f"{axis}axis"].range
    return float((place(figure, axis, value) - low) / (high - low))
