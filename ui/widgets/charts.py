"""Charts and tables of numbers, drawn the same on every page."""

import re

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

BESIDE = (5, 2)  # relative widths of a chart and of the numbers beside it
_UNIT = re.compile(r"(?<=\d) (?=%|ms|MB)")
STATIC = {"displayModeBar": False, "scrollZoom": False, "doubleClick": False}


def draw(figure: go.Figure, alt: str, key: str | None = None) -> None:
    """Draw a chart; `alt` describes it to screen readers."""
    st.plotly_chart(figure, alt=alt, config=STATIC, height=int(figure.layout.height), key=key)


def draw_table(table: pd.DataFrame) -> None:
    """Draw a small table of numbers, in which no line breaks between a number and its unit."""
    st.table(table.map(lambda cell: _UNIT.sub("\u00a0", str(cell))), border="horizontal", hide_index=True)
