"""Tune: clicks on the heat map; a click on a cell moves the sliders L and K."""

from typing import Any

from ui.components import heat_cells
from ui.model import session
from ui.model.state import MAX_BITS, MAX_TABLES
from ui.widgets import events

CHART = "cells"  # the key of the container that holds the heat map
_KEY = "cell clicks"
HINT = "Click a cell to go there, or move the sliders L and K."


def handle() -> None:
    """Handle clicks on the heat map in the container `CHART`, and draw the hint under it."""
    heat_cells(key=_KEY, data={"within": CHART, "hint": HINT}, on_cell_change=events.on(_KEY, "cell", go))


def go(cell: Any) -> None:
    """Move the sliders to a cell, [L, K], as the browser sent it; ignore anything else."""
    if isinstance(cell, list) and len(cell) == 2 and all(type(value) is int for value in cell):
        n_tables, n_bits = cell
        if 1 <= n_tables <= MAX_TABLES and 1 <= n_bits <= MAX_BITS:
            session.move_sliders(n_tables=n_tables, n_bits=n_bits)
