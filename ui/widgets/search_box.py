"""Search box for a sound: by label, file name or part of an id, with a list of the hits; or at random."""

from functools import partial

import streamlit as st

from data_prep.dataset import Clip, Dataset
from ui.components import suggestions
from ui.format import plural
from ui.model import clip_search, media, session, visits
from ui.model.clip_search import MAX_TEXT, Hits
from ui.model.loading import DatasetContext, splits_to_start_in
from ui.model.text import clean, plain
from ui.widgets import clip_list
from ui.widgets.clip_list import Entry

LISTED = 10  # hits that are listed at first, and that each "Show more" adds
_KEY = "search-box"


def box(context: DatasetContext, query: Clip) -> None:
    """Draw the search box, the button for a random sound, and the clips that the text names."""
    dataset = context.dataset
    with st.container(key=_KEY):
        search, surprise = st.columns([3, 2], gap="small", vertical_alignment="bottom")
        search.text_input(
            "Find a sound",
            key=session.SEARCH_TEXT.name,
            placeholder="a label, a file name or an id" if dataset.media == "file" else "a label or an id",
            label_visibility="collapsed",
            on_change=_follow_only_hit,
            args=(dataset, query),
        )
        suggestions(key="search-suggestions", data={"box": f"st-key-{_KEY}", "names": _labels(dataset)})
        text = (session.SEARCH_TEXT.get() or "").strip()
        hits = clip_search.find(dataset, text)
        surprise.button(
            "Any of them" if hits.total else "Surprise me",
            on_click=_surprise,
            args=(dataset, query, hits),
            width="stretch",
            help="A sound drawn at random" + (f", of those that match “{plain(text, 40)}”." if hits.total else "."),
        )
    if hits.total:
        _list(context, query, text, hits)
    elif text:
        st.caption(f"Nothing here is called “{plain(text, 60)}”: no label, no file and no id. Or press Surprise me.")


def _list(context: DatasetContext, query: Clip, text: str, hits: Hits) -> None:
    dataset = context.dataset
    of, beyond = session.MORE_HITS.get()
    shown = min(hits.total, LISTED + (beyond if of == text else 0))
    part = f"; the first {shown} of them" if shown < hits.total else ""
    with st.container(key="search-hits", gap="small"):
        verb = "matches" if hits.total == 1 else "match"
        st.markdown(f"**{plural(hits.total, 'clip')} {verb} “{plain(text, 60)}”**{part}")
        clips = [hits.clip(dataset, i) for i in range(shown)]
        entries = [Entry(clip, "candidate", media.origin(dataset, clip)) for clip in clips]
        clip_list.draw(
            context,
            "hits",
            "Clips that match",
            query,
            entries,
            move=lambda to: _choose(to, query),
            hides_unplayable=visits.hides_unplayable(),
        )
        with st.container(horizontal=True):
            if shown < hits.total:
                more = min(LISTED, hits.total - shown)
                st.button(f"Show {more} more", on_click=session.MORE_HITS.set, args=((text, shown),))
            st.button("Close the list", on_click=session.SEARCH_TEXT.set, args=("",))


def _follow_only_hit(dataset: Dataset, query: Clip) -> None:
    """Make the clip that the text names the query, if it names one alone."""
    text = (session.SEARCH_TEXT.get() or "").strip()
    clip = dataset.find_clip(text[:MAX_TEXT])
    hits = clip_search.find(dataset, text)
    if clip is None and hits.total == 1:
        clip = hits.clip(dataset, 0)
    if clip:
        _choose(clip.clip_id, query)


def _choose(to: str, query: Clip) -> None:
    session.SEARCH_TEXT.set("")
    visits.follow(to, query.clip_id)


def _surprise(dataset: Dataset, query: Clip, hits: Hits) -> None:
    clip = visits.random_of(hits.total, partial(hits.clip, dataset)) if hits.total else visits.random_clip(dataset)
    if clip:
        visits.follow(clip.clip_id, query.clip_id)


@st.cache_resource(max_entries=8, show_spinner=False)
def _names(fingerprint: str, _dataset: Dataset) -> list[str]:  # noqa: ARG001  (the key)
    """Return the labels that clips have, in alphabetical order."""
    counts = [_dataset.label_counts(split) for split in splits_to_start_in(_dataset)]
    return sorted(clean(name, 80) for i, name in enumerate(_dataset.label_names) if any(split[i] for split in counts))


def _labels(dataset: Dataset) -> list[str]:
    return _names(fingerprint=dataset.fingerprint, _dataset=dataset)
