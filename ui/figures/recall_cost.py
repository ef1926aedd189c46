"""Recall against cost (clips looked at, or measured time): one line per K, along which L grows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ui.figures.figure import Figure, Trace
from ui.figures.marks import (
    LOOKED_AT,
    LOOKED_AT_TICKS,
    RECALL,
    Floats,
    Grid,
    axis_fraction,
    label,
    line,
    log_axis,
    marker,
    points,
    recall_axis,
    setting,
    uncrowded,
    you_are_here,
)
from ui.figures.palette import FOUND, INK, QUIET, SMALL_TEXT, Mode, new_figure
from ui.format import milliseconds, percent

HEIGHT = 430


@dataclass(frozen=True, slots=True)
class Cost:
    """Cost of every setting, `values` float[L, K], and of exact search, in the unit of the axis."""

    values: Floats
    exact: float
    axis: str  # title with its unit
    text: Callable[[float], str]  # writes one cost with its unit
    ticks: Mapping[float, str]


def candidate_cost(candidates: Floats) -> Cost:
    """Return clips looked at as the cost; `candidates` float[L, K] are fractions of the collection."""
    return Cost(candidates, 1.0, LOOKED_AT, lambda share: f"{percent(share)} looked at", LOOKED_AT_TICKS)


def time_cost(ms: Floats, exact_ms: float) -> Cost:
    """Return measured times per query, float[L, K] in ms, as the cost."""
    ticks = [digit * 10.0**power for power in range(-3, 4) for digit in (1, 2, 5)]
    return Cost(ms, exact_ms, "time per query, ms (log)", milliseconds, {tick: f"{tick:g}" for tick in ticks})


def trade_off(
    grid: Grid, cost: Cost, here: tuple[int, int], here_at: tuple[float, float], wanted: float, mode: Mode
) -> Figure:
    """Draw recall against cost; `here_at` is (cost, recall) of the setting `here`, which may lie between the lines."""
    figure = new_figure(cost.axis, RECALL, mode, height=HEIGHT, right=44)
    _axes(figure, cost, here_at[0])
    current = grid.cell(*here)[1]
    for j in [*(j for j in range(len(grid.n_bits)) if j != current), current]:
        figure.add_trace(_line(grid, cost, j, emphasised=j == current))
    _exact(figure, cost, mode)
    dashed = {"color": QUIET, "width": 1, "dash": "dash"}
    figure.add_hline(y=wanted, line=dashed)
    above = {"xref": "x domain", "xanchor": "left", "yref": "y", "yanchor": "bottom", "showarrow": False}
    figure.add_annotation(x=0, y=wanted, text=f"wanted {percent(wanted)}", font={"size": SMALL_TEXT}, **above)
    _name_lines(figure, grid, cost, current, here_at, mode)
    hover = f"{setting(*here)}:<br>finds {percent(here_at[1])} of the 10 nearest<br>for {cost.text(here_at[0])}"
    you_are_here(figure, *_on_axis(figure, here_at), hover, mode)
    return figure


def _axes(figure: Figure, cost: Cost, here_cost: float) -> None:
    known = cost.values[np.isfinite(cost.values) & (cost.values > 0)]
    high = max(float(known.max(initial=cost.exact)), cost.exact, here_cost)
    low = min(float(known.min(initial=cost.exact)), here_cost or high)
    log_axis(figure, max(low, high / 2e4), high, cost.ticks)  # further left the buckets are empty
    recall_axis(figure, "y", top=1.12)


def _line(grid: Grid, cost: Cost, j: int, *, emphasised: bool) -> Trace:
    n_bits = int(grid.n_bits[j])
    texts = [
        f"{setting(int(n), n_bits)}:<br>finds {percent(float(grid.recall[i, j]))} of the 10 nearest"
        f"<br>for {cost.text(float(cost.values[i, j]))}"
        for i, n in enumerate(grid.n_tables)
    ]
    style = {"color": FOUND if emphasised else QUIET, "width": 2.5 if emphasised else 1}
    dots = 5 if emphasised else 0
    return line(cost.values[:, j], grid.recall[:, j], f"K = {n_bits}", style, texts, dots)


def _exact(figure: Figure, cost: Cost, mode: Mode) -> None:
    """Mark exact search: recall 1 at the cost of comparing with every clip."""
    figure.add_vline(x=cost.exact, line={"color": INK[mode], "width": 1})
    text = f"Exact search finds all 10<br>for {cost.text(cost.exact)}"
    figure.add_trace(points([cost.exact], [1.0], "exact", marker("exact", 10, mode), [text]))
    label(figure, cost.exact, 1.06, f"exact: {cost.text(cost.exact)}", mode, to_left=True, lift=0)


def _name_lines(figure: Figure, grid: Grid, cost: Cost, current: int, here_at: tuple[float, float], mode: Mode) -> None:
    """Name lines at their ends: the current K always, every fourth K where its name overlaps no other."""
    others = [j for j, n_bits in enumerate(grid.n_bits) if n_bits % 4 == 0 and j != current]
    ends = [(float(cost.values[-1, j]), float(grid.recall[-1, j])) for j in (current, *others)]
    label(figure, *_on_axis(figure, ends[0]), f"<b>K {grid.n_bits[current]}</b>", mode, to_left=False, lift=0)
    places = [(axis_fraction(figure, "x", max(x, 1e-9)), axis_fraction(figure, "y", y)) for x, y in (here_at, *ends)]
    for i in uncrowded(places, gap=0.08, x_gap=0.2):
        if i < 2 or places[i][0] < 0 or ends[i - 1][1] > 0.99:  # outside the frame, or under the mark of exact search
            continue
        label(figure, *ends[i - 1], f"K {grid.n_bits[others[i - 2]]}", mode, to_left=False, lift=0)


def _on_axis(figure: Figure, point: tuple[float, float]) -> tuple[float, float]:
    """Return a point (cost, recall) with a cost of 0, which a log axis cannot show, moved to the left edge."""
    return max(point[0], 10.0 ** float(figure.layout["xaxis"]["range"][0])), point[1]
