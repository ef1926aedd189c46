"""The marks that mean the same on every chart: you are here, exact search, the recall you want."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from ui.figures.palette import CANDIDATE, FOUND, HERE, INK, MISSED, PAPER, QUERY, SMALL_TEXT, Mode

Floats = npt.NDArray[np.floating]
Ints = npt.NDArray[np.integer]

Meaning = Literal["query", "found", "missed", "exact", "candidate", "here"]

LINE_HEIGHT = 17  # px, the least distance of two names
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


def marker(meaning: Meaning, size: int, mode: Mode) -> dict[str, object]:
    """Return the mark of a meaning: its symbol and colour, and an edge of paper or a ring."""
    symbol, colour = {
        "query": ("star", QUERY),
        "found": ("circle", FOUND),
        "missed": ("circle-open", MISSED),
        "exact": ("square", INK[mode]),
        "candidate": ("circle", CANDIDATE),
        "here": ("diamond", HERE),
    }[meaning]
    edge = {"width": 2.5} if meaning == "missed" else {"color": PAPER[mode], "width": 1.5}
    return {"symbol": symbol, "size": size, "color": colour, "line": edge}


def found_and_missed(found: Sequence[bool]) -> list[tuple[Meaning, list[int]]]:
    """Return the places of the found and of the missed neighbours, each with its meaning."""
    return [
        ("found", [i for i, was in enumerate(found) if was]),
        ("missed", [i for i, was in enumerate(found) if not was]),
    ]


def points(
    x: Iterable[float], y: Iterable[float], name: str, mark: Mapping[str, object], texts: Sequence[str]
) -> go.Scatter:
    """Return marks with a hover text each."""
    return go.Scatter(
        x=list(x),
        y=list(y),
        mode="markers",
        name=name,
        marker=dict(mark),
        text=list(texts),
        hovertemplate=f"%{{text}}<extra>{name}</extra>",
        cliponaxis=False,
    )


def line(
    x: npt.ArrayLike, y: npt.ArrayLike, name: str, style: Mapping[str, object], texts: Sequence[str] = (), dots: int = 0
) -> go.Scatter:
    """Return a line; with `texts` each of its points can be pointed at, with `dots` (a size) each has a dot."""
    return go.Scatter(
        x=x,
        y=y,
        mode="lines+markers" if dots else "lines",
        line=dict(style),
        marker={"size": dots or 6},
        name=name,
        text=list(texts),
        **({"hovertemplate": "%{text}<extra></extra>"} if texts else {"hoverinfo": "skip"}),
    )


def you_are_here(figure: go.Figure, x: float, y: float, hover: str, mode: Mode) -> None:
    """Mark the setting in force: a green diamond, its crosshair and its words."""
    figure.add_vline(x=x, line=_CROSSHAIR)
    figure.add_hline(y=y, line=_CROSSHAIR)
    figure.add_trace(points([x], [y], "you are here", marker("here", 15, mode), [hover]))
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


def name_ends(figure: go.Figure, ends: Iterable[tuple[float, float, str]]) -> None:
    """Write each line's name beside its last point (x, y, name), moved apart where names would overprint."""
    margin = figure.layout.margin
    height = figure.layout.height - margin.t - margin.b
    ends = sorted(ends, key=lambda end: end[1])
    heights = [share(figure, "y", y) * height for _, y, _ in ends]
    for (x, y, name), own, moved in zip(ends, heights, apart(heights, LINE_HEIGHT), strict=True):
        words(figure, x, y, name, xanchor="left", xshift=8, yshift=moved - own)


def apart(heights: Sequence[float], gap: float) -> list[float]:
    """Move ascending heights so that any two are at least `gap` apart: those that crowd move as one."""
    crowds: list[tuple[float, int]] = []  # (middle, how many)
    for height in heights:
        crowds.append((height, 1))
        while len(crowds) > 1 and crowds[-1][0] - crowds[-2][0] < gap * (crowds[-2][1] + crowds[-1][1]) / 2:
            (a, m), (b, n) = crowds[-2:]
            crowds[-2:] = [((a * m + b * n) / (m + n), m + n)]
    return [middle + gap * (i - (n - 1) / 2) for middle, n in crowds for i in range(n)]


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
