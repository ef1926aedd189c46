"""A short list of playable clips, each with its own sentence."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import streamlit as st

from data_prep.dataset import Clip
from ui.components import clip_list
from ui.model import visits
from ui.model.loading import DatasetContext
from ui.widgets import cards, events

Kind = Literal["query", "found", "missed", "candidate", "exact"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A clip of the list: its kind of mark, a few words, its distance, and `why`, a text that can be folded."""

    clip: Clip
    kind: Kind
    words: str
    distance: float | None = None
    why: str = ""  # unfolded at first
    rank: str = ""


@st.fragment
def draw(
    context: DatasetContext,
    key: str,
    name: str,
    query: Clip,
    entries: Sequence[Entry],
    empty: str = "",
    move: Callable[[str], None] | None = None,
    *,
    hides_unplayable: bool = False,
) -> None:
    """Draw the list under the component key `key`; a press on "Find similar" makes a clip the query.

    name: for screen readers; empty: the text shown without entries; move: what makes the clip of an id the query, by
    default `visits.follow`; hides_unplayable: whether clips whose videos cannot be played are left out, and counted.
    """
    data: dict[str, object] = {
        "name": name,
        "query": query.clip_id,
        "cards": {entry.clip.clip_id: _card(context, query, entry) for entry in entries},
        "order": list(dict.fromkeys(entry.clip.clip_id for entry in entries)),
        "empty": empty,
        "min_cards": max(1, len(entries)),
        "hides_unplayable": hides_unplayable,
    }
    events.draw(clip_list, key, context, data, moves={"query": move or (lambda to: visits.follow(to, query.clip_id))})


def _card(context: DatasetContext, query: Clip, entry: Entry) -> dict[str, object]:
    beside = replace(query, labels=()) if entry.kind == "query" else query  # no label of the query is shared with it
    details = {"kind": entry.kind, "rank": entry.rank, "explanation": entry.why, "open": bool(entry.why)}
    return cards.card(context, entry.clip, beside, entry.words, entry.distance, **details)
