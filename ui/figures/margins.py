"""Positions of the query and its neighbours relative to each hash function of one table, which make the key."""

from dataclasses import dataclass

from ui.figures.figure import Figure
from ui.figures.marks import Floats, Ints, found_and_missed, marker, points, text_at
from ui.figures.palette import HAIRLINE, INK, SMALL_TEXT, SOFT_INK, Mode, new_figure

ROW = 30
NEARLY = 0.2  # margin below which a symbol was nearly another: one random function in five passes nearer
_BESIDE = {"xref": "paper", "xanchor": "left", "xshift": 14}


@dataclass(frozen=True, slots=True)
class Margins:
    """One table: positions on each hash function's axis, `query` float[K] and `neighbours` float[m, K], with `walls`.

    symbols int[K], margin float[K] (see `TableKey`); found: which neighbours LSH found, in any table;
    names: the neighbours', escaped for HTML.
    """

    query: Floats
    neighbours: Floats
    walls: list[float]
    symbols: Ints
    margin: Floats
    found: list[bool]
    names: list[str]
    symbol: str  # name of a row: bit, number
    axis: str
    unit: str


def margins(at: Margins, mode: Mode) -> Figure:
    """Draw one row per symbol: the walls, the query's star, the neighbours' dots, and the symbol of the query's key."""
    n_bits = len(at.query)
    figure = new_figure(at.axis, "", mode, height=76 + ROW * n_bits, right=56, top=24)
    figure.layout["margin"]["l"] = 112
    _axes(figure, at, n_bits)
    for i in range(n_bits):
        if at.margin[i] < NEARLY:
            frame = {"x0": 0, "x1": 1, "xref": "x domain", "y0": i + 0.58, "y1": i + 1.42}
            figure.add_shape(type="rect", line={"color": INK[mode], "width": 1, "dash": "dot"}, **frame)
        text_at(figure, 1, i + 1, f"<b>{at.symbols[i]}</b>", **_BESIDE, font={"size": 15, "color": INK[mode]})
    text_at(figure, 1, 0.25, "key", **_BESIDE, font={"size": SMALL_TEXT, "color": SOFT_INK[mode]})
    for wall in at.walls:
        figure.add_vline(x=wall, line={"color": INK[mode], "width": 2})
    rows = list(range(1, n_bits + 1))
    for meaning, chosen in found_and_missed(at.found):
        texts = [f"{at.names[i]}<br>{_place(at, at.neighbours[i, j], j)}" for i in chosen for j in range(n_bits)]
        x = at.neighbours[chosen].ravel()
        figure.add_trace(points(x, rows * len(chosen), meaning, marker(meaning, 9, mode), texts))
    star = marker("query", 15, mode) | {"line": {"color": INK[mode], "width": 1}}
    texts = [_place(at, x, j) for j, x in enumerate(at.query)]
    figure.add_trace(points(at.query, rows, "your sound", star, texts))
    return figure


def _axes(figure: Figure, at: Margins, n_bits: int) -> None:
    values = [*at.query.tolist(), *at.neighbours.ravel().tolist(), *at.walls]
    low, high = min(values), max(values)
    if len(at.walls) == 1:
        low, high = -max(-low, high), max(-low, high)
    room = 0.06 * (high - low or 1.0)
    figure.update_xaxes(range=[low - room, high + room], zeroline=False)
    names = [f"{at.symbol} {i + 1}{' · nearly' if at.margin[i] < NEARLY else ''}" for i in range(n_bits)]
    figure.update_yaxes(
        range=[n_bits + 0.6, 0], tickvals=list(range(1, n_bits + 1)), ticktext=names, showgrid=True, gridcolor=HAIRLINE
    )


def _place(at: Margins, x: float, j: int) -> str:
    return f"{x:.2f}{at.unit} at {at.symbol} {j + 1}"
