"""Spread of recall over seeds: measured minus predicted recall, your index and the band of all draws."""

import numpy as np

from ui.figures.figure import Figure, Trace
from ui.figures.marks import Floats, Grid, label, line, setting, you_are_here
from ui.figures.palette import FOUND, INK, Mode, new_figure
from ui.format import percent

HEIGHT = 360
_BAND = "rgba(0, 114, 178, 0.28)"  # FOUND, transparent enough for lines to stay legible in both themes
_MIN_RANGE = 2.5  # points either way: a smaller range would magnify noise


def seed_spread(grid: Grid, draws: Floats, predicted: Floats, here: tuple[int, int], mode: Mode) -> Figure:
    """Draw measured minus predicted recall, in points, at the current K as L grows: your index, and the band of draws.

    draws: float[s, L, K], recall by seed, that of `grid` included; predicted: float[L, K].
    """
    figure = new_figure("L, tables searched", "recall beyond the predicted, points", mode, height=HEIGHT, right=24)
    last, (row, column) = int(grid.n_tables[-1]), grid.cell(*here)
    beyond = 100 * (draws[:, :, column] - predicted[:, column])
    own = 100 * (grid.recall[:, column] - predicted[:, column])
    most = max(float(np.abs(beyond).max()), _MIN_RANGE) * 1.25
    figure.update_xaxes(range=[0, last + 0.5], tickvals=[1, *range(4, last + 1, 4)])
    figure.update_yaxes(range=[-most, most], tickformat="+.0f" if most > 2 * _MIN_RANGE else "+.1f")
    low, high = beyond.min(axis=0), beyond.max(axis=0)
    figure.add_trace(line(grid.n_tables, low, "lowest draw", {"width": 0}))
    figure.add_trace(_band(grid, draws[:, :, column], high, int(grid.n_bits[column])))
    figure.add_trace(line(grid.n_tables, own, "your index", {"color": FOUND, "width": 2.5}))
    figure.add_hline(y=0, line={"color": INK[mode], "width": 1.5, "dash": "dash"})
    at = float(grid.recall[row, column])
    you_are_here(figure, here[0], float(own[row]), f"{setting(*here)}:<br>your index finds {percent(at)}", mode)
    label(figure, last, -0.9 * most, f"band: {len(draws)} draws · dashed: predicted", mode, to_left=True, lift=0)
    return figure


def _band(grid: Grid, recalls: Floats, top: Floats, n_bits: int) -> Trace:
    low, high = recalls.min(axis=0), recalls.max(axis=0)
    texts = [
        f"{setting(int(n), n_bits)}:<br>{len(recalls)} draws find {percent(float(a), 3)} to {percent(float(b), 3)}"
        for n, a, b in zip(grid.n_tables, low, high, strict=True)
    ]
    return line(grid.n_tables, top, "draws", {"width": 0}, texts) | {"fill": "tonexty", "fillcolor": _BAND}
