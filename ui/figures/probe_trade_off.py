"""Recall against clips looked at as K falls: one line per number of probes, all with the same tables."""

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from ui.figures.marks import Floats, Ints, axis_fraction, label, line, setting, uncrowded, you_are_here
from ui.figures.palette import FOUND, INK, QUIET, Mode, new_figure
from ui.format import percent

HEIGHT = 400
_TICKS = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0)
_LOWEST = 0.002  # %: further left the buckets are empty
_NAMED_AT = 0.6  # of recall, where the lines are farthest apart

Line = tuple[Floats, Floats]  # recall and fraction looked at, float[K] each


def recall_by_probes(
    lines: Mapping[int, Line], n_bits: Ints, here: tuple[int, int, int], here_at: tuple[float, float], mode: Mode
) -> go.Figure:
    """Draw recall against the fraction of the collection looked at, one line per number of probes.

    n_bits: int[K]; here: (L, K, T) of the setting in force, here_at: its (fraction looked at, recall).
    """
    axis = "clips looked at, % of the collection (log)"
    figure = new_figure(axis, "recall, share of the 10 nearest found", mode, height=HEIGHT, right=24)
    known = np.concatenate([100 * looked for _, looked in lines.values()])
    low = max(float(known[known > 0].min(initial=100)), _LOWEST)
    figure.update_xaxes(
        type="log", range=[np.log10(low) - 0.05, 2.03], tickvals=_TICKS, ticktext=[f"{tick:g}" for tick in _TICKS]
    )
    figure.update_yaxes(range=[-0.02, 1.1], tickvals=[0, 0.25, 0.5, 0.75, 1])
    for n_probes in sorted(lines, key=lambda n: (n == here[2], n)):
        figure.add_trace(_line(n_probes, lines[n_probes], n_bits, here, mode))
    at = max(100 * here_at[0], low), here_at[1]
    hover = f"{setting(here[0], here[1])}, {probes(here[2])}:<br>finds {percent(at[1])}<br>in {percent(here_at[0])}"
    you_are_here(figure, *at, hover, mode)
    _names(figure, lines, at, mode)
    return figure


def probes(n_probes: int) -> str:
    """Write a number of probes: 1 probe, 2 probes."""
    return f"{n_probes} probe{'s' * (n_probes != 1)}"


def _line(n_probes: int, of: Line, n_bits: Ints, here: tuple[int, int, int], mode: Mode) -> go.Scatter:
    recall, looked = of
    yours = n_probes == here[2]
    colour = FOUND if yours else INK[mode] if n_probes == 1 else QUIET
    style = {
        "color": colour,
        "width": 2.5 if yours else 1.5,
        "dash": "dash" if n_probes == 1 and not yours else "solid",
    }
    texts = [
        f"{setting(here[0], int(bits))}, {probes(n_probes)}:<br>finds {percent(float(r))}<br>in {percent(float(c))}"
        for bits, r, c in zip(n_bits, recall, looked, strict=True)
    ]
    return line(100 * looked, recall, probes(n_probes), style, texts)


def _names(figure: go.Figure, lines: Mapping[int, Line], here: tuple[float, float], mode: Mode) -> None:
    """Name the lines of the fewest and of the most probes, where there is room."""
    places = []
    for n_probes in (max(lines), 1):
        recall, looked = lines[n_probes]
        i = int(np.abs(recall - _NAMED_AT).argmin())
        places.append((n_probes, 100 * float(looked[i]), float(recall[i])))
    shares = [
        (axis_fraction(figure, "x", max(x, _LOWEST)), axis_fraction(figure, "y", y))
        for _, x, y in [(0, *here), *places]
    ]
    for i in uncrowded(shares, gap=0.1, x_gap=0.02):
        if i:
            n_probes, x, y = places[i - 1]
            label(figure, x, y, probes(n_probes), mode, to_left=n_probes > 1, lift=0)
