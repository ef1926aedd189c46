"""Hash families compared: recall or label precision within the same budgets of candidates."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from ui.figures.marks import Floats, label, line, name_ends
from ui.figures.palette import FOUND, INK, QUIET, Mode, new_figure
from ui.format import percent

HEIGHT = 360
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash")


def families(
    budgets: Sequence[float], lines: Mapping[str, Floats], axis: str, exact: float | None, mode: Mode
) -> go.Figure:
    """Draw a line per family over the budgets (fractions of the collection); the first family is the app's own.

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
    top = min(100.0, float(np.nanmax(known)) * 115)
    figure.update_yaxes(range=[0, top * 1.06], ticksuffix=" %")
    percents = [100 * budget for budget in budgets]
    for i, (name, values) in enumerate(lines.items()):
        style = {"color": INK[mode] if i else FOUND, "width": 1.5 if i else 2.5, "dash": _DASHES[i % 5]}
        texts = [f"{name}, {percent(b, 1)} looked at:<br>{percent(v)}" for b, v in zip(budgets, values, strict=True)]
        figure.add_trace(line(percents, 100 * values, name, style, texts, dots=6))
    if exact is not None:
        figure.add_hline(y=100 * exact, line={"color": QUIET, "width": 1})
        label(figure, 100 * budgets[0], 100 * exact, f"exact: {percent(exact)}", mode, to_left=False, lift=12)
    name_ends(figure, [(percents[-1], 100 * float(v[-1]), name) for name, v in lines.items() if np.isfinite(v[-1])])
    return figure
