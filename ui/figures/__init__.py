"""Plotly figures as pure functions of arrays: no Streamlit, no files, no clock."""
