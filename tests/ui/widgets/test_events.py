"""Events that come twice, late, or out of order."""

import pytest
import streamlit as st

from ui.widgets import events


@pytest.fixture
def handled(monkeypatch):
    """Return the values that were handled, and a function that lets an event of a kind of press arrive."""
    monkeypatch.setattr(st, "session_state", {})
    values = []

    def arrive(value, press, kind="move"):
        st.session_state["list"] = {"query": {"value": value, "press": press}}
        events.on("list", "query", events._once(kind, values.append))()

    return values, arrive


def test_a_press_that_comes_twice_is_handled_once(handled):
    values, arrive = handled
    arrive("a", 1)
    arrive("a", 1)
    assert values == ["a"]


def test_a_press_that_comes_after_a_later_one_of_its_kind_is_ignored(handled):
    values, arrive = handled
    arrive("later", 5)
    arrive("earlier", 4)
    arrive("exact", 3, kind="view")
    assert values == ["later", "exact"]


def test_an_event_of_a_page_that_was_left_is_ignored(handled):
    values, _ = handled
    events.on("list", "query", events._once("move", values.append))()
    assert values == []
