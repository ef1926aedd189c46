"""Two steps about the collection: how unevenly buckets fill, with the clips that are near to many; and centring."""

import numpy as np
import streamlit as st

from data_prep.dataset import Dataset
from lsh import LSHIndex, inspecting
from lsh.sampling import evenly_spaced
from ui import clip_list
from ui.charts import draw
from ui.clip_list import Entry
from ui.figures import percent
from ui.figures.crowding import BucketSizes, bucket_ranks
from ui.figures.marks import Ints
from ui.inside_walk import choose_table
from ui.inside_words import digits, many
from ui.query_view import QueryView
from ui.state import K_NEIGHBOURS, Settings

NO_HUBS = "This collection has no validation clips, so it is not known which clips are near to many."
NOT_A_HUB = "No clip is among the nearest of more than one validation sound."
MOST_HUBS = 5
MOST_ASKED = 1000  # validation sounds whose neighbours are counted,
WORK = 20_000_000  # fewer where there are many clips to compare them with


def crowds(view: QueryView) -> None:
    """Draw the sizes of one table's buckets, and the clips that are among the nearest of the most sounds."""
    s, index = view.settings, view.index
    said, choice = st.columns([4, 1], gap="large")
    with choice:
        table = choose_table(view)
    sizes = inspecting.bucket_sizes(index, table, s.n_bits)
    own = len(inspecting.walk(index, view.query, table + 1, s.n_bits)[table][0].ids)
    even = index.n / 2**s.n_bits if s.metric == "cosine" else index.n / len(sizes)
    with said:
        st.markdown(describe_crowds(s, table, sizes, own, even, index.n))
    draw(
        bucket_ranks([BucketSizes(f"table {table + 1}", sizes)], index.n, even, own, view.mode),
        f"Sizes of the {len(sizes):,} buckets of table {table + 1} that hold anything, from {sizes[0]:,} clips down to "
        f"{sizes[-1]:,}; your sound's holds {own:,}.",
    )
    _hubs(view)


def _hubs(view: QueryView) -> None:
    if not view.context.dataset.n_rows("validation"):
        st.caption(NO_HUBS)
        return
    n, counts = _popularity((view.context.dataset.fingerprint, view.settings.metric), view.index, view.context.dataset)
    rows = np.argsort(-counts, kind="stable")[:MOST_HUBS]
    rows = rows[counts[rows] > 1]
    st.markdown(describe_hubs(n, int(counts.max(initial=0)), n * K_NEIGHBOURS / view.index.n))
    entries = [
        Entry(
            view.context.dataset.clip("train", int(row)),
            "found" if int(row) in view.true_rows else "exact",
            f"among the {K_NEIGHBOURS} nearest of {many(int(counts[row]), 'sound')} of {n:,}",
            rank=str(i + 1),
        )
        for i, row in enumerate(rows.tolist())
    ]
    clip_list.draw(view.context, "inside-hubs", "Hub clips", view.clip, entries, NOT_A_HUB)


@st.cache_resource(max_entries=4, show_spinner="Asking validation sounds for their nearest…")
def _popularity(key: tuple[str, str], _index: LSHIndex, _dataset: Dataset) -> tuple[int, Ints]:  # noqa: ARG001
    """Return how many validation sounds were asked, and of how many each clip is among the nearest: int64[n]."""
    most = max(50, min(MOST_ASKED, WORK // _index.n))
    asked = evenly_spaced(_dataset.features("validation"), most)
    asked = asked[np.abs(asked).max(axis=1) > 0]
    ids = _index.exact.search(asked, K_NEIGHBOURS).ids
    return len(asked), np.bincount(ids[ids >= 0], minlength=_index.n)


def describe_crowds(s: Settings, table: int, sizes: Ints, own: int, even: float, n: int) -> str:
    """Say how unevenly the clips are spread over one table's buckets, and what that costs."""
    meets = float((sizes.astype(np.float64) ** 2).sum() / n)
    tenth = max(1, round(len(sizes) / 10))
    if s.metric == "cosine":
        possible = 2**s.n_bits
        empty = possible - len(sizes)
        rooms = f"{possible:,} buckets, {f'{empty:,} of them' if empty else 'none of them'} empty"
    else:
        rooms = f"{len(sizes):,} buckets that hold anything"
    first, most = percent(float(sizes[0] / n)), percent(float(sizes[:tenth].sum() / n))
    return (
        f"Table {table + 1} has {rooms}. The fullest holds **{first}** of all clips, and the fullest tenth {most}. A "
        f"clip taken at random shares its bucket with {meets:,.0f} on average; if all were equally full it would be "
        f"{digits(even)}: the crowd costs **{digits(meets / max(even, 1))} times** the work. Your sound's bucket holds "
        f"{own:,}."
    )


def describe_hubs(n_queries: int, most: int, usual: float) -> str:
    """Say what a hub is, and how strong the strongest is here."""
    return (
        "**Hubs.** Crowds have a centre: some clips are among the 10 nearest of many sounds. Of "
        f"{n_queries:,} validation sounds, the most popular clip is a neighbour of **{most}**. If neighbours were "
        f"dealt out evenly, a clip would be one of {digits(usual)}."
    )
