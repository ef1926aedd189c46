"""Two steps about the collection: how unevenly buckets fill, with the clips that are near to many; and centring."""

import numpy as np
import streamlit as st

from lsh import inspecting
from ui import clip_list, loading
from ui import inside_lessons as words
from ui.clip_list import Entry
from ui.figures.crowding import Crowd, bucket_ranks
from ui.inside_view import View, choose_table, draw
from ui.inside_words import many
from ui.state import K_NEIGHBOURS

MOST_HUBS = 5


def crowds(view: View) -> None:
    """Draw the sizes of one table's buckets, and the clips that are among the nearest of the most sounds."""
    s, index = view.s, view.room.index
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
    sample = loading.sample_for(view.room.dataset, view.s)
    if not len(sample.rows):
        st.caption(words.NO_HUBS)
        return
    n, counts = len(sample.rows), np.bincount(sample.truth.ids[sample.truth.ids >= 0], minlength=view.room.index.n)
    rows = np.argsort(-counts, kind="stable")[:MOST_HUBS]
    rows = rows[counts[rows] > 1]
    st.markdown(words.hubs(n, int(counts.max(initial=0)), n * K_NEIGHBOURS / view.room.index.n))
    entries = [
        Entry(
            view.room.dataset.clip("train", int(row)),
            "found" if int(row) in view.truth else "exact",
            f"among the {K_NEIGHBOURS} nearest of {many(int(counts[row]), 'sound')} of {n:,}",
            rank=str(i + 1),
        )
        for i, row in enumerate(rows.tolist())
    ]
    clip_list.draw(view.room, "inside-hubs", "Hub clips", view.clip, entries, words.NOT_A_HUB)
