"""Hash families compared: recall or label precision within the same budgets of candidates."""

from collections.abc import Mapping, Sequence

import numpy as np

from ui.figures.figure import Figure
from ui.figures.marks import LOOKED_AT, Floats, label, line, log_axis, name_ends
from ui.figures.palette import FOUND, INK, QUIET, Mode, new_figure
from ui.format import percent

HEIGHT = 360
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash")


def families(
    budgets: Sequence[float], lines: Mapping[str, Floats], axis: str, exact: float | None, mode: Mode
) -> Figure:
    """Draw a line per family over the budgets (fractions of the collection); the first family is the app's own.

    lines: float[budgets], by the family's name; nan where no setting keeps the budget. exact: exact search's own value.
    """
    figure = new_figure(LOOKED_AT, axis, mode, height=HEIGHT, right=24)
    log_axis(figure, budgets[0], 2.4 * budgets[-1], {budget: percent(budget, 1) for budget in budgets})
    known = np.concatenate([*lines.values(), [exact or 0.0]])
    figure.update_yaxes(range=[0, min(106.0, float(np.nanmax(known)) * 122)], ticksuffix=" %")
    for i, (name, values) in enumerate(lines.items()):
        style = {"color": INK[mode] if i else FOUND, "width": 1.5 if i else 2.5, "dash": _DASHES[i % 5]}
        texts = [f"{name}, {percent(b, 1)} looked at:<br>{percent(v)}" for b, v in zip(budgets, values, strict=True)]
        figure.add_trace(line(budgets, 100 * values, name, style, texts, dots=6))
    if exact is not None:
        figure.add_hline(y=100 * exact, line={"color": QUIET, "width": 1})
        label(figure, budgets[0], 100 * exact, f"exact: {percent(exact)}", mode, to_left=False, lift=12)
    name_ends(figure, [(budgets[-1], 100 * float(v[-1]), name) for name, v in lines.items() if np.isfinite(v[-1])])
    return figure
