"""Inside: the two hash families side by side, and the effect of centring the vectors."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from lsh import LSHError, LSHIndex, RecallGrid, recall_grid
from lsh.analysis import inspecting
from lsh.sampling import evenly_spaced
from ui.figures.bucket_sizes import BucketSizes, bucket_ranks
from ui.figures.margins import margins
from ui.figures.marks import Ints
from ui.format import of_a_part, percent
from ui.model import commands, loading
from ui.model.loading import PageContext
from ui.model.query_view import QueryView, under
from ui.model.state import K_NEIGHBOURS, MAX_BITS, MAX_TABLES, METRICS, Settings
from ui.pages.inside import key_and_buckets
from ui.widgets.charts import draw, draw_table

FAMILY_NAMES = {"cosine": "Cosine: hyperplanes", "euclidean": "Euclidean: p-stable projections"}
FAMILIES = """
Two distances, two ways to cut. **Cosine** asks whether two sounds point the same way: a plane through the middle cuts
the clips in two, and the answer is 0 or 1. **Euclidean** asks how far apart they are: a random line is cut into slots
of equal width, and the answer is the slot's number. Either way near clips tend to get the same answer, and K answers
make a key.
"""
CENTRING = """
Hyperplanes pass through the origin. If all clips lie on one side of it, as they do when every feature is a positive
code from 0 to 255, most planes cut nothing: all get the same bit, and one bucket swallows the collection. Taking the
mean away first (**centring**) puts the origin in the middle of the crowd. It costs one subtraction and changes no
distance.
"""
SHOWN_BITS = 6
MAX_ROWS = 20_000  # clips that are indexed three times to show centring
MAX_QUERIES = 60
SHIFT = 2.0  # features lie in -2 to 2; AudioSet stores them as 0 to 255, which is the same with the origin shifted

Measured = tuple[str, Sequence[Ints], RecallGrid]  # name, bucket sizes of table 1 for each K, recall and cost


def both(view: QueryView) -> None:
    """Draw the same query under both distances: how each hashes it, and what each finds."""
    dataset = view.context.dataset
    ready = [metric for metric in METRICS if metric in loading.metrics_of(dataset)]
    try:
        views = [under(view, metric) for metric in ready]
    except LSHError:
        st.info("This clip cannot be a query at the other distance: silence has no direction.")
        return
    st.markdown(FAMILIES)
    for column, one in zip(st.columns(2, gap="large"), views, strict=False):
        with column:
            st.subheader(FAMILY_NAMES[one.settings.metric])
            n_bits = min(SHOWN_BITS, one.settings.n_bits)
            at = key_and_buckets.margins_of(one, 0, n_bits)
            draw(
                partial(margins, at, view.mode),
                f"{FAMILY_NAMES[one.settings.metric]}: where your sound and its nearest stand to the first "
                f"{n_bits} walls of table 1.",
                f"margins {one.settings.metric}",
            )
    draw_table(pd.DataFrame(map(_row, views), columns=["distance", "found", "looked at", "your buckets"]))
    missing = [metric for metric in METRICS if metric not in ready]
    if missing:
        command = f"python -m lsh build {commands.folder(dataset.path)} --metric {missing[0]}"
        st.info(
            f"The {missing[0].capitalize()} side is not drawn: an index of {dataset.n_rows('train'):,} clips takes too "
            f"long to build while you wait. `{command}` saves it."
        )
        return
    shared = len(set(views[0].true_rows) & set(views[1].true_rows))
    st.markdown(
        f"Of your {len(view.true_rows)} nearest, **{shared}** are the same under both distances; each is judged by its "
        "own truth. The same K means different work: a slot's number says more than a bit, or less, as its width is "
        "chosen (w, under Advanced). Compare what is found with what is looked at, not K with K."
    )


def centring(view: QueryView) -> None:
    """Draw the bucket sizes of centred and uncentred vectors, and what LSH finds with each."""
    s = view.settings
    with st.spinner("Building three small indexes: centred, not centred, and on the raw codes…"):
        indexes = indexed_three_ways((view.context.dataset.fingerprint, s.seed), view.context)
    st.markdown(CENTRING)
    buckets = [BucketSizes(name, sizes[s.n_bits - 1]) for name, sizes, _ in indexes]
    n = int(buckets[0].sizes.sum())
    if n < view.index.n:
        st.caption(of_a_part(n, view.index.n, "clips"))
    fullest = [percent(float(one.sizes[0] / n)) for one in buckets]
    holds = "; ".join(f"{one.name}, the fullest holds {share}" for one, share in zip(buckets, fullest, strict=True))
    figure = partial(bucket_ranks, buckets, n, n / 2**s.n_bits, None, view.mode)
    draw(figure, f"Bucket sizes of one table in order of size: {holds}", "centring")
    recall, looked_at = zip(*(grid.at(s.n_tables, s.n_bits) for _, _, grid in indexes), strict=True)
    table = {
        "vectors": [one.name for one in buckets],
        "in the fullest bucket": fullest,
        "looked at": map(percent, looked_at),
        "recall": map(percent, recall),
    }
    draw_table(pd.DataFrame(table))
    st.markdown(describe_centring(s, looked_at, recall))


def _row(view: QueryView) -> tuple[str, str, str, str]:
    s, index = view.settings, view.index
    sizes = [len(table[0].ids) for table in inspecting.walk(index, view.query, s.n_tables, s.n_bits)]
    found = f"{sum(view.found)} of its {len(view.true_rows)} nearest"
    looked = percent(view.answer.n_candidates / index.n)
    return FAMILY_NAMES[s.metric], found, looked, f"{min(sizes):,} to {max(sizes):,} clips"


@st.cache_resource(max_entries=4, show_spinner=False)
def indexed_three_ways(key: tuple[str, int], _context: PageContext) -> list[Measured]:
    """Index the same vectors centred, not centred, and shifted as the raw codes are."""
    X = evenly_spaced(_context.dataset.features("train"), MAX_ROWS)
    split = next((split for split in ("validation", "test") if _context.dataset.n_rows(split)), "train")
    queries = evenly_spaced(_context.dataset.features(split), MAX_QUERIES)
    queries = queries[np.abs(queries).max(axis=1) > 0]
    measured: list[Measured] = []
    for name, shift, centre in (
        ("centred", 0.0, True),
        ("not centred", 0.0, False),
        ("raw codes, not centred", SHIFT, False),
    ):
        index = LSHIndex("cosine", MAX_TABLES, MAX_BITS, key[1], centre=centre).fit(X + np.float32(shift))
        sizes = [inspecting.bucket_sizes(index, 0, n_bits) for n_bits in range(1, MAX_BITS + 1)]
        measured.append((name, sizes, recall_grid(index, queries + np.float32(shift), K_NEIGHBOURS)))
    return measured


def describe_centring(s: Settings, looked_at: Sequence[float], recall: Sequence[float]) -> str:
    """Compare centred, not centred and raw codes at the setting in force."""
    return (
        f"At L = {s.n_tables}, K = {s.n_bits}: centred, LSH looks at {percent(looked_at[0])} of the clips and finds "
        f"{percent(recall[0])} of the nearest. On the raw codes it finds {percent(recall[2])}, but by looking at "
        f"**{percent(looked_at[2])}**. With the features as this collection keeps them, not centred, it looks at "
        f"{percent(looked_at[1])} and finds {percent(recall[1])}."
    )
