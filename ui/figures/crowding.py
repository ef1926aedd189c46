"""How unevenly buckets are filled: sizes from the fullest to the emptiest."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from ui.figures.marks import Ints, place
from ui.figures.palette import INK, PAPER, QUERY, SMALL_TEXT, SOFT_INK, Mode, new_figure

HEIGHT = 360
_POINTS = 240  # drawn of each line, evenly on the log axis
_DASHES = ("solid", "dash", "dot")


@dataclass(frozen=True, slots=True)
class Crowd:
    """Bucket sizes int[m] of one table, the fullest first, and a name for the line."""

    name: str
    sizes: Ints


def bucket_ranks(crowds: Sequence[Crowd], n: int, even: float, own: int | None, mode: Mode) -> go.Figure:
    """Draw each table's bucket sizes by rank, both logarithmic; `even`: the size if all buckets were equally full.

    n: clips in the collection; own: size of the query's bucket, marked on the first line; None draws no mark.
    """
    figure = new_figure("buckets, from the fullest (log)", "clips in it (log)", mode, height=HEIGHT, right=24, top=24)
    highest = max(even, *(int(crowd.sizes[0]) for crowd in crowds))
    longest = max(len(crowd.sizes) for crowd in crowds)
    figure.update_xaxes(type="log", range=[-0.05, float(np.log10(max(longest, 2))) + 0.08], tickvals=_powers(longest))
    figure.update_yaxes(type="log", range=[-0.15, float(np.log10(highest)) + 0.35], tickvals=_powers(n))
    for crowd, dash in zip(crowds, _DASHES, strict=False):
        ranks = _ranks(len(crowd.sizes))
        figure.add_trace(
            go.Scatter(
                x=ranks,
                y=crowd.sizes[ranks - 1],
                mode="lines",
                name=crowd.name,
                line={"color": INK[mode], "width": 2.5, "dash": dash, "shape": "hv"},
                text=[
                    f"bucket {rank:,}: {size:,} clips" for rank, size in zip(ranks, crowd.sizes[ranks - 1], strict=True)
                ],
                hovertemplate=f"%{{text}}<extra>{crowd.name}</extra>",
            )
        )
    if len(crowds) > 1:
        _names(figure, crowds, mode)
    if even >= 1:
        figure.add_hline(y=even, line={"color": SOFT_INK[mode], "width": 1, "dash": "dash"})
        _beside(figure, 1, even, f"if equally full: {even:.0f}", mode)
    if own is not None and own > 0:
        _your_bucket(figure, crowds[0].sizes, own, mode)
    return figure


def _names(figure: go.Figure, crowds: Sequence[Crowd], mode: Mode) -> None:
    """Name lines at their beginning; those that begin together share the place."""
    together: list[list[Crowd]] = []
    for crowd in sorted(crowds, key=lambda crowd: int(crowd.sizes[0])):
        if together and crowd.sizes[0] < 2 * together[-1][0].sizes[0]:
            together[-1].append(crowd)
        else:
            together.append([crowd])
    for group in together:
        _beside(figure, 1, float(group[-1].sizes[0]), " and ".join(crowd.name for crowd in group), mode)


def _powers(most: int) -> list[int]:
    return [10**power for power in range(8) if 10**power <= most]


def _ranks(n: int) -> Ints:
    return np.unique(np.geomspace(1, n, min(n, _POINTS)).round().astype(np.int64))


def _beside(figure: go.Figure, x: float, y: float, text: str, mode: Mode) -> None:
    figure.add_annotation(
        x=place(figure, "x", x),
        y=place(figure, "y", y),
        text=text,
        showarrow=False,
        xanchor="left",
        yanchor="bottom",
        font={"size": SMALL_TEXT, "color": INK[mode]},
    )


def _your_bucket(figure: go.Figure, sizes: Ints, own: int, mode: Mode) -> None:
    rank = int((sizes > own).sum()) + 1
    figure.add_trace(
        go.Scatter(
            x=[rank],
            y=[own],
            mode="markers",
            name="your sound",
            marker={"symbol": "star", "size": 17, "color": QUERY, "line": {"color": PAPER[mode], "width": 1}},
            hovertemplate=f"your sound's bucket: {own:,} clips,<br>place {rank:,} by size<extra>your sound</extra>",
        )
    )
