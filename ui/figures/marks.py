"""Building blocks of the figures: markers by meaning, lines, bars, axes, and labels that do not overlap."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from ui.figures.figure import Figure, Trace, trace
from ui.figures.palette import CANDIDATE, FOUND, HERE, INK, MISSED, PAPER, PINNED, QUERY, QUIET, SMALL_TEXT, Mode
from ui.format import percent, plural

Floats = npt.NDArray[np.floating]
Ints = npt.NDArray[np.integer]

Meaning = Literal["query", "found", "missed", "exact", "candidate", "here", "pinned"]

PERCENT_TICKS = {"tickvals": [0, 0.25, 0.5, 0.75, 1], "ticktext": ["0", "25 %", "50 %", "75 %", "100 %"]}
RECALL = "recall, share of the 10 nearest found"
LOOKED_AT = "clips looked at, share of the collection (log)"
LOOKED_AT_TICKS = {tick: percent(tick, 1) for tick in (0.0001, 0.001, 0.01, 0.1, 1.0)}
LINE_HEIGHT = 17  # px, the minimum distance of two names
_CROSSHAIR = {"color": HERE, "width": 1, "dash": "dot"}


@dataclass(frozen=True, slots=True)
class Grid:
    """Recall and fraction of candidates, float[L, K] each, at the settings `n_tables` int[L] x `n_bits` int[K]."""

    n_tables: Ints
    n_bits: Ints
    recall: Floats
    candidate_fraction: Floats

    def cell(self, n_tables: int, n_bits: int) -> tuple[int, int]:
        """Return the row and column of a setting; outside the grid, of the nearest cell."""
        row = int(np.abs(self.n_tables - n_tables).argmin())
        column = int(np.abs(self.n_bits - n_bits).argmin())
        return row, column

    def at(self, n_tables: int, n_bits: int) -> tuple[float, float]:
        """Return recall and candidate fraction of a setting."""
        cell = self.cell(n_tables, n_bits)
        return float(self.recall[cell]), float(self.candidate_fraction[cell])


def setting(n_tables: int, n_bits: int) -> str:
    """Name a setting in words: `L = 8 tables, K = 12 bits`."""
    return f"L = {plural(n_tables, 'table')}, K = {plural(n_bits, 'bit')}"


def recall_axis(figure: Figure, axis: str, *, top: float = 1.06) -> None:
    """Let an axis, "x" or "y", run from 0 to 100 %."""
    figure.layout[f"{axis}axis"].update(range=[-0.02, top], **PERCENT_TICKS)


def log_axis(figure: Figure, low: float, high: float, ticks: Mapping[float, str]) -> None:
    """Make x a logarithmic axis from `low` to `high`, with a text at each tick."""
    span = [math.log10(low) - 0.05, math.log10(high) + 0.05]
    figure.update_xaxes(type="log", range=span, tickvals=list(ticks), ticktext=list(ticks.values()), tickangle=0)


def marker(meaning: Meaning, size: int, mode: Mode) -> dict[str, object]:
    """Return the Plotly marker of a meaning: symbol, colour and edge."""
    symbol, colour = {
        "query": ("star", QUERY),
        "found": ("circle", FOUND),
        "missed": ("circle-open", MISSED),
        "exact": ("square", INK[mode]),
        "candidate": ("circle", CANDIDATE),
        "here": ("diamond", HERE),
        "pinned": ("diamond", PAPER[mode]),
    }[meaning]
    rings: dict[str, dict[str, object]] = {"missed": {"width": 2.5}, "pinned": {"color": PINNED, "width": 2}}
    edge = rings.get(meaning, {"color": PAPER[mode], "width": 1.5})
    return {"symbol": symbol, "size": size, "color": colour, "line": edge}


def found_and_missed(found: Sequence[bool]) -> list[tuple[Meaning, list[int]]]:
    """Return the positions in `found` of the found and of the missed neighbours, each with its meaning."""
    return [
        ("found", [i for i, was in enumerate(found) if was]),
        ("missed", [i for i, was in enumerate(found) if not was]),
    ]


def points(
    x: Iterable[float], y: Iterable[float], name: str, mark: Mapping[str, object], texts: Sequence[str]
) -> Trace:
    """Return markers, each with a hover text."""
    return trace(
        "scatter",
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
) -> Trace:
    """Return a line, with a hover text per point if `texts` are given, and with dots of size `dots` if not 0."""
    return trace(
        "scatter",
        x=x,
        y=y,
        mode="lines+markers" if dots else "lines",
        line=dict(style),
        marker={"size": dots or 6},
        name=name,
        text=list(texts),
        **({"hovertemplate": "%{text}<extra></extra>"} if texts else {"hoverinfo": "skip"}),
    )


def bars(x: npt.ArrayLike, y: npt.ArrayLike, width: float, colour: str, texts: Sequence[str] = ()) -> Trace:
    """Return bars, with a hover text each if `texts` are given."""
    hover = {"text": list(texts), "textposition": "none", "hovertemplate": "%{text}<extra></extra>"}
    marker = {"color": colour, "line": {"width": 0}}
    return trace("bar", x=x, y=y, width=width, marker=marker, **(hover if texts else {"hoverinfo": "skip"}))


def histogram(
    figure: Figure, distances: Floats, limit: float, unit: str, height: float | None = None
) -> tuple[float, float]:
    """Add a histogram of distances up to `limit`, in % of the clips or `height` high; return its peak (x, y)."""
    counts, edges = np.histogram(distances, bins=60, range=(0, limit))
    shares = counts / max(len(distances), 1)
    peak = int(shares.argmax())
    heights = shares * (height / max(float(shares[peak]), 1e-9) if height else 100)
    width, middles = edges[1] - edges[0], (edges[:-1] + edges[1:]) / 2
    texts = [
        f"{low:.3g} to {low + width:.3g}{unit} away:<br>{percent(float(share))} of the clips"
        for low, share in zip(edges, shares, strict=False)
    ]
    figure.add_trace(bars(middles, heights, 0.9 * width, QUIET, texts))
    return float(middles[peak]), float(heights[peak])


def you_are_here(figure: Figure, x: float, y: float, hover: str, mode: Mode) -> None:
    """Mark the setting in force: a green diamond, a crosshair and the words."""
    figure.add_vline(x=x, line=_CROSSHAIR)
    figure.add_hline(y=y, line=_CROSSHAIR)
    figure.add_trace(points([x], [y], "you are here", marker("here", 15, mode), [hover]))
    # Above and to the left of a setting no line passes, since it would find more for less.
    left = axis_fraction(figure, "x", x) > 0.3
    label(figure, x, y, "<b>you are here</b>", mode, to_left=left, lift=16 if left else -16)


def label(figure: Figure, x: float, y: float, text: str, mode: Mode, *, to_left: bool, lift: float) -> None:
    """Write a label beside a data point, on the background colour so that no line crosses it.

    Both colours are explicit: inherited ones would be unreadable between a change of theme and the next run.
    """
    figure.add_annotation(
        x=axis_value(figure, "x", x),
        y=axis_value(figure, "y", y),
        text=text,
        showarrow=False,
        xanchor="right" if to_left else "left",
        xshift=-7 if to_left else 7,
        yshift=lift,
        font={"size": SMALL_TEXT, "color": INK[mode]},
        bgcolor=PAPER[mode],
        borderpad=2,
    )


def text_at(figure: Figure, x: float, y: float, text: str, **placing: object) -> None:
    """Write a text at a data point, in the theme's own text colour."""
    placing = {"showarrow": False, "font": {"size": SMALL_TEXT}, **placing}
    figure.add_annotation(x=axis_value(figure, "x", x), y=axis_value(figure, "y", y), text=text, **placing)


def name_ends(figure: Figure, ends: Iterable[tuple[float, float, str]]) -> None:
    """Write each line's name beside its last point (x, y, name), moved apart where names would overlap."""
    ends = sorted(ends, key=lambda end: end[1])
    heights = [pixels_up(figure, y) for _, y, _ in ends]
    for (x, y, name), own, moved in zip(ends, heights, moved_apart(heights, LINE_HEIGHT), strict=True):
        text_at(figure, x, y, name, xanchor="left", xshift=8, yshift=moved - own)


def moved_apart(heights: Sequence[float], gap: float) -> list[float]:
    """Return ascending heights moved as little as possible so that any two are at least `gap` apart."""
    groups: list[tuple[float, int]] = []  # (middle, size)
    for height in heights:
        groups.append((height, 1))
        while len(groups) > 1 and groups[-1][0] - groups[-2][0] < gap * (groups[-2][1] + groups[-1][1]) / 2:
            (a, m), (b, n) = groups[-2:]
            groups[-2:] = [((a * m + b * n) / (m + n), m + n)]
    return [middle + gap * (i - (n - 1) / 2) for middle, n in groups for i in range(n)]


def uncrowded(places: Sequence[tuple[float, float]], *, gap: float, x_gap: float) -> list[int]:
    """Return the indices of places, taken greedily in order, such that no two are within both `gap` and `x_gap`."""
    chosen: list[int] = []
    for i, (x, y) in enumerate(places):
        if all(abs(x - places[j][0]) >= x_gap or abs(y - places[j][1]) >= gap for j in chosen):
            chosen.append(i)
    return chosen


def axis_value(figure: Figure, axis: str, value: float) -> float:
    """Return a data value as Plotly's annotations need it: its logarithm on a log axis."""
    return math.log10(value) if figure.layout[f"{axis}axis"].get("type") == "log" else value


def pixels_up(figure: Figure, y: float) -> float:
    """Return how many pixels above the x axis a data value is."""
    margin = figure.layout["margin"]
    return axis_fraction(figure, "y", y) * float(figure.layout["height"] - margin["t"] - margin["b"])


def axis_fraction(figure: Figure, axis: str, value: float) -> float:
    """Return the position of a data value along an axis, from 0 at its beginning to 1 at its end."""
    low, high = figure.layout[f"{axis}axis"]["range"]
    return float((axis_value(figure, axis, value) - low) / (high - low))
