"""What takes seconds to measure: made when somebody asks for it, piece by piece, and kept for all visitors."""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

import streamlit as st

from lsh import LSHError
from ui import turns
from ui.text import plain

T = TypeVar("T")

SHARED = "Somebody asked a moment before you, so you share it."


class Pieces(Generic[T]):
    """Named pieces of one measurement. One left in the middle keeps what is made, and goes on from there."""

    def __init__(self) -> None:
        self._made: dict[str, T] = {}
        self._at = 0.0, ""  # the share done and the piece being made, for all who wait for it
        self._lock = threading.Lock()

    def of(self, names: Sequence[str]) -> dict[str, T] | None:
        """Return the pieces of these names; None unless all are made."""
        return {name: self._made[name] for name in names} if set(names) <= set(self._made) else None

    def make(self, makers: Mapping[str, Callable[[], T]], progress: Callable[[float, str], object]) -> dict[str, T]:
        """Make what is missing, telling `progress` the share done (0 to 1) and what is being made, by whomever."""

        def tell(more: str = "") -> None:
            share, name = self._at
            progress(share, f"{name}…{more}")

        with turns.turn(self._lock, lambda: tell(f" {SHARED}")):
            for done, (name, maker) in enumerate(makers.items()):
                if name not in self._made:
                    self._at = done / len(makers), name
                    tell()
                    self._made[name] = maker()
            return {name: self._made[name] for name in makers}


def ask_for(
    pieces: Pieces[T], makers: Mapping[str, Callable[[], T]], invitation: str, label: str, key: str
) -> dict[str, T] | None:
    """Return the pieces if they are made; else invite, and make them when the button is pressed."""
    made = pieces.of(list(makers))
    if made is not None:
        return made
    whole = st.empty()
    with whole.container(border=True, key=key):
        st.markdown(invitation)
        button, place = st.columns([2, 5], gap="medium", vertical_alignment="center")
        if not button.button(label, key=f"{key} button", width="stretch"):
            return None
        bar = place.progress(0.0, label)
        try:
            made = pieces.make(makers, lambda share, doing: bar.progress(share, plain(f"{label}: {doing}")))
        except LSHError as error:
            place.error(plain(error, longest=1000))
            return None
    whole.empty()
    return made
