"""Tune: recall per query, and the queries with the lowest recall, to listen to."""

from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from ui.figures.marks import Ints
from ui.figures.recall_histogram import found_counts
from ui.format import percent
from ui.model import session, visits
from ui.model.recall_grid import GridView
from ui.model.state import K_NEIGHBOURS
from ui.widgets import clip_list
from ui.widgets.charts import BESIDE, draw, draw_table
from ui.widgets.clip_list import Entry

N_WORST = 5


def show(view: GridView) -> None:
    """Draw how many neighbours of each query are found at the setting in force, and list the worst queries."""
    st.header("Is it the same for every sound?")
    k = min(K_NEIGHBOURS, view.context.index.n)
    counts = np.bincount(view.hits, minlength=k + 1)
    chart, aside = st.columns(BESIDE, gap="large", vertical_alignment="center")
    with chart:
        draw(
            partial(found_counts, counts, view.mode),
            f"Of {len(view.hits)} queries, how many have 0 to {k} of their {k} nearest found. {sentence(counts)}",
            "recall by query",
        )
    with aside:
        st.markdown(f"Recall is a mean, and no sound is the mean. {sentence(counts)}")
        draw_table(table(counts))
    _listen(view, k)


def sentence(counts: Ints) -> str:
    """State on how many queries less than half was found, and on how many all; counts: int[k + 1], by number found."""
    k, total = len(counts) - 1, int(counts.sum())
    fewer, complete = int(counts[: (k + 1) // 2].sum()), int(counts[-1])
    return (
        f"On **{fewer} of {total}** queries LSH found fewer than half of the neighbours; on **{complete}** it found "
        "every one."
    )


def table(counts: Ints) -> pd.DataFrame:
    """Tabulate how many queries have all, half or more, fewer or none of their neighbours found."""
    k, total = len(counts) - 1, int(counts.sum())
    half = (k + 1) // 2
    groups = [(f"all {k}", counts[k:]), (f"{half} to {k - 1}", counts[half:k]), (f"1 to {half - 1}", counts[1:half])]
    groups = [group for group in groups if len(group[1])]
    rows = [(name, str(n := int(some.sum())), percent(n / total)) for name, some in [*groups, ("none", counts[:1])]]
    return pd.DataFrame(rows, columns=["found", "queries", "share"])


def _listen(view: GridView, k: int) -> None:
    worst = np.argsort(view.hits, kind="stable")[:N_WORST]
    if view.hits[worst[0]] == k:
        st.markdown("**No query loses anything here.** Fewer tables, or more bits, and some would.")
        return
    st.markdown(
        "Listen to those it serves worst. Are they rare sounds, or mixtures? *Find similar* opens one on **Listen**, "
        "which plays what is missed; **Inside** shows why."
    )
    dataset = view.context.dataset
    entries = [
        Entry(
            dataset.clip(view.sample.split, int(view.sample.rows[q])),
            "candidate",
            f"{int(view.hits[q]) or 'none'} of its {k} nearest found",
            rank=str(i + 1),
        )
        for i, q in enumerate(worst.tolist())
    ]
    yours, _ = visits.current_clip(view.context)
    if yours is not None:
        name = "The queries that LSH serves worst"
        clip_list.draw(view.context, "tune-worst", name, yours, entries, move=lambda to: _open(to, yours.clip_id))


def _open(to: str, origin: str) -> None:
    visits.follow(to, origin)
    session.OPENS_LISTEN.set(True)
