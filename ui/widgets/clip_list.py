"""A short list of playable clips, each with its own sentence."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import streamlit as st

from data_prep.dataset import Clip
from ui.components import clip_list
from ui.model import media, session, visits
from ui.model.loading import PageContext
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
def draw(context: PageContext, key: str, name: str, query: Clip, entries: Sequence[Entry], empty: str = "") -> None:
    """Draw the list under the component key `key`; a press on "Find similar" makes a clip the query.

    name: for screen readers; empty: the text shown without entries.
    """
    data = {
        "name": name,
        "cards": {entry.clip.clip_id: _card(context, query, entry) for entry in entries},
        "order": list(dict.fromkeys(entry.clip.clip_id for entry in entries)),
        "empty": empty,
        "room": max(1, len(entries)),
        "collection": context.dataset.fingerprint[:16],
        "looks": _looks(context, key, entries),
        "sound": events.requested_sound(context, key),
    }
    clip_list(
        key=key,
        data=data,
        **events.card_events(key, lambda to: visits.follow(to, query.clip_id)),
    )
    events.rerun_if_moved()


def _looks(context: PageContext, key: str, entries: Sequence[Entry]) -> dict[str, list[int]]:
    """Return the requested waveforms; of a single entry at once, since Streamlit runs one fragment at a time."""
    if len(entries) == 1:
        return {entry.clip.clip_id: media.peaks(context.dataset, entry.clip, media.CARD_BARS) for entry in entries}
    return events.requested_waveforms(context, key)


def _card(context: PageContext, query: Clip, entry: Entry) -> dict[str, object]:
    near = (
        cards.nearness(context, entry.distance)
        if entry.distance is not None
        else {"value": "", "share": 0, "words": ""}
    )
    nothing_shared = replace(query, labels=())
    beside = nothing_shared if entry.kind == "query" else query
    about = cards.clip_data(context.dataset, entry.clip, beside, entry.clip.clip_id in session.GONE.get())
    return {
        **about,
        "kind": entry.kind,
        "rank": entry.rank,
        "aside": "",
        "near": near,
        "how": entry.words,
        "why": entry.why,
        "open": bool(entry.why),
    }
