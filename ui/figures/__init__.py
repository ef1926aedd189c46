"""Charts as pure functions of arrays: no Streamlit, no files, no clock."""

from ui.figures.curves import HEIGHT as TRADE_OFF_HEIGHT
from ui.figures.curves import Cost, looked_at, time_taken, trade_off
from ui.figures.heat import contour_end, heat_map
from ui.figures.marks import Grid, percent, setting
from ui.figures.palette import Mode
from ui.figures.theory import parity, predicted_beside_measured

__all__ = [
    "TRADE_OFF_HEIGHT",
    "Cost",
    "Grid",
    "Mode",
    "contour_end",
    "heat_map",
    "looked_at",
    "parity",
    "percent",
    "predicted_beside_measured",
    "setting",
    "time_taken",
    "trade_off",
]
