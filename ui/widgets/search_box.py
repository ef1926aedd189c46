"""Search box for a sound: by label, by clip id, or at random."""

import streamlit as st

from data_prep.dataset import Dataset
from ui.model import session, visits
from ui.model.loading import splits_to_start_in
from ui.model.text import clean, plain


def box(dataset: Dataset) -> None:
    """Draw the search box and the button for a random sound."""
    names = _labels_by_name(dataset.fingerprint, dataset)
    search, surprise = st.columns([3, 2], gap="small", vertical_alignment="bottom")
    search.selectbox(
        "Find a sound",
        list(names),
        index=None,
        key=session.SEARCH_TEXT.name,
        format_func=clean,
        placeholder="search a label or id",
        accept_new_options=True,
        label_visibility="collapsed",
        on_change=_find,
        args=(dataset,),
    )
    chosen = names.get(session.SEARCH_TEXT.get() or "")
    surprise.button(
        "Another one" if chosen is not None else "Surprise me",
        on_click=_surprise,
        args=(dataset, chosen),
        width="stretch",
        help="A sound drawn at random" + (" with this label." if chosen is not None else "."),
    )
    if note := session.NOT_FOUND.pop():
        st.caption(
            f"No label and no clip is called “{plain(note, 60)}”. Pick a label from the list, or press Surprise me."
        )


def _find(dataset: Dataset) -> None:
    text = (session.SEARCH_TEXT.get() or "").strip()
    label = _labels_by_name(dataset.fingerprint, dataset).get(text)
    clip = visits.random_clip(dataset, label) if label is not None else dataset.find_clip(text[:120])
    if clip:
        visits.start_at(clip.clip_id)
    elif text:
        session.NOT_FOUND.set(text)


def _surprise(dataset: Dataset, label: int | None) -> None:
    if clip := visits.random_clip(dataset, label):
        visits.start_at(clip.clip_id)


@st.cache_resource(max_entries=8, show_spinner=False)
def _labels_by_name(fingerprint: str, _dataset: Dataset) -> dict[str, int]:  # noqa: ARG001  (the key)
    """Return the labels of the split that sounds are chosen from, in alphabetical order: name to label number."""
    split = next((split for split in splits_to_start_in(_dataset) if _dataset.n_rows(split)), "train")
    counts = _dataset.label_counts(split)
    return dict(sorted((name, i) for i, name in enumerate(_dataset.label_names) if counts[i]))
