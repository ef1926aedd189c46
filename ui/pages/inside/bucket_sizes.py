"""Inside: the bucket sizes of one table, and hubs, the clips that are near to many sounds."""

from functools import partial

import numpy as np
import streamlit as st

from data_prep.dataset import Dataset
from lsh import LSHIndex
from lsh.analysis import inspecting
from lsh.sampling import evenly_spaced
from ui.figures.bucket_sizes import BucketSizes, bucket_ranks
from ui.figures.marks import Ints
from ui.format import number, percent, plural
from ui.model.query_view import QueryView
from ui.model.state import K_NEIGHBOURS, Settings
from ui.pages.inside.key_and_buckets import choose_table
from ui.widgets import clip_list
from ui.widgets.charts import draw
from ui.widgets.clip_list import Entry

NO_HUBS = "This collection has no validation clips, so it is not known which clips are near to many."
NOT_A_HUB = "No clip is among the nearest of more than one validation sound."
MAX_HUBS = 5
MAX_QUERIES = 1000  # validation sounds whose neighbours are counted,
MAX_DISTANCES = 20_000_000  # fewer where each must be compared with many clips


def crowds(view: QueryView) -> None:
    """Draw the sizes of one table's buckets, and list the hubs."""
    s, index = view.settings, view.index
    text, table = choose_table(view)
    sizes = inspecting.bucket_sizes(index, table, s.n_bits)
    own = len(inspecting.walk(index, view.query, table + 1, s.n_bits)[table][0].ids)
    even = index.n / 2**s.n_bits if s.metric == "cosine" else index.n / len(sizes)
    with text:
        st.markdown(describe_crowds(s, table, sizes, own, even, index.n))
    draw(
        partial(bucket_ranks, [BucketSizes(f"table {table + 1}", sizes)], index.n, even, own, view.mode),
        f"Sizes of the {len(sizes):,} buckets of table {table + 1} that hold anything, from {sizes[0]:,} clips down to "
        f"{sizes[-1]:,}; your sound's holds {own:,}.",
        "bucket sizes",
    )
    _hubs(view)


def _hubs(view: QueryView) -> None:
    if not view.context.dataset.n_rows("validation"):
        st.caption(NO_HUBS)
        return
    n, hubs = _popularity((view.context.dataset.fingerprint, view.settings.metric), view.index, view.context.dataset)
    most = max((count for _, count in hubs), default=0)
    st.markdown(
        f"**Hubs.** Crowds have a centre: some clips are among the 10 nearest of many sounds. Of {n:,} validation "
        f"sounds, the most popular clip is a neighbour of **{most}**. If neighbours were dealt "
        f"out evenly, a clip would be one of {number(n * K_NEIGHBOURS / view.index.n)}."
    )
    entries = [
        Entry(
            view.context.dataset.clip("train", row),
            "found" if row in view.true_rows else "exact",
            f"among the {K_NEIGHBOURS} nearest of {plural(count, 'sound')} of {n:,}",
            rank=str(i + 1),
        )
        for i, (row, count) in enumerate(hubs)
        if count > 1
    ]
    clip_list.draw(view.context, "inside-hubs", "Hub clips", view.clip, entries, NOT_A_HUB)


@st.cache_resource(max_entries=4, show_spinner="Searching for validation sounds…")
def _popularity(key: tuple[str, str], _index: LSHIndex, _dataset: Dataset) -> tuple[int, list[tuple[int, int]]]:  # noqa: ARG001
    """Return the number of validation sounds searched for, and the rows that are among the nearest of most of them.

    At most `MAX_HUBS` rows, each with the number of sounds; of equal numbers the lower row first.
    """
    most = max(50, min(MAX_QUERIES, MAX_DISTANCES // _index.n))
    queries = evenly_spaced(_dataset.features("validation"), most)
    queries = queries[np.abs(queries).max(axis=1) > 0]
    ids = _index.exact.search(queries, K_NEIGHBOURS).ids
    rows, counts = np.unique(ids[ids >= 0], return_counts=True)
    first = np.argsort(-counts, kind="stable")[:MAX_HUBS]
    return len(queries), list(zip(rows[first].tolist(), counts[first].tolist(), strict=True))


def describe_crowds(s: Settings, table: int, sizes: Ints, own: int, even: float, n: int) -> str:
    """Describe how unevenly clips fill one table's buckets; own: size of the query's; even: size if all were equal."""
    meets = float(np.einsum("i,i->", sizes, sizes, dtype=np.float64, casting="safe") / n)  # in blocks
    tenth = max(1, round(len(sizes) / 10))
    if s.metric == "cosine":
        possible = 2**s.n_bits
        empty = possible - len(sizes)
        buckets = f"{possible:,} buckets, {f'{empty:,} of them' if empty else 'none of them'} empty"
    else:
        buckets = f"{len(sizes):,} buckets that hold anything"
    first, most = percent(float(sizes[0] / n)), percent(float(sizes[:tenth].sum() / n))
    return (
        f"Table {table + 1} has {buckets}. The fullest holds **{first}** of all clips, and the fullest tenth {most}. A "
        f"clip taken at random shares its bucket with {meets:,.0f} on average; if all were equally full it would be "
        f"{number(even)}: the crowd costs **{number(meets / max(even, 1))} times** the work. Your sound's bucket holds "
        f"{own:,}."
    )
