"""Stem plot of the query's bucket in every table: its size, and the true neighbours in it."""

from ui.figures.figure import Figure
from ui.figures.marks import Ints, bars, marker, points
from ui.figures.palette import CANDIDATE, INK, QUIET, SMALL_TEXT, SOFT_INK, Mode, new_figure
from ui.format import plural

HEIGHT = 300


def bucket_strip(sizes: Ints, hits: Ints, even: float, chosen: int, mode: Mode) -> Figure:
    """Draw one stem per table: the bucket's size, and in a blue dot at its top how many true neighbours it holds.

    sizes, hits: int[L]; even: the size if all buckets were equally full; chosen: the table marked, from 0.
    """
    figure = new_figure("table", "clips in your sound's bucket", mode, height=HEIGHT, right=16, top=28)
    tables = list(range(1, len(sizes) + 1))
    top = max(int(sizes.max(initial=0)), even, 1) * 1.18
    figure.update_yaxes(range=[0, top], rangemode="tozero")
    ticks = sorted({1, *[t for t in tables if t % 4 == 0 or len(tables) <= 10], chosen + 1})
    names = [f"<b>{t}</b>" if t == chosen + 1 else str(t) for t in ticks]
    figure.update_xaxes(range=[0.3, len(tables) + 0.7], tickvals=ticks, ticktext=names)
    figure.add_vrect(chosen + 0.55, chosen + 1.45, fillcolor=QUIET, opacity=0.35)
    figure.add_trace(bars(tables, sizes, 0.12, CANDIDATE))
    texts = [
        f"table {t}: {plural(size, 'clip')}, {hit} of the nearest"
        for t, size, hit in zip(tables, sizes.tolist(), hits.tolist(), strict=True)
    ]
    figure.add_trace(points(tables, sizes, "candidates", marker("candidate", 8, mode), texts))
    with_hits = [t for t in tables if hits[t - 1]]
    numbers = [f"<b>{hits[t - 1]}</b>" for t in with_hits]
    dots = points(with_hits, [sizes[t - 1] for t in with_hits], "found here", marker("found", 19, mode), numbers)
    white = {"size": SMALL_TEXT, "color": "#FFFFFF"}
    del dots["hovertemplate"]
    figure.add_trace(dots | {"mode": "markers+text", "textfont": white, "hoverinfo": "skip"})
    text = f"if all buckets were equally full: {f'{even:,.0f}' if even >= 1 else 'below 1'}"
    figure.add_hline(y=even, line={"color": INK[mode], "width": 1, "dash": "dash"})
    font = {"size": SMALL_TEXT, "color": SOFT_INK[mode]}
    above = {"xref": "paper", "yref": "paper", "xanchor": "right", "yanchor": "bottom", "showarrow": False}
    figure.add_annotation(x=1, y=1, text=f"- - {text}", font=font, **above)  # no stem reaches so high
    return figure
