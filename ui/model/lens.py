"""Lens: whether a page shows what LSH finds, or the exact neighbours alone where exact search is as fast.

It is on in large collections. In others it is off, unless the URL says `lens=on`, or names a list, L, K or probes.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import streamlit as st

from lsh.analysis.timing import same_time
from ui.model import session, setting_metrics, visits
from ui.model.loading import DatasetContext, PageContext
from ui.model.state import K_NEIGHBOURS

View = Literal["found", "exact", "missed"]  # one of the three lists
VIEWS: tuple[View, ...] = ("found", "exact", "missed")

# Clips up to which exact search is as fast as LSH at a recall of 90 %, within the spread of the times, for collections
# that have not been timed here: `python -m ui.race_cli data/sample --tables 24 --bits 6`.
SMALL = 5_000
_VALUES = {"on": True, "off": False}
_NAMES = ("view", *(key.name for key in (session.N_TABLES, session.N_BITS, session.N_PROBES)))


def is_optional(context: PageContext) -> bool:
    """Return whether exact search is as fast here as LSH at the index's default setting.

    Decided once for a collection and distance, so that no page changes while it is used: by the times of that
    setting if they are known, and differ by more than their spread; else by the number of clips.
    """
    return _is_exact_as_fast(key=f"{context.dataset.fingerprint} {context.settings.metric}", _context=context)


def is_on(context: DatasetContext) -> bool:
    """Return whether to show what LSH finds; False as long as there is no index."""
    if not isinstance(context, PageContext):
        return False
    if not is_optional(context):
        return True
    return _is_on_in(visits.link())


def open_view(context: PageContext) -> View:
    """Return the list that the URL names, by default the found or, where the lens is optional, the exact neighbours.

    Within a fragment, the URL is newer than the page's settings.
    """
    named = visits.link().get("view")
    default: View = "exact" if is_optional(context) else "found"
    return next((view for view in VIEWS if view == named), default)


def switch(*, on: bool) -> None:
    """Write into the URL whether the lens is on; without it, no list is named."""
    if on:
        visits.write_link(lens="on")
    else:
        visits.write_link(lens="off", view=None)


def switch_on_for(link: Mapping[str, str], context: PageContext) -> None:
    """Switch the lens on for a link that names a list, L, K or probes: Streamlit drops default values from it."""
    if "lens" not in link and _is_on_in(link) and is_optional(context):
        switch(on=True)


def _is_on_in(link: Mapping[str, str]) -> bool:
    return _VALUES.get(link.get("lens", ""), any(name in link for name in _NAMES))


@st.cache_resource(max_entries=64, show_spinner=False)
def _is_exact_as_fast(key: str, _context: PageContext) -> bool:  # noqa: ARG001
    default = replace(_context.settings, **_context.index.default_setting._asdict(), k=K_NEIGHBOURS, only="")
    times = setting_metrics.known_times(replace(_context, settings=default))
    if times is None or same_time(times.ms, times.exact_ms, times.spread):
        return _context.index.n <= SMALL
    return times.exact_ms < times.ms
