"""Figures of the tutorial: angles, one hyperplane, and the chance of equal keys."""

import math
from dataclasses import dataclass, field

import numpy as np

from ui.figures.figure import Figure, trace
from ui.figures.marks import (
    PERCENT_TICKS,
    Floats,
    Meaning,
    histogram,
    label,
    line,
    marker,
    points,
    text_at,
    you_are_here,
)
from ui.figures.palette import CANDIDATE, FOUND, HAIRLINE, INK, QUIET, Mode, new_figure
from ui.format import degrees, percent

HEIGHT = 340
_NEAR_DEGREES = 45  # up to which there is room for words to the right of the nearest


@dataclass(frozen=True, slots=True)
class Angles:
    """Angles from the query in degrees: to all clips, float64[n], and to the nearest, ascending.

    found: which of the nearest LSH found. usual: the median angle to all clips.
    """

    all: Floats
    nearest: Floats
    found: list[bool]
    usual: float = field(init=False)

    @property
    def tenth(self) -> float:
        """Return the angle to the last of the nearest."""
        return float(self.nearest[-1])

    def __post_init__(self) -> None:
        object.__setattr__(self, "usual", float(np.median(self.all)))


def angle_histogram(angles: Angles, mode: Mode) -> Figure:
    """Draw a histogram of the angles from the query to all clips, with the ten nearest on it."""
    figure = new_figure("angle from your sound, degrees", "share of the clips", mode, height=HEIGHT)
    figure.update_xaxes(range=[-4, 180], tickvals=list(range(0, 181, 30)))
    _, top = histogram(figure, angles.all, 180, "°")
    figure.update_yaxes(range=[0, 1.3 * top], nticks=4, ticksuffix=" %")
    figure.add_trace(points([0], [0.06 * top], "", marker("query", 16, mode), ["your sound"]))
    n = len(angles.nearest)
    texts = ["one of the 10 nearest"] * n
    figure.add_trace(points(angles.nearest.round(1), [0.06 * top] * n, "", marker("exact", 8, mode), texts))
    to_left = angles.tenth > _NEAR_DEGREES  # else it would cover the bars where the figure is narrow
    at = angles.tenth if to_left else float(angles.nearest[0])
    label(figure, at, 0.06 * top, "the 10 nearest", mode, to_left=to_left, lift=22)
    label(figure, angles.usual, 1.12 * top, f"the usual clip: {degrees(angles.usual)}", mode, to_left=False, lift=0)
    return figure


def one_plane(angles: Angles, turn: float, mode: Mode) -> Figure:
    """Draw the query, a neighbour and a usual clip on a circle, and a line turned by `turn` degrees, 0 to 180."""
    figure = new_figure("", "", mode, height=HEIGHT)
    figure.update_xaxes(visible=False, range=[-2.2, 2.2])
    figure.update_yaxes(visible=False, range=[-1.25, 1.25], scaleanchor="x", showgrid=False)
    along = math.radians(90 + turn)
    side = np.radians(np.linspace(90 + turn - 180, 90 + turn, 60))
    figure.add_trace(
        trace(
            "scatter", x=np.cos(side), y=np.sin(side), fill="toself", mode="none", fillcolor=HAIRLINE, hoverinfo="skip"
        )
    )
    round_about = np.linspace(0, 2 * math.pi, 120)
    figure.add_trace(line(np.cos(round_about), np.sin(round_about), "circle", {"color": QUIET, "width": 1}))
    end = 1.2 * math.cos(along), 1.2 * math.sin(along)
    figure.add_trace(line([-end[0], end[0]], [-end[1], end[1]], "line", {"color": INK[mode], "width": 2}))
    neighbour: Meaning = "found" if same_side(turn, angles.tenth) else "missed"
    spots: list[tuple[float, Meaning, int, str]] = [
        (0.0, "query", 18, "your sound"),
        (angles.tenth, neighbour, 13, "neighbour"),
        (-angles.usual, "candidate", 10, "usual clip"),
    ]
    for angle, meaning, size, name in spots:
        place = math.radians(90 - angle)
        at = math.cos(place), math.sin(place)
        figure.add_trace(points([at[0]], [at[1]], "", marker(meaning, size, mode), [name]))
        anchor, shift = ("left", 12) if angle >= 0 else ("right", -12)
        text_at(figure, *at, f"{name}: <b>{int(_side(turn, angle))}</b>", xanchor=anchor, xshift=shift)
    return figure


def same_side(turn: float, angle: float) -> bool:
    """Return whether a clip at `angle` degrees is on the query's side of a line turned by `turn` degrees."""
    return _side(turn, angle) == _side(turn, 0)


def key_chances(angles: Angles, n_bits: int, mode: Mode) -> Figure:
    """Draw the chance that a whole key agrees as it grows, for the tenth neighbour and for the usual clip."""
    figure = new_figure("K, bits per key", "chance that the whole key agrees", mode, height=HEIGHT, right=24)
    bits = np.arange(1, 25)
    figure.update_xaxes(range=[0.5, 24.5], tickvals=[1, 4, 8, 12, 16, 20, 24])
    figure.update_yaxes(range=[-0.02, 1.02], **PERCENT_TICKS)
    for angle, colour, dash, name in (
        (angles.tenth, FOUND, "solid", f"10th nearest, {degrees(angles.tenth)}"),
        (angles.usual, CANDIDATE, "dot", f"usual clip, {degrees(angles.usual)}"),
    ):
        chances = (1 - angle / 180) ** bits
        text = [f"K = {k}: {percent(float(c))}" for k, c in zip(bits, chances, strict=True)]
        style = {"color": colour, "dash": dash, "width": 2.5}
        figure.add_trace(line(bits, chances, name, style, text))
        label(figure, 1, float(chances[0]), name, mode, to_left=False, lift=14 if colour == FOUND else -12)
    at = (1 - angles.tenth / 180) ** n_bits
    you_are_here(figure, n_bits, at, f"K = {n_bits}: {percent(at)}", mode)
    return figure


def _side(turn: float, angle: float) -> bool:
    """Return on which side of the line a clip at `angle` degrees is, clockwise from the top."""
    return math.sin(math.radians(angle + turn)) >= 0
