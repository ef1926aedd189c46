"""Heat map of recall over the L x K grid, with the contour of the wanted recall."""

import numpy as np

from ui.figures.figure import Figure, Trace, trace
from ui.figures.marks import PERCENT_TICKS, Grid, axis_fraction, label, pixels_up, setting, you_are_here
from ui.figures.palette import INK, PAPER, RECALL_SCALE, Mode, new_figure
from ui.format import percent

HEIGHT = 470
_LABELS_FROM = 0.7  # of the width: further left, "you are here" ends before the contour's label, also on a phone
_LABEL_HEIGHT = 24  # pixels


def heat_map(grid: Grid, here: tuple[int, int], wanted: float, mode: Mode) -> Figure:
    """Draw recall (colour) by L and K, the contour of the `wanted` recall, and the setting `here`, (L, K)."""
    figure = new_figure("L, tables searched", "K, bits per key", mode, height=HEIGHT, top=64)
    figure.add_trace(_cells(grid, mode))
    _range(figure, grid)
    _contour(figure, grid, wanted, here, mode)
    row, column = grid.cell(*here)
    you_are_here(figure, here[0], here[1], sentence(grid, row, column), mode)
    return figure


def sentence(grid: Grid, row: int, column: int) -> str:
    """Return the numbers of a cell in a sentence."""
    return (
        f"{setting(int(grid.n_tables[row]), int(grid.n_bits[column]))}:<br>"
        f"finds {percent(float(grid.recall[row, column]))} of the nearest clips<br>"
        f"by looking at {percent(float(grid.candidate_fraction[row, column]))} of the collection"
    )


def _cells(grid: Grid, mode: Mode) -> Trace:
    rows, columns = range(len(grid.n_tables)), range(len(grid.n_bits))
    return trace(
        "heatmap",
        x=grid.n_tables,
        y=grid.n_bits,
        z=grid.recall.T,
        zmin=0,
        zmax=1,
        colorscale=[list(stop) for stop in RECALL_SCALE[mode]],
        xgap=1,
        ygap=1,
        text=[[sentence(grid, i, j) for i in rows] for j in columns],
        hovertemplate="%{text}<extra></extra>",
        colorbar={
            "orientation": "h",
            "thickness": 8,
            "len": 0.5,
            "x": 0,
            "xanchor": "left",
            "y": 1.02,
            "yanchor": "bottom",
            "ypad": 0,
            "outlinewidth": 0,
            **PERCENT_TICKS,
            "title": {"text": "recall: share of the nearest that is found", "side": "top"},
        },
    )


def _contour(figure: Figure, grid: Grid, wanted: float, here: tuple[int, int], mode: Mode) -> None:
    """Draw the line where recall is `wanted`, with a halo in the background colour to keep it legible."""
    for colour, width in ((PAPER[mode], 5), (INK[mode], 2)):
        figure.add_trace(
            trace(
                "contour",
                x=grid.n_tables,
                y=grid.n_bits,
                z=grid.recall.T,
                contours={"start": wanted, "end": wanted, "size": 1, "coloring": "none"},
                line={"color": colour, "width": width},
                showscale=False,
                hoverinfo="skip",
                name=f"recall {percent(wanted)}",
            )
        )
    at_end = contour_end(grid, wanted)
    if at_end is not None:
        lift = -15 if _hides(figure, here, at_end) else 15
        label(figure, float(grid.n_tables[-1]), at_end, f"recall {percent(wanted)}", mode, to_left=True, lift=lift)


def _hides(figure: Figure, here: tuple[int, int], at_end: float) -> bool:
    """Return whether "you are here" would cover a text above the contour's end, at the right edge."""
    apart = pixels_up(figure, here[1]) - pixels_up(figure, at_end)
    return axis_fraction(figure, "x", here[0]) > _LABELS_FROM and abs(apart) < _LABEL_HEIGHT


def contour_end(grid: Grid, wanted: float) -> float | None:
    """Return the K at which the contour leaves the grid at its largest L; None when it does not pass there."""
    last = grid.recall[-1]  # falls as K grows
    passing = np.flatnonzero((last[:-1] >= wanted) & (last[1:] < wanted))
    if len(passing) == 0:
        return None
    j = int(passing[-1])
    step = float((last[j] - wanted) / (last[j] - last[j + 1]))
    return float(grid.n_bits[j] + step * (grid.n_bits[j + 1] - grid.n_bits[j]))


def _range(figure: Figure, grid: Grid) -> None:
    for update, values in ((figure.update_xaxes, grid.n_tables), (figure.update_yaxes, grid.n_bits)):
        low, high = int(values[0]), int(values[-1])
        ticks = [low, *[v for v in range(4, high + 1, 4) if v > low + 1]]
        update(range=[low - 0.5, high + 0.5], tickvals=ticks, showgrid=False)
