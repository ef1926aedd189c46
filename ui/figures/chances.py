"""The S-curve: the chance that LSH looks at a clip, by its distance, over where all the clips are."""

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from ui.figures.marks import Floats, slip
from ui.figures.palette import FOUND, MISSED, PAPER, QUIET, SMALL_TEXT, SOFT_INK, Mode, new_figure

HEIGHT = 420


@dataclass(frozen=True, slots=True)
class Chances:
    """Chance of being looked at by distance, float[x] each: at your setting, with twice the tables, with more bits."""

    at: Floats
    chance: Floats
    twice: Floats
    more_bits: Floats
    more: int  # bits more
    axis: str
    unit: str


def s_curve(
    curve: Chances, edges: Floats, counts: Floats, neighbours: Floats, found: list[bool], mode: Mode
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
    for kind, wanted in (("found", True), ("missed", False)):
        at = [float(x) for x, was in zip(neighbours, found, strict=True) if was == wanted]
        figure.add_trace(_neighbours(curve, at, kind, mode))
    _crowd(figure, float(middles[int(counts.argmax())]), mode)
    return figure


def _crowd(figure: go.Figure, x: float, mode: Mode) -> None:
    small = {"size": SMALL_TEXT, "color": SOFT_INK[mode]}
    figure.add_annotation(
        x=x, y=0.6, text="where the clips are", showarrow=False, yshift=12, font=small, bgcolor=PAPER[mode]
    )


def chance_at(curve: Chances, distance: float) -> float:
    """Return the chance at a distance, between the points of the curve."""
    return float(np.interp(distance, curve.at, curve.chance))


def _line(curve: Chances, values: Floats, name: str, line: dict[str, object]) -> go.Scatter:
    return go.Scatter(
        x=curve.at,
        y=values,
        mode="lines",
        name=name,
        line=line,
        text=[f"at {x:.3g}{curve.unit}: {100 * y:.1f} %" for x, y in zip(curve.at, values, strict=True)],
        hovertemplate=f"%{{text}}<extra>{name}</extra>",
    )


def _name(figure: go.Figure, curve: Chances, values: Floats, name: str, mode: Mode) -> None:
    """Write a curve's name where it passes its own height: no two curves are at the same place there."""
    height = 0.86 if "L" in name else 0.3
    i = int(np.abs(values - height).argmin())
    slip(figure, float(curve.at[i]), float(values[i]), name, mode, to_left="K" in name, lift=0)


def _neighbours(curve: Chances, at: list[float], kind: str, mode: Mode) -> go.Scatter:
    marker = (
        {"symbol": "circle", "size": 11, "color": FOUND, "line": {"color": PAPER[mode], "width": 1.5}}
        if kind == "found"
        else {"symbol": "circle", "size": 10, "color": PAPER[mode], "line": {"color": MISSED, "width": 3}}
    )
    chances = [chance_at(curve, x) for x in at]
    return go.Scatter(
        x=at,
        y=chances,
        mode="markers",
        name=kind,
        marker=marker,
        text=[f"{x:.3g}{curve.unit} away: chance {100 * y:.0f} %" for x, y in zip(at, chances, strict=True)],
        hovertemplate=f"%{{text}}<extra>{kind}</extra>",
        cliponaxis=False,
    )
