"""True neighbours against tables: where their keys equal the query's, and in how many bits they differ elsewhere."""

from ui.figures.figure import Figure, Trace, trace
from ui.figures.marks import Ints, marker, points
from ui.figures.palette import INK, PAPER, SMALL_TEXT, SOFT_INK, Mode, new_figure
from ui.format import nth_nearest, ordinal

ROW = 30


def key_differences(differing: Ints, nearest: Ints, found: list[bool], mode: Mode) -> Figure:
    """Draw a cell for each neighbour (row) and table (column): a dot where their keys agree, else how many bits differ.

    differing: int[m, L]; nearest: int[m], the table in which fewest bits differ, ringed where the neighbour was missed.
    """
    n_rows, n_tables = differing.shape
    figure = new_figure("table", "", mode, height=80 + ROW * n_rows, right=8, top=8)
    figure.layout["margin"]["l"] = 104
    ticks = list(range(1, n_tables + 1)) if n_tables <= 10 else [1, *range(4, n_tables + 1, 4)]
    figure.update_xaxes(range=[0.3, n_tables + 0.7], tickvals=ticks)
    names = [f"{ordinal(i + 1)} · {'found' if found[i] else '<b>missed</b>'}" for i in range(n_rows)]
    figure.update_yaxes(range=[n_rows + 0.6, 0.4], tickvals=list(range(1, n_rows + 1)), ticktext=names, showgrid=False)
    cells = [(i, t) for i in range(n_rows) for t in range(n_tables)]
    met = [cell for cell in cells if differing[cell] == 0]
    rings = [(i, int(nearest[i])) for i in range(n_rows) if not found[i] and differing[i, nearest[i]]]
    figure.add_trace(_cells(met, "found", marker("found", 12, mode)))
    figure.add_trace(_cells(rings, "nearest miss", marker("missed", 19, mode)))
    others = [cell for cell in cells if differing[cell]]
    colours = [INK[mode] if cell in rings else SOFT_INK[mode] for cell in others]
    figure.add_trace(
        trace(
            "scatter",
            x=[t + 1 for _, t in others],
            y=[i + 1 for i, _ in others],
            mode="text",
            name="bits apart",
            text=[str(differing[cell]) for cell in others],
            textfont={"size": SMALL_TEXT, "color": colours},
            hovertext=[f"{nth_nearest(i + 1)}, table {t + 1}: {differing[i, t]} apart" for i, t in others],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    )
    figure.layout["hoverlabel"]["bgcolor"] = PAPER[mode]
    return figure


def _cells(cells: list[tuple[int, int]], name: str, mark: dict[str, object]) -> Trace:
    texts = [f"{nth_nearest(i + 1)}, table {t + 1}: {name}" for i, t in cells]
    return points([t + 1 for _, t in cells], [i + 1 for i, _ in cells], name, mark, texts)
