"""Recall against clips looked at as K falls: one line per number of probes, all with the same tables."""

from collections.abc import Mapping

import numpy as np

from ui.figures.figure import Figure, Trace
from ui.figures.marks import (
    LOOKED_AT,
    LOOKED_AT_TICKS,
    RECALL,
    Floats,
    Ints,
    axis_fraction,
    label,
    line,
    log_axis,
    recall_axis,
    setting,
    uncrowded,
    you_are_here,
)
from ui.figures.palette import FOUND, INK, QUIET, Mode, new_figure
from ui.format import percent, plural

HEIGHT = 400
_LOWEST = 0.00002  # fraction looked at: further left the buckets are empty
_NAMED_AT = 0.6  # of recall, where the lines are farthest apart

Line = tuple[Floats, Floats]  # recall and fraction looked at, float[K] each


def recall_by_probes(
    lines: Mapping[int, Line], n_bits: Ints, here: tuple[int, int, int], here_at: tuple[float, float], mode: Mode
) -> Figure:
    """Draw recall against the fraction of the collection looked at, one line per number of probes.

    n_bits: int[K]; here: (L, K, T) of the setting in force, here_at: its (fraction looked at, recall).
    """
    figure = new_figure(LOOKED_AT, RECALL, mode, height=HEIGHT, right=24)
    known = np.concatenate([looked for _, looked in lines.values()])
    low = max(float(known[known > 0].min(initial=1)), _LOWEST)
    log_axis(figure, low, 1.0, LOOKED_AT_TICKS)
    recall_axis(figure, "y", top=1.1)
    for n_probes in sorted(lines, key=lambda n: (n == here[2], n)):
        figure.add_trace(_line(n_probes, lines[n_probes], n_bits, here, mode))
    at = max(here_at[0], low), here_at[1]
    finds = f"finds {percent(at[1])}<br>in {percent(here_at[0])}"
    hover = f"{setting(here[0], here[1])}, {plural(here[2], 'probe')}:<br>{finds}"
    you_are_here(figure, *at, hover, mode)
    _names(figure, lines, at, mode)
    return figure


def _line(n_probes: int, of: Line, n_bits: Ints, here: tuple[int, int, int], mode: Mode) -> Trace:
    recall, looked = of
    yours = n_probes == here[2]
    colour = FOUND if yours else INK[mode] if n_probes == 1 else QUIET
    dash = "dash" if n_probes == 1 and not yours else "solid"
    style, name = {"color": colour, "width": 2.5 if yours else 1.5, "dash": dash}, plural(n_probes, "probe")
    texts = [
        f"{setting(here[0], int(bits))}, {name}:<br>finds {percent(float(r))}<br>in {percent(float(c))}"
        for bits, r, c in zip(n_bits, recall, looked, strict=True)
    ]
    return line(looked, recall, name, style, texts)


def _names(figure: Figure, lines: Mapping[int, Line], here: tuple[float, float], mode: Mode) -> None:
    """Name the lines of the fewest and of the most probes, where there is room."""
    places = []
    for n_probes in (max(lines), 1):
        recall, looked = lines[n_probes]
        i = int(np.abs(recall - _NAMED_AT).argmin())
        places.append((n_probes, float(looked[i]), float(recall[i])))
    shares = [
        (axis_fraction(figure, "x", max(x, _LOWEST)), axis_fraction(figure, "y", y))
        for _, x, y in [(0, *here), *places]
    ]
    for i in uncrowded(shares, gap=0.1, x_gap=0.02):
        if i:
            n_probes, x, y = places[i - 1]
            label(figure, x, y, plural(n_probes, "probe"), mode, to_left=n_probes > 1, lift=0)
