"""Recall against speed as one web page: all in the file, so that it opens anywhere and needs no network."""

from html import escape
from math import log10
from pathlib import Path

import plotly.graph_objects as go

from benchmarks.peers.measure import Point, Results
from benchmarks.peers.pareto_front import pareto_front
from benchmarks.peers.report import groups, on_machine, settings_of, write_whole

# Okabe-Ito: safe for colour-blind eyes. LSH is blue on every page of the app, exact search ink.
_LSH, _INK = "#0072B2", "#1a1a1a"
_COLOURS = ("#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7f7f7f")
_MARKERS = ("square", "triangle-up", "diamond", "x", "star", "pentagon", "cross")
_DASHES = ("dash", "dot", "dashdot", "longdash")
_EXACT = ("exact", "numpy", "faiss-flat")
_LOWEST_RECALL = 0.6
_LABEL_GAP = 0.045  # of the decades shown: labels closer than this are moved apart
_STYLE = "body{font:16px/1.5 system-ui,sans-serif;max-width:1200px;margin:2rem auto;padding:0 1rem;color:#1a1a1a}"


def write_page(results: Results, path: Path) -> None:
    """Write the page, whole or not at all."""
    title = f"{results.dataset}: speed at a recall"
    about = (
        f"{results.n:,} vectors of {results.dim} features, {results.metric} distance, recall@{results.k}, one query at "
        f"a time on one thread. Up and to the right is better. {on_machine(results.machine)}."
    )
    missing = "; ".join(f"{name}: {why}" for name, why in results.skipped.items())
    chart = draw(results).to_html(full_html=False, include_plotlyjs=True, config={"displaylogo": False})
    write_whole(
        path,
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>'
        f"<h1>{escape(title)}</h1><p>{escape(about)}</p>{chart}"
        + (f"<p>Not measured: {escape(missing)}.</p>" if missing else "")
        + "</body></html>\n",
    )


def draw(results: Results) -> go.Figure:
    """Return the figure: a line a method along its frontier, each named at its end."""
    figure = go.Figure()
    lines = {name: _shown(points) for name, points in groups(results).items() if name != "lsh"}
    lines = {name: points for name, points in lines.items() if points}
    for name, points in lines.items():
        colour, symbol, dash = _look(name, list(lines))
        figure.add_scatter(
            x=[p.recall for p in points],
            y=[p.qps for p in points],
            name=name,
            mode="lines+markers",
            line={"color": colour, "dash": dash, "width": 3 if name.startswith("lsh") else 1.5},
            marker={"symbol": symbol, "size": 8},
            text=[_hover(p) for p in points],
            hovertemplate=f"<b>{name}</b><br>%{{text}}<extra></extra>",
        )
    for name, height in _label_heights(lines).items():
        figure.add_annotation(
            x=lines[name][-1].recall,
            y=height,
            text=name,
            showarrow=False,
            xanchor="left",
            xshift=8,
            font={"color": _look(name, list(lines))[0], "size": 12},
        )
    figure.update_layout(
        template="plotly_white",
        height=700,
        showlegend=False,
        margin={"l": 70, "r": 20, "t": 20, "b": 60},
        xaxis={"title": f"recall@{results.k}: share of the true neighbours found", "range": [_LOWEST_RECALL, 1.06]},
        yaxis={"title": "queries a second", "type": "log", "dtick": 1},
    )
    return figure


def _shown(points: list[Point]) -> list[Point]:
    return [p for p in pareto_front(points) if p.recall >= _LOWEST_RECALL]


def _look(name: str, names: list[str]) -> tuple[str, str, str]:
    """Return a method's colour, mark and dash: no two methods of one page look alike in all three."""
    if name.startswith("lsh"):
        return _LSH, "circle" if name == "lsh-sketch" else "circle-open", "solid"
    if name in _EXACT:
        return _INK, "line-ew-open" if name == "exact" else "square-open" if name == "numpy" else "diamond-open", "dot"
    place = [n for n in names if not n.startswith("lsh") and n not in _EXACT].index(name)
    return _COLOURS[place % 6], _MARKERS[place % 7], _DASHES[place % 4]


def _hover(point: Point) -> str:
    settings = ", ".join(f"{name} {value}" for name, value in settings_of(point).items())
    return f"finds {point.recall:.1%} at {point.qps:,.0f} queries/s<br>{settings}<br>{point.index_mb:,.1f} MB"


def _label_heights(lines: dict[str, list[Point]]) -> dict[str, float]:
    """Return where each name stands, as the logarithm of its height: at its line's end, or above its neighbour's."""
    ends = sorted((log10(points[-1].qps), name) for name, points in lines.items())
    heights: dict[str, float] = {}
    if not ends:
        return heights
    gap = _LABEL_GAP * max(1.0, ends[-1][0] - ends[0][0])
    lowest = -1.0
    for height, name in ends:
        lowest = heights[name] = max(height, lowest + gap)
    return heights
