"""What luck is worth: the same setting drawn from other seeds, a band of recalls beside the theory's line."""

import plotly.graph_objects as go

from ui.figures.marks import Floats, Grid, percent, setting, slip, you_are_here
from ui.figures.palette import FOUND, INK, Mode, new_figure

HEIGHT = 400
_BAND = "rgba(0, 114, 178, 0.28)"  # the blue of "found", thin enough that lines read on it in both themes


def luck(grid: Grid, draws: Floats, predicted: Floats, here: tuple[int, int], mode: Mode) -> go.Figure:
    """Draw recall at the current K as L grows: the index in force, the band of all draws, and the theory.

    draws: float[s, L, K], recall by seed, the one of `grid` among them; predicted: float[L, K].
    """
    figure = new_figure("L, tables looked into", "recall, share of the 10 nearest found", mode, height=HEIGHT, right=24)
    last = int(grid.n_tables[-1])
    figure.update_xaxes(range=[0, last + 0.5], tickvals=[1, *range(4, last + 1, 4)])
    figure.update_yaxes(range=[-0.02, 1.06], tickvals=[0, 0.25, 0.5, 0.75, 1])
    row, column = grid.cell(*here)
    low, high = draws[:, :, column].min(axis=0), draws[:, :, column].max(axis=0)
    figure.add_trace(go.Scatter(x=grid.n_tables, y=low, mode="lines", line={"width": 0}, hoverinfo="skip"))
    figure.add_trace(_band(grid, low, high, len(draws), int(grid.n_bits[column])))
    theory = {"color": INK[mode], "width": 1.5, "dash": "dash"}
    for values, line, name in (
        (grid.recall[:, column], {"color": FOUND, "width": 2.5}, "your index"),
        (predicted[:, column], theory, "predicted"),
    ):
        figure.add_trace(go.Scatter(x=grid.n_tables, y=values, mode="lines", line=line, name=name, hoverinfo="skip"))
    at = float(grid.recall[row, column])
    you_are_here(figure, here[0], at, f"{setting(*here)}:<br>your index finds {percent(at)}", mode)
    slip(figure, last, 0.04, f"band: {len(draws)} draws · dashed: predicted", mode, to_left=True, lift=0)
    return figure


def _band(grid: Grid, low: Floats, high: Floats, n_draws: int, n_bits: int) -> go.Scatter:
    texts = [
        f"{setting(int(n), n_bits)}:<br>{n_draws} draws find {percent(float(a))} to {percent(float(b))}"
        for n, a, b in zip(grid.n_tables, low, high, strict=True)
    ]
    return go.Scatter(
        x=grid.n_tables,
        y=high,
        mode="lines",
        line={"width": 0},
        fill="tonexty",
        fillcolor=_BAND,
        name="draws",
        text=texts,
        hovertemplate="%{text}<extra></extra>",
    )
