"""Histogram of queries by the number of their neighbours found."""

from ui.figures.figure import Figure
from ui.figures.marks import Ints, bars, label
from ui.figures.palette import FOUND, INK, Mode, new_figure

HEIGHT = 300


def found_counts(counts: Ints, mode: Mode) -> Figure:
    """Draw the number of queries, counts int[k + 1], for each number of neighbours found, 0 to k, and the mean."""
    k, total = len(counts) - 1, int(counts.sum())
    figure = new_figure(f"of its {k} nearest, found", "queries", mode, height=HEIGHT, right=24, top=28)
    figure.update_xaxes(range=[-0.6, k + 0.6], tickvals=list(range(k + 1)))
    figure.update_yaxes(range=[0, 1.15 * max(int(counts.max(initial=0)), 1)])
    texts = [f"{count} of {total} queries:<br>{found} of {k} found" for found, count in enumerate(counts)]
    figure.add_trace(bars(list(range(k + 1)), counts, 0.8, FOUND, texts))
    mean = sum(found * int(count) for found, count in enumerate(counts)) / max(total, 1)
    figure.add_vline(x=mean, line={"color": INK[mode], "width": 1, "dash": "dash"})
    top = 1.1 * max(int(counts.max(initial=0)), 1)
    label(figure, mean, top, f"mean {mean:.1f}", mode, to_left=mean > k / 2, lift=0)
    return figure
