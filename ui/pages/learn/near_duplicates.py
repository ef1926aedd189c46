"""Learn, chapter 9: near duplicates, which LSH was invented to find, in this collection."""

import math

import streamlit as st

from lsh import LSHError
from ui.format import degrees, percent, plural
from ui.model.query_view import QueryView
from ui.model.text import plain
from ui.widgets import duplicate_groups, links
from ui.widgets.duplicate_groups import MAX_ROWS

N_BITS, N_TABLES = 16, 8  # of the example


def near_duplicates(view: QueryView) -> None:
    """Explain how duplicates are found without comparing all pairs, with the largest group of the collection."""
    n = view.context.dataset.n_rows("train")
    st.markdown(
        f"""
Not for music. In 1997 the search engine AltaVista wanted to know which of its 30 million pages were copies of each
other (Broder et al., 1997). Comparing each with each grows with the square: this collection of {n:,} sounds has
**{n * (n - 1) // 2:,} pairs**. Hashing needs one pass: what is nearly equal falls into the same bucket, so only what
shares a bucket is compared. In 1998 Indyk and Motwani gave the idea its name, in 2002 Charikar found the hash for
angles that you met as *one bit*, and in 2007 Google's crawler used it on 8 billion pages (Manku et al., 2007).
"""
    )
    if n > MAX_ROWS:
        links.draw("tidy", "See how to find them in a collection of this size, on Tidy")
        return
    try:
        found = duplicate_groups.find(view.context)
    except LSHError as error:
        st.markdown(plain(error, 600))
        return
    if view.settings.metric == "cosine":
        st.markdown(_chances(found.radius))
    if not found.groups:
        st.markdown("**Here no two sounds are that near to each other**: nothing to hear, and nothing to tidy.")
        return
    st.markdown(
        f"Here {plural(len(found.pairs), 'pair lies', 'pairs lie')} that near to each other, in "
        f"**{plural(len(found.groups), 'group')}**. This is the largest. Can you tell them apart?"
    )
    (group,) = duplicate_groups.groups_of(view.context, found, 0, 1, frozenset())
    duplicate_groups.draw(view.context, "lesson duplicates", [group])
    links.draw("tidy", "See all groups, and choose what to keep, on Tidy")


def _chances(radius: float) -> str:
    """Return how likely a pair at this cosine distance, and one at a right angle, share a key in one of the tables."""
    angle = math.acos(1 - min(radius, 1.0))

    def met(bit: float) -> float:
        return 1 - (1 - bit**N_BITS) ** N_TABLES

    return (
        f"Why it works best here: the nearer, the surer. Two sounds {degrees(math.degrees(angle))} apart share all "
        f"{N_BITS} bits of a key, in at least one of {N_TABLES} tables, with a chance of "
        f"**{percent(met(1 - angle / math.pi))}**; two that have nothing in common, at 90°, with "
        f"**{percent(met(0.5))}**. Neighbours that are merely similar lie between, and that is why they are missed now "
        "and then, as you heard."
    )
