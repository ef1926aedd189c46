"""Clicks on the heat map of Tune."""

import pytest
import streamlit as st

from ui.model.session import repeat_moves
from ui.pages.tune import heat_map_clicks


@pytest.fixture
def session(monkeypatch):
    kept = {}
    monkeypatch.setattr(st, "session_state", kept)
    monkeypatch.setattr(st, "query_params", {})
    return kept


def test_a_cell_moves_both_sliders(session):
    heat_map_clicks.go([5, 12])
    repeat_moves(by_back=False)
    assert (session["L"], session["K"]) == (5, 12)


@pytest.mark.parametrize("cell", [None, 5, [5], [5, 12, 1], [0, 5], [5, 25], [33, 1], [1.5, 2], ["5", "12"], [True, 1]])
def test_a_value_that_is_no_cell_moves_no_slider(session, cell):
    heat_map_clicks.go(cell)
    assert session == {}
