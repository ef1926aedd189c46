"""Events that come twice, late, or out of order."""

import pytest
import streamlit as st

from ui.model import session, visits
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


@pytest.mark.usefixtures("handled")
@pytest.mark.parametrize("sent", [None, "video-00001", {"video-00001": 100}, 7])
def test_what_is_no_list_of_videos_changes_nothing_that_is_known_of_them(sent):
    events._store_unplayable(["video-00001"])
    events._store_unplayable(sent)
    assert session.UNPLAYABLE.get() == {"video-00001"}


@pytest.mark.usefixtures("handled")
@pytest.mark.parametrize("sent", [None, ["a"], {"dataset": "mine"}, {"ids": ["a"]}, {"dataset": 1, "ids": ["a"]}])
def test_what_names_no_collection_and_clips_changes_nothing_that_is_hidden(sent):
    events._store_hidden({"dataset": "mine", "ids": ["a", 5, None, "b" * 201]})
    events._store_hidden(sent)
    assert session.HIDDEN.get() == ("mine", {"a"})
    assert visits.hidden("mine") == {"a"}
    assert visits.hidden("other") == frozenset()


@pytest.mark.usefixtures("handled")
def test_only_ids_of_videos_are_taken_from_the_browser_and_no_more_than_it_remembers():
    events._store_unplayable(["video-00001", "short", "video-00001<", "video-000é1", 5, None, ["video-00002"]])
    assert session.UNPLAYABLE.get() == {"video-00001"}
    events._store_unplayable([f"video-{i:05}" for i in range(events.MAX_UNPLAYABLE + 20)])
    assert len(session.UNPLAYABLE.get()) == events.MAX_UNPLAYABLE
