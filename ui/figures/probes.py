"""Probing sequence of one table, and the neighbours found by each number of probes."""

from ui.figures.figure import Figure, Trace, trace
from ui.figures.marks import Ints, label, line, marker, points, text_at
from ui.figures.palette import FOUND, HERE, INK, PAPER, SMALL_TEXT, SOFT_INK, Mode, new_figure
from ui.format import plural

ROW = 26


def probe_order(keys: Ints, sizes: Ints, n_probes: int, mode: Mode) -> Figure:
    """Draw the keys of one table's probes, int[T, K], one row each, with a square where a bit differs from the query's.

    sizes: int[T], clips in each bucket; the first `n_probes` are searched at your setting, the others are not.
    """
    n, n_bits = keys.shape
    figure = new_figure("bit", "", mode, height=96 + ROW * n, right=96, top=24)
    figure.layout["margin"]["l"] = 84
    figure.update_xaxes(range=[0.4, n_bits + 0.6], tickvals=[1, *range(4, n_bits + 1, 4)])
    names = ["your bucket", *[f"probe {t + 1}" for t in range(1, n)]]
    figure.update_yaxes(range=[n + 0.6, 0.2], tickvals=list(range(1, n + 1)), ticktext=names, showgrid=False)
    cells = [(t, j) for t in range(n) for j in range(n_bits)]
    flipped = [(t, j) for t, j in cells if keys[t, j] != keys[0, j]]
    square = {"symbol": "square", "size": 18, "color": INK[mode]}
    figure.add_trace(_cells(flipped, "flipped", mode="markers", marker=square))
    colours = [PAPER[mode] if keys[t, j] != keys[0, j] else SOFT_INK[mode] for t, j in cells]
    numbers, font = [str(keys[cell]) for cell in cells], {"size": SMALL_TEXT, "color": colours}
    figure.add_trace(_cells(cells, "bits", mode="text", text=numbers, textfont=font))
    if 1 <= n_probes < n:
        figure.add_hline(y=n_probes + 0.5, line={"color": HERE, "width": 1.5, "dash": "dot"})
    for t in range(n):
        text_at(figure, 1, t + 1, plural(int(sizes[t]), "clip"), xref="paper", xanchor="left", xshift=8)
    return figure


def _cells(cells: list[tuple[int, int]], name: str, **look: object) -> Trace:
    x, y = [j + 1 for _, j in cells], [t + 1 for t, _ in cells]
    return trace("scatter", x=x, y=y, name=name, hoverinfo="skip", **look)


def probe_gains(looked_at: Ints, met: Ints, wanted: int, n_probes: int, mode: Mode) -> Figure:
    """Draw how many of the `wanted` nearest are found with 1, 2, ... T probes per table, met int[T].

    looked_at: int[T], clips looked at.
    """
    figure = new_figure(
        "probes: buckets searched in each table", "of the nearest, found", mode, height=300, right=24, top=24
    )
    probes = list(range(1, len(met) + 1))
    figure.update_xaxes(range=[0.4, len(probes) + 0.6], tickvals=[1, *range(4, len(probes) + 1, 4)])
    figure.update_yaxes(range=[-0.4, wanted + 0.9], tickvals=sorted({0, wanted // 2, wanted}))
    figure.add_hline(y=wanted, line={"color": INK[mode], "width": 1})
    texts = [
        f"{plural(t, 'probe')} per table:<br>{found} of {wanted} found,<br>{looked:,} clips looked at"
        for t, found, looked in zip(probes, met.tolist(), looked_at.tolist(), strict=True)
    ]
    steps = line(probes, met, "found", {"color": FOUND, "width": 2, "shape": "hv"}, texts, dots=8)
    figure.add_trace(steps | {"cliponaxis": False})
    here = min(n_probes, len(probes))
    figure.add_vline(x=here, line={"color": HERE, "width": 1, "dash": "dot"})
    figure.add_trace(points([here], [met[here - 1]], "you are here", marker("here", 14, mode), [texts[here - 1]]))
    label(figure, here, int(met[here - 1]), "<b>you are here</b>", mode, to_left=here > len(probes) / 2, lift=-18)
    return figure
