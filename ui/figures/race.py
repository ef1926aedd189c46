"""Figures of a race: queries per second at one size, and time and recall as the collection grows."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from lsh.analysis.racing import BATCHED, EXACT, LSH, RACERS, SKETCHES, Lap
from ui.figures.figure import Figure, Trace, trace
from ui.figures.marks import RECALL, label, line, marker, name_ends, points, recall_axis, text_at
from ui.figures.palette import FOUND, INK, PAPER, PINNED, QUIET, SOFT_INK, Mode, new_figure
from ui.format import capitalised, milliseconds, percent

FINISH_HEIGHT, GROWTH_HEIGHT = 312, 400
SHORT = {LSH: "LSH", EXACT: "exact", BATCHED: "batched", SKETCHES: "sketches"}
NAMES = {LSH: "LSH", EXACT: "exact, one at a time", BATCHED: "exact, batched", SKETCHES: "sketches"}

_SIZE = "clips in the collection (log)"
_PINNED = "LSH, pinned"
_RIGHT = 76  # px, for the lines' names


def throughput(laps: Mapping[str, Lap], pinned: Lap | None, mode: Mode) -> Figure:
    """Draw the queries per second of each racer, the fastest on top; `laps` by racer, of one size."""
    figure = new_figure("queries per second, one thread", "", mode, height=FINISH_HEIGHT, right=8)
    named = [(NAMES[racer], lap) for racer, lap in laps.items()] + ([(_PINNED, pinned)] if pinned else [])
    named.sort(key=lambda own: own[1].ms, reverse=True)
    figure.layout["margin"].update(l=4, t=0)
    figure.update_xaxes(range=[0, 1.16 * 1000 / named[-1][1].ms], nticks=5, tickformat="~s", showgrid=True)
    figure.update_yaxes(range=[-0.45, len(named) - 0.3], showticklabels=False, showgrid=False)
    for place, (name, lap) in enumerate(named):
        figure.add_trace(_bar(lap, name, place, mode))
        text = f"<b>{name}</b>  {milliseconds(lap.ms)} per query, finds {percent(lap.recall)}"
        text_at(figure, 0, place + 0.36, text, xanchor="left", font={"size": 13, "color": INK[mode]})
        shift = 4
        if name == _PINNED:
            figure.add_trace(points([1000 / lap.ms], [place], "pinned", marker("pinned", 11, mode), [_sentence(lap)]))
            shift = 10
        text_at(figure, 1000 / lap.ms, place, round_size(1000 / lap.ms), xanchor="left", xshift=shift)
    return figure


def time_by_size(
    laps: Sequence[Lap], pinned: Sequence[Lap], crossings: Mapping[str, float], sizes: Sequence[int], mode: Mode
) -> Figure:
    """Draw the time per query against the size of the collection, both on log scales.

    crossings: by racer, the size from which LSH is the faster one; each is marked where the two lines meet.
    """
    figure = new_figure(_SIZE, "time per query, ms (log)", mode, height=GROWTH_HEIGHT, right=_RIGHT)
    known = [lap.ms for lap in (*laps, *pinned)] or [0.01, 1.0]
    low, high = math.log10(min(known)) - 0.15, math.log10(max(known)) + 0.15
    ticks = [digit * 10.0**power for power in range(-4, 6) for digit in (1, 2, 5)]
    figure.update_yaxes(type="log", range=[low, high], tickvals=ticks, ticktext=[f"{tick:g}" for tick in ticks])
    _sizes(figure, sizes)
    for racer, crossing in crossings.items():
        _crossing(figure, _of(laps, LSH), racer, crossing, mode)
    _lines(figure, laps, pinned, "ms", mode)
    return figure


def recall_by_size(laps: Sequence[Lap], pinned: Sequence[Lap], sizes: Sequence[int], mode: Mode) -> Figure:
    """Draw recall against the size of the collection; both ways of exact search are one line, at 1."""
    figure = new_figure(_SIZE, RECALL, mode, height=GROWTH_HEIGHT, right=_RIGHT)
    recall_axis(figure, "y", top=1.08)
    _sizes(figure, sizes)
    _lines(figure, [lap for lap in laps if lap.racer != BATCHED], pinned, "recall", mode)
    return figure


def short_size(n: int) -> str:
    """Write a number of clips in few characters: 400, 5k, 16k, 2.1M."""
    for unit, letter in ((1_000_000, "M"), (1000, "k")):
        if n >= unit:
            return f"{n / unit:.2g}{letter}" if n < 100 * unit else f"{n / unit:.0f}{letter}"
    return str(n)


def _look(racer: str, mode: Mode) -> tuple[str, dict[str, object]]:
    """Return the symbol of a racer, and the style of its line."""
    symbol, colour, dash = {
        LSH: ("circle", FOUND, "solid"),
        EXACT: ("square", INK[mode], "solid"),
        BATCHED: ("square-open", INK[mode], "dash"),
        SKETCHES: ("triangle-up", SOFT_INK[mode], "dot"),
    }[racer]
    return symbol, {"color": colour, "dash": dash, "width": 2.5 if racer == LSH else 1.5}


def _of(laps: Sequence[Lap], racer: str) -> list[Lap]:
    return [lap for lap in laps if lap.racer == racer]


def _bar(lap: Lap, name: str, place: int, mode: Mode) -> Trace:
    fill = {LSH: FOUND, EXACT: INK[mode], BATCHED: PAPER[mode], SKETCHES: QUIET}[lap.racer]
    edge, width = INK[mode], 1.5 if lap.racer == BATCHED else 0
    if name == _PINNED:
        fill, edge, width = PAPER[mode], PINNED, 1.5
    return trace(
        "bar",
        x=[1000 / lap.ms],
        y=[place],
        width=0.3,
        orientation="h",
        marker={"color": fill, "line": {"color": edge, "width": width}},
        name=name,
        hovertemplate=f"{_sentence(lap)}<extra>{name}</extra>",
    )


def _sentence(lap: Lap) -> str:
    wait = "each waits for its whole block, " if lap.racer == BATCHED else "95 % of queries within "
    return (
        f"{capitalised(NAMES[lap.racer])}, {lap.n:,} clips:<br>{milliseconds(lap.ms)} per query, "
        f"{wait}{milliseconds(lap.p95_ms)}<br>finds {percent(lap.recall)}, looks at {percent(lap.candidates)}"
    )


def _sizes(figure: Figure, sizes: Sequence[int]) -> None:
    span = [math.log10(sizes[0]), math.log10(sizes[-1])]
    edge = 0.06 * max(span[1] - span[0], 0.5)
    texts = [short_size(n) for n in sizes]
    figure.update_xaxes(type="log", range=[span[0] - edge, span[1] + edge], tickvals=list(sizes), ticktext=texts)
    figure.update_xaxes(tickangle=0)


def _lines(figure: Figure, laps: Sequence[Lap], pinned: Sequence[Lap], value: str, mode: Mode) -> None:
    """Draw a line per racer, LSH on top, and the pinned LSH; name each at its end."""
    ends: list[tuple[float, float, str]] = []
    for racer in reversed(RACERS):
        own, (symbol, style) = _of(laps, racer), _look(racer, mode)
        if not own:
            continue
        x, y = [lap.n for lap in own], [getattr(lap, value) for lap in own]
        drawn = line(x, y, NAMES[racer], style, [_sentence(lap) for lap in own], dots=8)
        figure.add_trace(drawn | {"marker": drawn["marker"] | {"symbol": symbol}, "cliponaxis": False})
        ends.append((x[-1], y[-1], f"<b>{SHORT[racer]}</b>" if racer == LSH else SHORT[racer]))
    if pinned:
        x, y = [lap.n for lap in pinned], [getattr(lap, value) for lap in pinned]
        texts = [f"Pinned {_sentence(lap)}" for lap in pinned]
        drawn = line(x, y, "pinned", {"color": PINNED, "width": 1.5}, texts, dots=11)
        figure.add_trace(drawn | {"marker": marker("pinned", 11, mode), "cliponaxis": False})
        ends.append((x[-1], y[-1], "pinned"))
    name_ends(figure, ends)


def _crossing(figure: Figure, lsh: Sequence[Lap], racer: str, n: float, mode: Mode) -> None:
    """Mark the size from which LSH is faster than another racer, with a cross on its line."""
    at = float(np.exp(np.interp(np.log(n), np.log([lap.n for lap in lsh]), np.log([lap.ms for lap in lsh]))))
    dotted = {"color": QUIET, "width": 1, "dash": "dot"}
    figure.add_shape(type="line", x0=n, x1=n, y0=0, y1=1, yref="y domain", line=dotted, layer="below")
    cross = {"symbol": "x", "size": 11, "color": INK[mode], "line": {"color": PAPER[mode], "width": 2}}
    hover = f"From about {round_size(n)} clips on<br>LSH is faster than {NAMES[racer]}"
    figure.add_trace(points([n], [at], f"LSH overtakes {NAMES[racer]}", cross, [hover]))
    text = f"LSH overtakes {SHORT[racer]}<br>at about {round_size(n)}"
    top = 10.0 ** figure.layout["yaxis"]["range"][1]  # above the lines, which rise to the right
    right = math.log10(n) > sum(figure.layout["xaxis"]["range"]) / 2
    label(figure, n, top, text, mode, to_left=right, lift=-18 if racer == EXACT else -56)


def round_size(n: float) -> str:
    """Write a size rounded to two significant digits."""
    unit = 10 ** max(math.floor(math.log10(n)) - 1, 0)
    return f"{unit * round(n / unit):,}"
