"""What the Inside page says about the collection and the hash families: crowds, hubs, distances, centring."""

from collections.abc import Sequence

import numpy as np

from ui.figures import percent
from ui.figures.marks import Ints
from ui.inside_words import digits, many
from ui.state import Settings

SKETCHES = """
Measuring the exact distance of every candidate is most of the work, and it need not be. An index can keep a **sketch**
of each clip: 44 bytes in place of its full features, from which a distance is estimated in a few nanoseconds. Only the
candidates with the best estimates are measured exactly (**re-ranked**).
"""


def sketches(n_candidates: int, n_reranked: int, kept: int, deepest: int, n_nearest: int, off: float) -> str:
    """Say how well the sketches rank this query's candidates; off: mean error as a share of the distances' spread."""
    if n_candidates <= n_reranked:
        return f"Your sound has only {many(n_candidates, 'candidate')}: all are measured, there is nothing to spare."
    fate = "all of which come out" if kept == n_nearest else f"of which {kept} come out: re-rank {deepest} to lose none"
    return (
        f"Of {n_candidates:,} candidates **{n_reranked} are re-ranked**, {percent(n_reranked / n_candidates)}. In the "
        f"order of the sketches the {n_nearest} nearest candidates are all among the first **{deepest}**, {fate}. An "
        f"estimate is off by {percent(off)} of how much the distances themselves vary."
    )


def crowds(s: Settings, table: int, sizes: Ints, own: int, even: float, n: int) -> str:
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


NO_HUBS = "This collection has no validation clips, so it is not known which clips are near to many."
NOT_A_HUB = "No clip is among the nearest of more than one validation sound."


def hubs(n_queries: int, most: int, usual: float) -> str:
    """Say what a hub is, and how strong the strongest is here."""
    return (
        "**Hubs.** Crowds have a centre: some clips are among the 10 nearest of many sounds. Of "
        f"{n_queries:,} validation sounds, the most popular clip is a neighbour of **{most}**. If neighbours were "
        f"dealt out evenly, a clip would be one of {digits(usual)}."
    )


FAMILY_NAMES = {"cosine": "Cosine: hyperplanes", "euclidean": "Euclidean: p-stable projections"}
FAMILIES = """
Two distances, two ways to cut. **Cosine** asks whether two sounds point the same way: a plane through the middle cuts
the clips in two, and the answer is 0 or 1. **Euclidean** asks how far apart they are: a random line is cut into slots
of equal width, and the answer is the slot's number. Either way near clips tend to get the same answer, and K answers
make a key.
"""


def families(shared: int, n_true: int) -> str:
    """Say how much the two truths have in common, and how to read the comparison."""
    return (
        f"Of your {n_true} nearest, **{shared}** are the same under both distances; each is judged by its own truth. "
        "The same K means different work: a slot's number says more than a bit, or less, as its width is chosen "
        "(w, under Advanced). Compare what is found with what is looked at, not K with K."
    )


CENTRING = """
Hyperplanes pass through the origin. If all clips lie on one side of it, as they do when every feature is a positive
code from 0 to 255, most planes cut nothing: all get the same bit, and one bucket swallows the collection. Taking the
mean away first (**centring**) puts the origin in the middle of the crowd. It costs one subtraction and changes no
distance.
"""


def centring(s: Settings, looked_at: Sequence[float], recall: Sequence[float]) -> str:
    """Compare centred, not centred and raw codes at the setting in force."""
    return (
        f"At L = {s.n_tables}, K = {s.n_bits}: centred, LSH looks at {percent(looked_at[0])} of the clips and finds "
        f"{percent(recall[0])} of the nearest. On the raw codes it finds {percent(recall[2])}, but by looking at "
        f"**{percent(looked_at[2])}**: {_verdict(looked_at[2])} Not centred, these features fare {_between(looked_at)}."
    )


def _verdict(looked_at: float) -> str:
    return "that is no index, that is exact search with detours." if looked_at > 0.5 else "the buckets are lopsided."


def _between(looked_at: Sequence[float]) -> str:
    if looked_at[1] < 1.25 * looked_at[0]:
        return "much like centred ones, for they were stored with about as many values below zero as above"
    return f"in between, with {percent(looked_at[1])}"
