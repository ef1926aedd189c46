"""Keys of the session state, and moves of sliders by the app."""

import ast

import pytest
from streamlit.testing.v1 import AppTest

from tests.meta.sources import trees
from ui.model import session


def test_only_ui_model_session_uses_st_session_state():
    of_the_app = {name: tree for name, tree in trees().items() if name.split(".")[0] in {"ui", "app"}}
    using = {
        name
        for name, tree in of_the_app.items()
        if any(getattr(node, "attr", "") == "session_state" for node in ast.walk(tree))
    }
    assert using == {"ui.model.session"}


def test_names_of_keys_are_unique():
    names = [value.name for value in vars(session).values() if isinstance(value, session.Key)]
    assert len(names) == len(set(names))
    assert {key.name for key in session.SETTINGS} <= set(names)


def _page_with_moves():
    import streamlit as st

    from ui.model import session

    session.repeat_moves(by_back="back" in st.query_params)
    st.button("move", key="move", on_click=session.move_sliders, kwargs={"n_tables": 20})
    st.slider("L", 1, 32, 5, key="L", bind="query-params")


@pytest.fixture(params=["2", None])
def moved(request):
    """Return a page whose app has moved L to 20, the URL parameter L before, and its value."""
    app = AppTest.from_function(_page_with_moves)
    if request.param:
        app.query_params["L"] = request.param
    app.run()
    before = app.slider(key="L").value
    assert before == int(request.param or 5)
    app.button(key="move").click().run()
    assert app.slider(key="L").value == 20
    return app, request.param, before


def _send_late(app, linked, value):
    """Send what the browser sends while it does not know of the move yet."""
    if linked is None:
        app.query_params.pop("L", None)
    else:
        app.query_params["L"] = linked
    return app.slider(key="L").set_value(value).run()


def test_late_messages_do_not_undo_a_move(moved):
    for _ in range(2):
        assert _send_late(*moved).slider(key="L").value == 20


def test_a_visitor_can_move_a_slider_back_after_the_app_moved_it(moved):
    app, _, before = moved
    assert _send_late(app, "20", before).slider(key="L").value == before
    assert app.run().slider(key="L").value == before


def test_a_visitor_can_move_a_slider_elsewhere_before_the_browser_knows_of_a_move(moved):
    app, linked, _ = moved
    assert _send_late(app, linked, 9).slider(key="L").value == 9


def test_the_back_button_undoes_a_move(moved):
    app, linked, before = moved
    app.query_params["back"] = "1"
    assert _send_late(app, linked, before).slider(key="L").value == before


def _page_that_runs_again():
    import streamlit as st
    from streamlit.runtime.scriptrunner import RerunData, get_script_run_ctx

    from ui.model import session

    if "ran" not in st.session_state:
        st.session_state["ran"] = True
        run = get_script_run_ctx()
        if "pressed" in st.query_params:  # a link, while this page runs
            run.script_requests.request_rerun(RerunData("page=other", page_script_hash=run.page_script_hash))
        session.rerun()
    st.write(f"page: {st.query_params.get('page')}")


@pytest.mark.parametrize(("pressed", "shown"), [(True, "page: other"), (False, "page: None")])
def test_the_page_runs_again_unless_a_link_was_pressed_meanwhile(pressed, shown):
    app = AppTest.from_function(_page_that_runs_again)
    if pressed:
        app.query_params["pressed"] = "1"
    assert [element.value for element in app.run().markdown] == [shown]
