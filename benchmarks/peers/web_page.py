"""Web page of results: recall against speed as one HTML file, which needs no network."""

from html import escape
from math import inf, log10
from pathlib import Path

import plotly.graph_objects as go

from benchmarks.peers.measure import Point, Results
from benchmarks.peers.pareto_front import pareto_front
from benchmarks.peers.report import by_method, on_machine, settings_of
from earshot_common.atomic import write_file

# Okabe-Ito palette, which colour-blind readers can tell apart. As in the app, LSH is blue and exact search black.
_LSH, _INK = "#0072B2", "#1a1a1a"
_COLOURS = ("#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7f7f7f")
_MARKERS = ("square", "triangle-up", "diamond", "x", "star", "pentagon", "cross")
_DASHES = ("dash", "dot", "dashdot", "longdash")
_EXACT = {"exact": "line-ew-open", "numpy": "square-open", "faiss-flat": "diamond-open"}  # their markers
_MIN_RECALL = 0.6
_LABEL_GAP = 0.045  # minimum distance of two labels, as a share of the decades shown
_STYLE = "body{font:16px/1.5 system-ui,sans-serif;max-width:1200px;margin:2rem auto;padding:0 1rem;color:#1a1a1a}"


def write_page(results: Results, path: Path) -> None:
    """Write the page, in one step; raise WriteError if it cannot be written."""
    title = f"{results.dataset}: speed by recall"
    about = (
        f"{results.n:,} vectors of {results.dim} features, {results.metric} distance, recall@{results.k}, one query at "
        f"a time on one thread. Up and to the right is better. {on_machine(results.machine)}."
    )
    missing = "; ".join(f"{name}: {why}" for name, why in results.skipped.items())
    chart = draw(results).to_html(full_html=False, include_plotlyjs=True, config={"displaylogo": False})
    page = (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>'
        f"<h1>{escape(title)}</h1><p>{escape(about)}</p>{chart}"
        + (f"<p>Not measured: {escape(missing)}.</p>" if missing else "")
        + "</body></html>\n"
    )
    write_file(path, page.encode())


def draw(results: Results) -> go.Figure:
    """Return the figure: one line per method along its Pareto front, with the method's name at its end."""
    figure = go.Figure()
    fronts = {name: pareto_front(points) for name, points in by_method(results).items() if name != "lsh"}
    lines = {name: shown for name, front in fronts.items() if (shown := [p for p in front if p.recall >= _MIN_RECALL])}
    heights = _label_heights(lines)
    for name, points in lines.items():
        colour, symbol, dash = _style(name, list(lines))
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
        label = {"text": name, "xanchor": "left", "xshift": 8, "font": {"color": colour, "size": 12}}
        figure.add_annotation(x=points[-1].recall, y=heights[name], showarrow=False, **label)
    figure.update_layout(
        template="plotly_white",
        height=700,
        showlegend=False,
        margin={"l": 70, "r": 20, "t": 20, "b": 60},
        xaxis={"title": f"recall@{results.k}: share of the true neighbours found", "range": [_MIN_RECALL, 1.06]},
        yaxis={"title": "queries per second", "type": "log", "dtick": 1},
    )
    return figure


def _style(name: str, names: list[str]) -> tuple[str, str, str]:
    """Return the colour, marker and dash of a method's line; no two methods share all three."""
    if name.startswith("lsh"):
        return _LSH, "circle" if name == "lsh-sketch" else "circle-open", "solid"
    if name in _EXACT:
        return _INK, _EXACT[name], "dot"
    position = [n for n in names if not n.startswith("lsh") and n not in _EXACT].index(name)
    return _COLOURS[position % 6], _MARKERS[position % 7], _DASHES[position % 4]


def _hover(point: Point) -> str:
    settings = ", ".join(f"{name} {value}" for name, value in settings_of(point).items())
    return f"recall {point.recall:.1%}, {point.qps:,.0f} queries/s<br>{settings}<br>{point.index_mb:,.1f} MB"


def _label_heights(lines: dict[str, list[Point]]) -> dict[str, float]:
    """Return log10 of each label's height: the end of its line, or a little above the label below it."""
    ends = sorted((log10(points[-1].qps), name) for name, points in lines.items())
    gap = _LABEL_GAP * max(1.0, ends[-1][0] - ends[0][0]) if ends else 0.0
    heights: dict[str, float] = {}
    lowest = -inf
    for height, name in ends:
        heights[name] = max(height, lowest)
        lowest = heights[name] + gap
    return heights
