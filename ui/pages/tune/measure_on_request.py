"""Measurements on request: made part by part when a visitor presses a button, and cached for all visitors."""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import streamlit as st

from lsh import LSHError
from ui.model import exclusive
from ui.model.text import plain
from ui.widgets import long_work

T = TypeVar("T")

SHARED = "Somebody else started this measurement; you share its result."
WAITS = "It begins when another measurement or race is done."


class Parts(Generic[T]):
    """Named parts of one measurement. After an interruption the parts made are kept; the next call makes the rest."""

    def __init__(self) -> None:
        self._made: dict[str, T] = {}
        self._at = 0.0, ""  # fraction done and part being made, shown to all who wait
        self._lock = threading.Lock()

    def of(self, names: Sequence[str]) -> dict[str, T] | None:
        """Return the parts of these names; None unless all are made."""
        return {name: self._made[name] for name in names} if set(names) <= set(self._made) else None

    def make(self, makers: Mapping[str, Callable[[], T]], progress: Callable[[float, str], object]) -> dict[str, T]:
        """Make the parts that are missing; `progress` gets the fraction done and the part now being made."""

        def tell(more: str = "") -> None:
            share, name = self._at
            progress(share, f"{name}…{more}")

        with exclusive.hold(self._lock, lambda: tell(f" {SHARED}")):
            for done, (name, maker) in enumerate(makers.items()):
                if name not in self._made:
                    self._at = done / len(makers), name
                    tell()
                    with exclusive.hold(exclusive.MEASURING, lambda: tell(f" {WAITS}")):
                        self._made[name] = maker()
            return {name: self._made[name] for name in makers}


def on_request(
    key: str, index: tuple[object, ...], makers: Mapping[str, Callable[[], T]], label: str
) -> dict[str, T] | None:
    """Return the parts of a measurement if they are made; else draw a button that makes them, and runs the page again.

    `key` and `index` name the measurement and what it is made of; visitors who measure the same share the parts.
    """
    parts: Parts[T] = _parts((key, *index))
    made = parts.of(list(makers))
    if made is not None:
        long_work.forget(key)
        return made
    with st.container(border=True, key=key):  # in `st.empty` each run would replace the button, and lose a press
        button, place = st.columns([2, 5], gap="medium", vertical_alignment="center")
        button.button(label, key=f"{key} button", width="stretch", on_click=long_work.request, args=(key, index))

        def make() -> None:
            bar = place.progress(0.0, label)
            parts.make(makers, lambda share, doing: bar.progress(share, plain(f"{label}: {doing}")))

        problem = long_work.problem(key, index, make, LSHError)
        if problem:
            place.error(plain(problem, longest=1000))
    return long_work.finish(key) if problem == "" else None


@st.cache_resource(max_entries=24, show_spinner=False)
def _parts(key: tuple[object, ...]) -> Parts[Any]:  # noqa: ARG001  (the key)
    return Parts()
