"""The app as a whole: what it does when another page opens."""

from streamlit.runtime.fragment import MemoryFragmentStorage
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData

from tests.ui.apptest import words
from ui.model import visits


def test_an_event_of_the_page_before_that_waits_is_dropped_when_another_page_opens(sounds, app, monkeypatch):
    """Streamlit would run it after the page, under the page before, and the browser would empty the page."""
    run, looked_up = [], []
    carry_link, lookup = visits.carry_link, MemoryFragmentStorage.lookup

    def carry_while_an_event_comes(page, *, by_back):
        context = get_script_run_ctx()
        if not run:
            context.script_requests.request_rerun(RerunData(fragment_id="late", page_script_hash="the page before"))
        run.append(page)
        return carry_link(page, by_back=by_back)

    def note(self, fragment_id):
        looked_up.append(fragment_id)
        return lookup(self, fragment_id)

    monkeypatch.setattr(visits, "carry_link", carry_while_an_event_comes)
    monkeypatch.setattr(MemoryFragmentStorage, "lookup", note)
    app.session_state["page"] = "ask"
    app.run()
    assert not app.exception
    assert "Hear what sounds alike" in words(app)
    assert run == ["", ""]
    assert "late" not in looked_up
