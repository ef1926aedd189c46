"""Two steps about the collection: how unevenly buckets fill, with the clips that are near to many; and centring."""

import numpy as np
import streamlit as st

from data_prep.dataset import Dataset
from lsh import LSHIndex, inspecting
from lsh.sampling import evenly_spaced
from ui import clip_list
from ui import inside_lessons as words
from ui.charts import draw
from ui.clip_list import Entry
from ui.figures.crowding import Crowd, bucket_ranks
from ui.figures.marks import Ints
from ui.inside_view import View, choose_table
from ui.inside_words import many
from ui.state import K_NEIGHBOURS

MOST_HUBS = 5
MOST_ASKED = 1000  # validation sounds whose neighbours are counted,
WORK = 20_000_000  # fewer where there are many clips to compare them with


def crowds(view: View) -> None:
    """Draw the sizes of one table's buckets, and the clips that are among the nearest of the most sounds."""
    s, index = view.s, view.context.index
    said, choice = st.columns([4, 1], gap="large")
    with choice:
        table = choose_table(view)
    sizes = inspecting.bucket_sizes(index, table, s.n_bits)
    own = len(inspecting.walk(index, view.query, table + 1, s.n_bits)[table][0].ids)
    even = index.n / 2**s.n_bits if s.metric == "cosine" else index.n / len(sizes)
    with said:
        st.markdown(words.crowds(s, table, sizes, own, even, index.n))
    draw(
        bucket_ranks([Crowd(f"table {table + 1}", sizes)], index.n, even, own, view.mode),
        f"Sizes of the {len(sizes):,} buckets of table {table + 1} that hold anything, from {sizes[0]:,} clips down to "
        f"{sizes[-1]:,}; your sound's holds {own:,}.",
    )
    _hubs(view)


def _hubs(view: View) -> None:
    if not view.context.dataset.n_rows("validation"):
        st.caption(words.NO_HUBS)
        return
    n, counts = _popularity((view.context.dataset.fingerprint, view.s.metric), view.context.index, view.context.dataset)
    rows = np.argsort(-counts, kind="stable")[:MOST_HUBS]
    rows = rows[counts[rows] > 1]
    st.markdown(words.hubs(n, int(counts.max(initial=0)), n * K_NEIGHBOURS / view.context.index.n))
    entries = [
        Entry(
            view.context.dataset.clip("train", int(row)),
            "found" if int(row) in view.truth else "exact",
            f"among the {K_NEIGHBOURS} nearest of {many(int(counts[row]), 'sound')} of {n:,}",
            rank=str(i + 1),
        )
        for i, row in enumerate(rows.tolist())
    ]
    clip_list.draw(view.context, "inside-hubs", "Hub clips", view.clip, entries, words.NOT_A_HUB)


@st.cache_resource(max_entries=4, show_spinner="Asking validation sounds for their nearest…")
def _popularity(key: tuple[str, str], _index: LSHIndex, _dataset: Dataset) -> tuple[int, Ints]:  # noqa: ARG001
    """Return how many validation sounds were asked, and of how many each clip is among the nearest: int64[n]."""
    most = max(50, min(MOST_ASKED, WORK // _index.n))
    asked = evenly_spaced(_dataset.features("validation"), most)
    asked = asked[np.abs(asked).max(axis=1) > 0]
    ids = _index.exact.search(asked, K_NEIGHBOURS).ids
    return len(asked), np.bincount(ids[ids >= 0], minlength=_index.n)
