"""The clip and the trail in the URL, where an event of the browser brings an older URL."""

import pytest
import streamlit as st
from streamlit.runtime.scriptrunner import RerunData, RerunException

from ui.model import visits


class Parameters(dict):
    """URL parameters as Streamlit has them. A run that is waiting is started in place of sending them."""

    def __init__(self, url):
        super().__init__(url)
        self.sent, self.waiting = [], []

    def to_dict(self):
        return dict(self)

    def update(self, values):
        super().update(values)
        if self.waiting:
            raise RerunException(self.waiting.pop())
        self.sent.append(self.to_dict())


@pytest.fixture
def browser(monkeypatch):
    """Return a function that runs a page with the URL that the browser has sent."""
    monkeypatch.setattr(st, "session_state", {})

    def run(page, *, by_back=False, **url):
        monkeypatch.setattr(st, "query_params", Parameters(url))
        visits.carry_link(page, by_back=by_back)

    return run


def test_a_late_event_with_an_older_url_changes_neither_clip_nor_collection(browser):
    browser("listen", dataset="own", clip="a")
    visits.follow("b", "a")
    browser("listen", dataset="own", clip="a")
    assert visits.link() == {"dataset": "own", "clip": "b", "trail": "a"}
    browser("listen")
    assert visits.link() == {"dataset": "own", "clip": "b", "trail": "a"}
    visits.follow("c", "b")
    assert visits.link()["trail"] == "a*b"


def test_a_run_that_waits_is_started_after_the_url_is_sent(browser):
    browser("listen", dataset="own")
    waiting = RerunData(page_script_hash="waits")
    st.query_params.waiting.append(waiting)
    with pytest.raises(RerunException) as interrupted:
        visits.write_link(view="exact")
    assert interrupted.value.rerun_data is waiting
    assert st.query_params.sent == [{"dataset": "own", "view": "exact"}]


def test_a_url_that_did_not_reach_the_browser_is_sent_again_and_one_that_did_is_not(browser):
    browser("listen", clip="a", view="missed", find="label=Bell")
    visits.write_link(view="exact", find=None)
    wanted = {"clip": "a", "view": "exact"}
    browser("listen", clip="a", view="missed", find="label=Bell", L="9")
    assert st.query_params.sent == [{**wanted, "find": "", "L": "9"}]
    browser("listen", **wanted, L="9")
    assert st.query_params.sent == []
    st.query_params["view"] = "missed"  # as a fragment's event has it, which `carry_link` does not see
    visits.restore_link()
    assert st.query_params.sent == [{**wanted, "L": "9"}]


def test_a_value_is_sent_that_an_old_url_has_too(browser):
    browser("listen", view="found")
    visits.write_link(view="exact")
    browser("listen", view="found")  # of an event that was sent before the browser knew of it
    st.query_params.sent.clear()
    st.query_params["view"] = "found"
    visits.write_link(view="found")
    assert st.query_params.sent == [{"view": "found"}]
    visits.write_link(view="found")
    assert len(st.query_params.sent) == 1


def test_a_step_back_sends_its_url_again_since_a_message_may_come_after_it(browser):
    browser("listen", view="found")
    visits.write_link(view="exact")
    browser("listen", view="found", by_back=True)
    assert st.query_params.sent == [{"view": "found"}]
    assert visits.link() == {"view": "found"}


def test_the_back_button_returns_to_the_url_before(browser):
    browser("listen", dataset="own", clip="a")
    visits.follow("b", "a")
    browser("listen", dataset="own", clip="a", by_back=True)
    assert visits.link() == {"dataset": "own", "clip": "a"}


def test_another_page_keeps_what_its_link_does_not_name(browser):
    browser("listen", dataset="own", clip="a", view="exact")
    browser("map", clip="b", K="5")
    assert visits.link() == {"dataset": "own", "clip": "b", "view": "exact", "K": "5"}
    assert st.query_params == {"dataset": "own", "clip": "b", "view": "exact", "K": "5"}


def test_what_cannot_be_played_stays_hidden_after_a_late_event_and_on_another_page(browser):
    browser("listen", dataset="own")
    visits.hide_unplayable(hide=True)
    browser("listen", dataset="own")
    assert visits.hides_unplayable()
    browser("ask")
    assert visits.hides_unplayable()
    assert st.query_params["hide"] == "unplayable"
    visits.hide_unplayable(hide=False)
    browser("listen", hide="unplayable")
    assert visits.hides_unplayable()  # another page's link decides
    visits.hide_unplayable(hide=False)
    assert not visits.hides_unplayable()
