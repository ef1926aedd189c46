"""Predicted and measured recall: at one K as L grows, and of every setting."""

from ui.figures.figure import Figure, Trace
from ui.figures.marks import RECALL, Floats, Grid, label, line, name_ends, points, recall_axis, setting, you_are_here
from ui.figures.palette import FOUND, INK, QUIET, Mode, new_figure
from ui.format import percent

HEIGHT = 400


def predicted_beside_measured(grid: Grid, predicted: Floats, here: tuple[int, int], mode: Mode) -> Figure:
    """Draw recall at the current K as L grows: a solid line measured, a dashed line predicted."""
    figure = new_figure("L, tables searched", RECALL, mode, height=HEIGHT, right=74)
    last = int(grid.n_tables[-1])
    figure.update_xaxes(range=[0, last + 0.5], tickvals=[1, *range(4, last + 1, 4)])
    recall_axis(figure, "y")
    row, column = grid.cell(*here)
    solid = {"color": FOUND, "width": 2.5}
    dashed = {"color": INK[mode], "width": 1.5, "dash": "dash"}
    figure.add_trace(_line(grid, grid.recall, column, "measured", solid))
    figure.add_trace(_line(grid, predicted, column, "predicted", dashed))
    ends = [("<b>measured</b>", grid.recall), ("predicted", predicted)]
    name_ends(figure, [(last, float(recall[-1, column]), name) for name, recall in ends])
    at = float(grid.recall[row, column])
    you_are_here(figure, here[0], at, f"{setting(*here)}:<br>measured {percent(at)}", mode)
    return figure


def parity(grid: Grid, predicted: Floats, here: tuple[int, int], mode: Mode) -> Figure:
    """Draw every setting of the grid at (predicted, measured) recall, with the diagonal."""
    figure = new_figure("recall predicted by theory", "recall measured", mode, height=HEIGHT, right=24)
    recall_axis(figure, "x")
    recall_axis(figure, "y")
    diagonal = {"color": INK[mode], "width": 1, "dash": "dash"}
    figure.add_trace(_cells(grid, predicted))
    figure.add_trace(line([0, 1], [0, 1], "equal", diagonal))
    label(figure, 1.04, 0.04, "dashed: predicted = measured", mode, to_left=True, lift=0)
    row, column = grid.cell(*here)
    x, y = float(predicted[row, column]), float(grid.recall[row, column])
    hover = f"{setting(*here)}:<br>predicted {percent(x)}, measured {percent(y)}"
    you_are_here(figure, x, y, hover, mode)
    return figure


def _line(grid: Grid, recall: Floats, column: int, name: str, style: dict[str, object]) -> Trace:
    n_bits = int(grid.n_bits[column])
    values = recall[:, column]
    texts = [
        f"{setting(int(n), n_bits)}:<br>{name} {percent(float(v))}" for n, v in zip(grid.n_tables, values, strict=True)
    ]
    return line(grid.n_tables, values, name, style, texts)


def _cells(grid: Grid, predicted: Floats) -> Trace:
    texts = [
        f"{setting(int(n), int(k))}:<br>predicted {percent(float(predicted[i, j]))}, "
        f"measured {percent(float(grid.recall[i, j]))}"
        for i, n in enumerate(grid.n_tables)
        for j, k in enumerate(grid.n_bits)
    ]
    return points(predicted.ravel(), grid.recall.ravel(), "settings", {"size": 5, "color": QUIET}, texts)
