"""Where your sound and its neighbours stand to each plane of one table: how its key comes about."""

from dataclasses import dataclass

import plotly.graph_objects as go

from ui.figures.marks import Floats, Ints, place
from ui.figures.palette import FOUND, HAIRLINE, INK, MISSED, PAPER, QUERY, SMALL_TEXT, SOFT_INK, Mode, new_figure

ROW = 30
NEARLY = 0.2  # firmness below which a symbol was nearly another: one random function in five passes nearer


@dataclass(frozen=True, slots=True)
class Margins:
    """One table: `query` float[K] and `neighbours` float[m, K], their places on each function's axis, walls at `walls`.

    symbols int[K], firmness float[K] (see `lsh.inspecting.TableKey`); found: which neighbours LSH found, in any table;
    names: the neighbours', as they may stand in HTML.
    """

    query: Floats
    neighbours: Floats
    walls: list[float]
    symbols: Ints
    firmness: Floats
    found: list[bool]
    names: list[str]
    symbol: str  # what a row is called: bit, number
    axis: str
    unit: str


def margins(at: Margins, mode: Mode) -> go.Figure:
    """Draw one row a bit: the walls, your sound's star, the neighbours' dots, and the bit that comes of it."""
    n_bits = len(at.query)
    figure = new_figure(at.axis, "", mode, height=76 + ROW * n_bits, right=56, top=24)
    figure.update_layout(margin={"l": 112})
    _axes(figure, at, n_bits)
    for i in range(n_bits):
        if at.firmness[i] < NEARLY:
            frame = {"x0": 0, "x1": 1, "xref": "x domain", "y0": i + 0.58, "y1": i + 1.42}
            figure.add_shape(type="rect", line={"color": INK[mode], "width": 1, "dash": "dot"}, **frame)
        bit = f"<b>{at.symbols[i]}</b>"
        _beside(figure, i + 1, bit, mode)
    _beside(figure, 0.25, "key", mode)
    for wall in at.walls:
        figure.add_vline(x=wall, line={"color": INK[mode], "width": 2})
    for kind, wanted in (("found", True), ("missed", False)):
        rows = [i for i, found in enumerate(at.found) if found == wanted]
        figure.add_trace(_dots(at, rows, kind, mode))
    figure.add_trace(_star(at, mode))
    return figure


def _axes(figure: go.Figure, at: Margins, n_bits: int) -> None:
    values = [*at.query.tolist(), *at.neighbours.ravel().tolist(), *at.walls]
    low, high = min(values), max(values)
    if len(at.walls) == 1:
        low, high = -max(-low, high), max(-low, high)
    room = 0.06 * (high - low or 1.0)
    figure.update_xaxes(range=[low - room, high + room], zeroline=False)
    words = [f"{at.symbol} {i + 1}{' · nearly' if at.firmness[i] < NEARLY else ''}" for i in range(n_bits)]
    figure.update_yaxes(
        range=[n_bits + 0.6, 0], tickvals=list(range(1, n_bits + 1)), ticktext=words, showgrid=True, gridcolor=HAIRLINE
    )


def _beside(figure: go.Figure, y: float, text: str, mode: Mode) -> None:
    figure.add_annotation(
        x=1,
        xref="paper",
        y=place(figure, "y", y),
        text=text,
        showarrow=False,
        xanchor="left",
        xshift=14,
        font={"size": 15 if "<b>" in text else SMALL_TEXT, "color": INK[mode] if "<b>" in text else SOFT_INK[mode]},
    )


def _dots(at: Margins, rows: list[int], kind: str, mode: Mode) -> go.Scatter:
    n_bits = len(at.query)
    marker = (
        {"symbol": "circle", "size": 9, "color": FOUND, "line": {"color": PAPER[mode], "width": 1}}
        if kind == "found"
        else {"symbol": "circle-open", "size": 9, "color": MISSED, "line": {"width": 2.5}}
    )
    return go.Scatter(
        x=[float(at.neighbours[i, j]) for i in rows for j in range(n_bits)],
        y=[j + 1 for _ in rows for j in range(n_bits)],
        mode="markers",
        name=kind,
        marker=marker,
        text=[
            f"{at.names[i]}<br>{at.neighbours[i, j]:.2f}{at.unit} at {at.symbol} {j + 1}"
            for i in rows
            for j in range(n_bits)
        ],
        hovertemplate=f"%{{text}}<extra>{kind}</extra>",
        cliponaxis=False,
    )


def _star(at: Margins, mode: Mode) -> go.Scatter:
    return go.Scatter(
        x=at.query,
        y=list(range(1, len(at.query) + 1)),
        mode="markers",
        name="your sound",
        marker={"symbol": "star", "size": 15, "color": QUERY, "line": {"color": INK[mode], "width": 1}},
        text=[f"{x:.2f}{at.unit} at {at.symbol} {j + 1}" for j, x in enumerate(at.query.tolist())],
        hovertemplate="%{text}<extra>your sound</extra>",
        cliponaxis=False,
    )
