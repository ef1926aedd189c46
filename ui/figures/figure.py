"""Figures as plain dictionaries of Plotly's JSON: Plotly's own objects, which check every value, take long to make."""

import base64
import json
from typing import Any

import numpy as np

Trace = dict[str, Any]


def trace(kind: str, **values: object) -> Trace:
    """Return a trace of a kind that Plotly names: scatter, bar, heatmap, contour."""
    return {"type": kind, **values}


class Figure:
    """A figure: its traces `data` and its `layout`, as Plotly's reference names what they hold.

    Nothing is checked here; the tests make Plotly's own figure of each, which raises ValueError for what Plotly does
    not know.
    """

    def __init__(self, layout: dict[str, Any]) -> None:
        self.data: list[Trace] = []
        self.layout: dict[str, Any] = layout

    def add_trace(self, trace: Trace) -> None:
        """Draw a trace on top of those before."""
        self.data.append(trace)

    def update_xaxes(self, **values: object) -> None:
        """Set values of the x axis."""
        self.layout["xaxis"].update(values)

    def update_yaxes(self, **values: object) -> None:
        """Set values of the y axis."""
        self.layout["yaxis"].update(values)

    def add_shape(self, **shape: object) -> None:
        """Draw a shape."""
        self.layout.setdefault("shapes", []).append(shape)

    def add_hline(self, y: float, line: dict[str, object]) -> None:
        """Draw a line across the figure at y."""
        self.add_shape(line=line, type="line", x0=0, x1=1, xref="x domain", y0=y, y1=y, yref="y")

    def add_vline(self, x: float, line: dict[str, object]) -> None:
        """Draw a line from the bottom to the top of the figure at x."""
        self.add_shape(line=line, type="line", x0=x, x1=x, xref="x", y0=0, y1=1, yref="y domain")

    def add_vrect(self, x0: float, x1: float, fillcolor: str, opacity: float) -> None:
        """Draw a rectangle from the bottom to the top of the figure, below the traces."""
        across = {"type": "rect", "y0": 0, "y1": 1, "xref": "x", "yref": "y domain", "layer": "below"}
        self.add_shape(x0=x0, x1=x1, fillcolor=fillcolor, opacity=opacity, line={"width": 0}, **across)

    def add_annotation(self, **annotation: object) -> None:
        """Write a text."""
        self.layout.setdefault("annotations", []).append(annotation)

    def to_dict(self) -> dict[str, Any]:
        """Return the figure as Plotly's constructor takes it, with the arrays it was made of."""
        return {"data": self.data, "layout": self.layout}

    def to_json(self) -> str:
        """Return the figure as Plotly's JSON, in which a number that is not finite is null."""
        try:
            return json.dumps(self.to_dict(), default=_encoded, allow_nan=False)
        except ValueError:
            text = json.dumps(self.to_dict(), default=_encoded)
            return json.dumps(json.loads(text, parse_constant=lambda _: None))


def _encoded(value: Any) -> Any:
    """Return an array of floats as Plotly's typed array, any other and a number of NumPy's as Python's."""
    if isinstance(value, np.ndarray) and value.dtype in (np.float32, np.float64) and value.size:
        text = base64.b64encode(value.tobytes()).decode()
        shape = {"shape": ", ".join(map(str, value.shape))} if value.ndim > 1 else {}
        return {"dtype": f"f{value.itemsize}", "bdata": text, **shape}
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is not a value of a figure")
