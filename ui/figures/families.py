"""Families of hash functions against each other: what each finds within the same budgets."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from ui.figures.marks import Floats, percent, slip
from ui.figures.palette import FOUND, INK, QUIET, Mode, new_figure

HEIGHT = 360
_LINE_OF_TEXT = 0.08  # of the axis
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash")


def families(
    budgets: Sequence[float], lines: Mapping[str, Floats], axis: str, exact: float | None, mode: Mode
) -> go.Figure:
    """Draw a line for each family over the budgets (shares of the collection); the first family is the app's own.

    lines: float[budgets], by the family's name; nan where no setting keeps the budget. exact: exact search's own value.
    """
    figure = new_figure("clips that may be looked at, % of the collection (log)", axis, mode, height=HEIGHT, right=24)
    low, high = np.log10(100 * budgets[0]), np.log10(100 * budgets[-1])
    figure.update_xaxes(
        type="log",
        range=[low - 0.08, high + 0.42],
        tickvals=[100 * budget for budget in budgets],
        ticktext=[f"{100 * budget:g}" for budget in budgets],
    )
    known = np.concatenate([*lines.values(), [exact or 0.0]])
    top = min(1.0, float(np.nanmax(known)) * 1.15)
    figure.update_yaxes(range=[0, top * 1.06], tickformat=".0%")
    for i, (name, values) in enumerate(lines.items()):
        figure.add_trace(
            go.Scatter(
                x=[100 * budget for budget in budgets],
                y=values,
                mode="lines+markers",
                line={"color": INK[mode] if i else FOUND, "width": 1.5 if i else 2.5, "dash": _DASHES[i % 5]},
                marker={"size": 6},
                name=name,
                text=[f"{name}, {percent(b)} looked at:<br>{percent(v)}" for b, v in zip(budgets, values, strict=True)],
                hovertemplate="%{text}<extra></extra>",
            )
        )
    if exact is not None:
        figure.add_hline(y=exact, line={"color": QUIET, "width": 1})
        slip(figure, 100 * budgets[0], exact, f"exact: {percent(exact)}", mode, to_left=False, lift=12)
    _names(figure, 100 * budgets[-1], {name: values[-1] for name, values in lines.items()}, top, mode)
    return figure


def _names(figure: go.Figure, x: float, ends: Mapping[str, float], top: float, mode: Mode) -> None:
    """Name the lines after their ends, moved apart where they end closer than the letters are high."""
    known = sorted(((float(y), name) for name, y in ends.items() if np.isfinite(y)), reverse=True)
    for (_, name), y in zip(known, apart([y for y, _ in known], _LINE_OF_TEXT * top), strict=True):
        slip(figure, x, y, name, mode, to_left=False, lift=0)


def apart(heights: Sequence[float], gap: float) -> list[float]:
    """Move heights, the highest first, so that any two are at least `gap` apart: those that crowd move as one."""
    crowds: list[list[float]] = []  # [middle, how many]
    for height in heights:
        crowds.append([height, 1])
        while len(crowds) > 1 and crowds[-2][0] - crowds[-1][0] < gap * (crowds[-2][1] + crowds[-1][1]) / 2:
            (a, m), (b, n) = crowds[-2:]
            crowds[-2:] = [[(a * m + b * n) / (m + n), m + n]]
    return [middle + gap * ((n - 1) / 2 - i) for middle, n in crowds for i in range(int(n))]
