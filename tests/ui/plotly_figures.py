"""Plotly's own figures of those that `ui.figures` describes: they raise ValueError for what Plotly does not know."""

from functools import wraps

import plotly.graph_objects as go


def checked(function):
    """Return a function of `ui.figures` that returns Plotly's own figure."""

    @wraps(function)
    def made(*given, **options):
        return go.Figure(function(*given, **options).to_dict())

    return made
