"""Bucket sizes of a table by rank, from the fullest to the emptiest."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ui.figures.figure import Figure
from ui.figures.marks import Ints, line, marker, points, text_at
from ui.figures.palette import INK, SOFT_INK, Mode, new_figure

HEIGHT = 360
_MAX_POINTS = 240  # per line, evenly spaced on the log axis
_DASHES = ("solid", "dash", "dot")
_ABOVE = {"xanchor": "left", "yanchor": "bottom"}


@dataclass(frozen=True, slots=True)
class BucketSizes:
    """Bucket sizes int[m] of one table, the fullest first, and a name for the line."""

    name: str
    sizes: Ints


def bucket_ranks(crowds: Sequence[BucketSizes], n: int, even: float, own: int | None, mode: Mode) -> Figure:
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
        texts = [f"{crowd.name}, bucket {rank:,}: {crowd.sizes[rank - 1]:,} clips" for rank in ranks]
        style = {"color": INK[mode], "width": 2.5, "dash": dash, "shape": "hv"}
        figure.add_trace(line(ranks, crowd.sizes[ranks - 1], crowd.name, style, texts))
    if len(crowds) > 1:
        _names(figure, crowds)
    if even >= 1:
        figure.add_hline(y=even, line={"color": SOFT_INK[mode], "width": 1, "dash": "dash"})
        text_at(figure, 1, even, f"if equally full: {even:,.0f}", **_ABOVE)
    if own is not None and own > 0:
        rank = int((crowds[0].sizes > own).sum()) + 1
        text = f"your sound's bucket: {own:,} clips,<br>place {rank:,} by size"
        figure.add_trace(points([rank], [own], "your sound", marker("query", 17, mode), [text]))
    return figure


def _names(figure: Figure, crowds: Sequence[BucketSizes]) -> None:
    """Name lines at their beginning; those that begin together share the place."""
    together: list[list[BucketSizes]] = []
    for crowd in sorted(crowds, key=lambda crowd: int(crowd.sizes[0])):
        if together and crowd.sizes[0] < 2 * together[-1][0].sizes[0]:
            together[-1].append(crowd)
        else:
            together.append([crowd])
    for group in together:
        text_at(figure, 1, float(group[-1].sizes[0]), " and ".join(crowd.name for crowd in group), **_ABOVE)


def _powers(most: int) -> list[int]:
    return [10**power for power in range(8) if 10**power <= most]


def _ranks(n: int) -> Ints:
    return np.unique(np.geomspace(1, n, min(n, _MAX_POINTS)).round().astype(np.int64))
