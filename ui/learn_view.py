"""The angles of a query to its neighbours and to all clips, and the sliders that Learn's chapters repeat."""

import numpy as np
import streamlit as st

from lsh import inspecting
from ui import query_view, state
from ui.figures.lessons import Angles
from ui.query_view import QueryView
from ui.state import Settings

_SETTING_OF = {"L": "n_tables", "K": "n_bits", "probes": "n_probes"}


def angles_of(view: QueryView) -> Angles:
    """Return the angles from the query to the clips: the first chapters are about angles, whatever the distance."""
    cosine = query_view.under(view, "cosine")
    nearest = inspecting.apart(cosine.index, cosine.query, cosine.answer.exact.rows)
    return Angles(query_view.distances(cosine), np.sort(nearest))


def slider(name: str, label: str, most: int, settings: Settings) -> int:
    """Draw a second copy of one of the sidebar's sliders; moving either moves both."""
    key, now = f"lesson {name}", int(getattr(settings, _SETTING_OF[name]))
    st.session_state[key] = now
    st.slider(label, 1, most, key=key, on_change=_follow, args=(name,))
    return now


def _follow(name: str) -> None:
    state.apply(**{_SETTING_OF[name]: int(st.session_state[f"lesson {name}"])})
