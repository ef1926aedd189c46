"""A chart and its few numbers, as every page draws them."""

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from ui.figures import Mode

BESIDE = (5, 2)  # widths of a chart and of its few numbers beside it
STATIC = {"displayModeBar": False, "scrollZoom": False, "doubleClick": False}


def mode() -> Mode:
    """Return which of the two themes the visitor sees."""
    return "dark" if st.context.theme.type == "dark" else "light"


def draw(figure: go.Figure, alt: str, key: str | None = None) -> None:
    """Draw a chart, with words for those who do not see it."""
    st.plotly_chart(figure, alt=alt, config=STATIC, height=int(figure.layout.height), key=key)


def few_numbers(table: pd.DataFrame) -> None:
    """Draw a chart's few numbers."""
    st.table(table, border="horizontal", hide_index=True)
