"""S-curve: the probability that LSH compares a clip with the query, by distance, over a histogram of all clips."""

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from ui.figures.marks import Floats, found_and_missed, label, line, marker, percent, points, text_at
from ui.figures.palette import FOUND, PAPER, QUIET, SMALL_TEXT, SOFT_INK, Mode, new_figure

HEIGHT = 420


@dataclass(frozen=True, slots=True)
class HitCurve:
    """Probability by distance, float[x] each: at the setting in force, with twice the tables, with more bits."""

    at: Floats
    chance: Floats
    twice: Floats
    more_bits: Floats
    more: int  # bits more
    axis: str
    unit: str


def s_curve(
    curve: HitCurve, edges: Floats, counts: Floats, neighbours: Floats, found: list[bool], mode: Mode
) -> go.Figure:
    """Draw the curve over a histogram of clips (edges float[b + 1], counts float[b]), the true neighbours on it."""
    figure = new_figure(curve.axis, "chance of being looked at", mode, height=HEIGHT, right=24, top=24)
    figure.update_xaxes(range=[float(edges[0]), float(edges[-1])])
    figure.update_yaxes(
        range=[-0.03, 1.1], tickvals=[0, 0.25, 0.5, 0.75, 1], ticktext=["0", "25 %", "50 %", "75 %", "100 %"]
    )
    tallest = max(float(counts.max(initial=0)), 1.0)
    middles = (edges[:-1] + edges[1:]) / 2
    figure.add_trace(
        go.Bar(
            x=middles,
            y=0.6 * counts / tallest,
            width=edges[1:] - edges[:-1],
            marker={"color": QUIET, "line": {"color": PAPER[mode], "width": 1}},
            name="clips",
            text=[
                f"{int(count):,} clips lie {low:.3g} to {high:.3g}{curve.unit} away"
                for count, low, high in zip(counts, edges[:-1], edges[1:], strict=True)
            ],
            textposition="none",
            hovertemplate="%{text}<extra></extra>",
        )
    )
    for values, name in ((curve.twice, "2 L"), (curve.more_bits, f"K + {curve.more}")):
        figure.add_trace(_line(curve, values, name, {"color": SOFT_INK[mode], "width": 1.5, "dash": "dot"}))
        _name(figure, curve, values, name, mode)
    figure.add_trace(_line(curve, curve.chance, "your setting", {"color": FOUND, "width": 3}))
    for meaning, chosen in found_and_missed(found):
        at = neighbours[chosen]
        chances = np.interp(at, curve.at, curve.chance)
        texts = [f"{x:.3g}{curve.unit} away: chance {percent(y)}" for x, y in zip(at, chances, strict=True)]
        figure.add_trace(points(at, chances, meaning, marker(meaning, 11, mode), texts))
    small = {"size": SMALL_TEXT, "color": SOFT_INK[mode]}
    crowd = float(middles[int(counts.argmax())])
    text_at(figure, crowd, 0.6, "where the clips are", yshift=12, font=small, bgcolor=PAPER[mode])
    return figure


def chance_at(curve: HitCurve, distance: float) -> float:
    """Return the chance at a distance, between the points of the curve."""
    return float(np.interp(distance, curve.at, curve.chance))


def _line(curve: HitCurve, values: Floats, name: str, style: dict[str, object]) -> go.Scatter:
    texts = [f"{name}:<br>{percent(y)} at {x:.3g}{curve.unit}" for x, y in zip(curve.at, values, strict=True)]
    return line(curve.at, values, name, style, texts)


def _name(figure: go.Figure, curve: HitCurve, values: Floats, name: str, mode: Mode) -> None:
    """Write a curve's name at a height of its own, so that the two names never overlap."""
    height = 0.86 if "L" in name else 0.3
    i = int(np.abs(values - height).argmin())
    label(figure, float(curve.at[i]), float(values[i]), name, mode, to_left="K" in name, lift=0)
