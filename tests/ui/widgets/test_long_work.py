"""Long work that a press starts, through runs that are interrupted."""

from streamlit.testing.v1 import AppTest


def page():
    import streamlit as st
    from streamlit.runtime.scriptrunner_utils.exceptions import RerunException
    from streamlit.runtime.scriptrunner_utils.script_requests import RerunData

    from ui.widgets import long_work

    state = st.session_state
    state.setdefault("tries", 0)
    of = state.setdefault("of", "a")

    def work():
        state["tries"] += 1
        if state["tries"] <= state.get("interruptions", 2):
            raise RerunException(RerunData())
        if state.get("fails"):
            raise RuntimeError("the work fails")
        return f"made after {state['tries']} tries"

    st.button("Work", on_click=long_work.request, args=("work", of))
    st.button("Forget", on_click=long_work.forget, args=("work",))
    st.text(f"{long_work.is_requested('work', of)}, {long_work.result('work', of, work)}")


def opened():
    """Return the page, drawn once."""
    return AppTest.from_function(page).run()


def test_work_that_was_interrupted_is_done_by_the_next_run_and_its_result_is_kept():
    at = opened()
    assert at.text[0].value == "False, None"
    at.button[0].click().run()
    assert at.text[0].value == "True, made after 3 tries"
    at.run()
    assert at.text[0].value == "False, made after 3 tries"
    at.button[0].click().run()
    assert at.text[0].value == "True, made after 4 tries"
    at.button[1].click().run()
    assert at.text[0].value == "False, None"


def test_work_about_something_else_is_not_done_and_its_result_is_not_shown():
    at = opened()
    at.button[0].click().run()
    at.session_state["of"] = "b"
    at.run()
    assert at.text[0].value == "False, None"
    assert at.session_state["tries"] == 3


def test_an_exception_ends_the_request():
    at = opened()
    at.session_state["fails"] = True
    at.button[0].click().run()
    assert at.exception
    at.run()
    assert not at.exception
    assert at.text[0].value == "False, None"
