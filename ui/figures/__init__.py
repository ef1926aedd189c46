"""Plotly figures as pure functions of arrays: no Streamlit, no files, no clock."""

from ui.figures.marks import Grid, setting
from ui.figures.palette import Mode
from ui.figures.recall_cost import HEIGHT as TRADE_OFF_HEIGHT
from ui.figures.recall_cost import Cost, candidate_cost, time_cost, trade_off
from ui.figures.recall_grid import contour_end, recall_grid
from ui.figures.theory import parity, predicted_beside_measured

__all__ = [
    "TRADE_OFF_HEIGHT",
    "Cost",
    "Grid",
    "Mode",
    "candidate_cost",
    "contour_end",
    "parity",
    "predicted_beside_measured",
    "recall_grid",
    "setting",
    "time_cost",
    "trade_off",
]
