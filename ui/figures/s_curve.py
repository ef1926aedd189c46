"""S-curve: the probability that LSH compares a clip with the query, by distance, over a histogram of all clips."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ui.figures.figure import Figure, Trace
from ui.figures.marks import PERCENT_TICKS, Floats, found_and_missed, histogram, label, line, marker, points, text_at
from ui.figures.palette import FOUND, PAPER, SMALL_TEXT, SOFT_INK, Mode, new_figure
from ui.format import percent

HEIGHT = 420


@dataclass(frozen=True, slots=True)
class HitCurve:
    """Probability by distance, float[x] each: at the setting in force, and by name at others.

    neighbours, neighbour_chance: distance and probability of the true neighbours.
    """

    at: Floats
    chance: Floats
    neighbours: Floats
    neighbour_chance: Floats
    others: Mapping[str, Floats]
    axis: str
    unit: str


def s_curve(curve: HitCurve, distances: Floats, found: list[bool], mode: Mode) -> Figure:
    """Draw the curves over a histogram of all distances, with the true neighbours on the curve in force."""
    figure = new_figure(curve.axis, "chance of being looked at", mode, height=HEIGHT, right=24, top=24)
    limit = float(curve.at[-1])
    figure.update_xaxes(range=[0, limit])
    figure.update_yaxes(range=[-0.03, 1.1], **PERCENT_TICKS)
    middle = histogram(figure, distances, limit, curve.unit, height=0.6)[0]
    for (name, values), height in zip(curve.others.items(), (0.86, 0.3), strict=False):  # names at heights of their own
        figure.add_trace(_line(curve, values, name, {"color": SOFT_INK[mode], "width": 1.5, "dash": "dot"}))
        i = int(np.abs(values - height).argmin())
        label(figure, float(curve.at[i]), float(values[i]), name, mode, to_left=height < 0.5, lift=0)
    figure.add_trace(_line(curve, curve.chance, "your setting", {"color": FOUND, "width": 3}))
    for meaning, chosen in found_and_missed(found):
        at, chances = curve.neighbours[chosen], curve.neighbour_chance[chosen]
        texts = [f"{x:.3g}{curve.unit} away: chance {percent(y)}" for x, y in zip(at, chances, strict=True)]
        figure.add_trace(points(at, chances, meaning, marker(meaning, 11, mode), texts))
    small = {"size": SMALL_TEXT, "color": SOFT_INK[mode]}
    text_at(figure, middle, 0.6, "where the clips are", yshift=12, font=small, bgcolor=PAPER[mode])
    return figure


def _line(curve: HitCurve, values: Floats, name: str, style: dict[str, object]) -> Trace:
    texts = [f"{name}:<br>{percent(y)} at {x:.3g}{curve.unit}" for x, y in zip(curve.at, values, strict=True)]
    return line(curve.at, values, name, style, texts)
