"""Learn, chapters 1 to 5: similarity as an angle, brute force, one bit, keys of K bits, and L tables."""

from functools import partial

import numpy as np
import streamlit as st

from lsh import hit_probability
from lsh.analysis import inspecting
from ui.figures.s_curve import HitCurve, s_curve
from ui.figures.tutorial import Angles, angle_histogram, key_chances, one_plane, same_side
from ui.format import degrees, milliseconds, nth_nearest, number, percent, plural
from ui.frame.controls import mirrored_slider
from ui.model import query_view, session, setting_metrics
from ui.model.query_view import QueryView
from ui.widgets import clip_list, links
from ui.widgets.charts import draw
from ui.widgets.clip_list import Entry

AUDIOSET = 2_084_320  # clips


def angles_of(view: QueryView) -> Angles:
    """Return the angles from the query to the clips: the first chapters are about angles under either distance."""
    cosine = query_view.under(view, "cosine")
    nearest = inspecting.family_distance(cosine.index, cosine.query, cosine.answer.exact.rows)
    order = np.argsort(nearest, kind="stable")  # about the middle, another order than that of the distances
    return Angles(query_view.distances(cosine), nearest[order], [cosine.found[i] for i in order])


def alike(view: QueryView) -> None:
    """Similarity as an angle, with three clips to hear."""
    st.markdown(
        f"""
A model turned every clip into **{view.index.dim} numbers**: its **feature**. Clips that sound
alike get features that point the same way, so the **angle** between two features says how alike they are: 0° is the
same, 90° has nothing in common. Press play: do your ears agree? (The number on a card {_card_number(view)}.)
"""
    )
    _three(view)
    angles = angles_of(view)
    draw(
        partial(angle_histogram, angles, view.mode),
        f"How many clips stand at which angle from your sound. The nearest is at {angles.nearest[0]:.0f} degrees, the "
        f"tenth at {angles.tenth:.0f}, the usual clip at {angles.usual:.0f}.",
        "angles",
    )
    st.markdown(
        f"The 10 nearest stand between {degrees(angles.nearest[0])} and {degrees(angles.tenth)}, the usual clip at "
        f"{degrees(angles.usual)}. Finding those ten, fast, is the whole task."
    )
    st.caption("Angles are seen from the middle of the collection, for a reason that “One bit” gives.")


def _card_number(view: QueryView) -> str:
    if view.settings.metric == "cosine":
        return "is the angle's cosine: 1 is the same, 0 has nothing in common"
    return "is the Euclidean distance, which you chose: 0 is the same"


def _three(view: QueryView) -> None:
    """List the nearest, the tenth and a clip of the middle of the collection, to be played."""
    exact, dataset = view.answer.exact, view.context.dataset
    entries = [Entry(view.clip, "query", "your sound")]
    if len(exact.rows):
        entries.append(_entry(view, 0, "the nearest of all"))
        entries.append(_entry(view, len(exact.rows) - 1, f"the {nth_nearest(len(exact.rows))}"))
    far = dataset.clip("train", view.index.n // 2)
    _, distances = inspecting.nearest_of(view.index, view.query, [far.row], 1)
    entries.append(Entry(far, "candidate", "a clip from anywhere", float(distances[0])))
    clip_list.draw(view.context, "lesson alike", "Your sound, two near it, and one from anywhere", view.clip, entries)


def _entry(view: QueryView, place: int, words: str) -> Entry:
    exact = view.answer.exact
    clip = view.context.dataset.clip("train", int(exact.rows[place]))
    return Entry(clip, "exact", words, float(exact.distances[place]))


def brute_force(view: QueryView) -> None:
    """State what exact search costs, as the collection grows."""
    n, dim = view.index.n, view.index.dim
    st.markdown(
        f"""
You can. It is called **exact search**, or brute force: measure the angle to every clip, keep the ten smallest. It
misses nothing, and for {n:,} clips it needs {n * dim:,} multiplications. Every clip more costs {dim} more.
"""
    )
    now = setting_metrics.measure(view.context)
    if now is None:
        return
    sizes = [n, 100_000, AUDIOSET, 100_000_000]
    names = {n: f"{n:,} clips, this collection", AUDIOSET: f"{AUDIOSET:,}, all of AudioSet"}
    size = st.select_slider(
        "How many clips?", sorted(set(sizes)), value=n, key="lesson size", format_func=lambda n: names.get(n, f"{n:,}")
    )
    if now.times is None:
        failed = setting_metrics.times_failed(view.context)
        st.markdown(f"#### One exact search {'could not be timed' if failed else 'is being measured'}.")
    else:
        ms = now.times.exact_ms * size / n
        took = "took" if size == n else "would take about"
        st.markdown(f"#### One exact search {took} {milliseconds(ms)}: {_rate(ms)}.")
        queries = plural(now.times.n_queries, "validation query", "validation queries")
        measured = f"Measured on this machine over {n:,} clips, with {queries}, one at a time"
        st.caption(f"{measured}." if size == n else f"{measured}, and grown in proportion.")
    st.markdown(
        """
So for a small collection, on a quick machine, exact search is hard to beat, and this tutorial will not pretend
otherwise. For millions of clips and many people asking, you want to **look at a few per cent** of them and still find
nearly all of the ten. Which few?
"""
    )


def _rate(ms: float) -> str:
    a_second = 1000 / ms
    return f"{a_second:,.0f} per second" if a_second >= 1.5 else f"one in {ms / 1000:.0f} seconds"


def one_bit(view: QueryView) -> None:
    """Draw a line that the visitor turns: one bit, which seldom separates near clips."""
    st.markdown(
        """
A **hash** gives everything a short name. Most hashes scatter; this one keeps neighbours together. Throw a line through
the middle and ask of each clip: **which side?** That is one **bit**. Turn the line: it often parts your sound from the
usual clip, seldom from a neighbour. (In truth it is a plane through all dimensions, drawn at random.)
"""
    )
    angles = angles_of(view)
    turn = st.slider("Turn the line, degrees", 0, 180, 100, 1, key="lesson turn")
    met = same_side(turn, angles.tenth)
    draw(
        partial(one_plane, angles, turn, view.mode),
        f"A line turned by {turn} degrees through a circle. The neighbour, at {degrees(angles.tenth)}, is on "
        f"{'the same side as' if met else 'the other side from'} your sound.",
        "one plane",
    )
    st.markdown(
        f"**{'Same side: the bit agrees' if met else 'Parted: the bit differs'}** for your 10th neighbour. Over all "
        f"turns, it agrees **{percent(1 - angles.tenth / 180)}** of the time, and for the usual clip "
        f"{percent(1 - angles.usual / 180)}: the chance is *1 - angle / 180°* (Charikar, 2002)."
    )
    st.caption(
        "Why the middle of the collection? Features can all point roughly one way; lines through zero would leave "
        "everybody on one side. So the mean is taken away first."
    )


def key(view: QueryView) -> None:
    """Keys of K bits: fewer candidates, and fewer neighbours among them."""
    angles, n = angles_of(view), view.index.n
    st.markdown(
        f"""
One bit halves the crowd: {n // 2:,} clips are still too many to look at. So ask **K** such questions. The K answers in
a row are a clip's **key**, and all clips with the same key lie in one **bucket**. LSH looks only into your sound's own
bucket.
"""
    )
    mirrored_slider("lesson", session.N_BITS)
    n_bits = view.settings.n_bits
    near, usual = ((1 - angle / 180) ** n_bits for angle in (angles.tenth, angles.usual))
    draw(
        partial(key_chances, angles, n_bits, view.mode),
        f"The chance that all bits agree falls with K. At K = {n_bits}: {percent(near)} for the tenth neighbour, "
        f"{percent(usual)} for the usual clip.",
        "key chances",
    )
    st.markdown(
        f"With {n_bits} bits there are {2**n_bits:,} buckets, some {number(n / 2**n_bits)} clips in each. The usual "
        f"clip shares yours with a chance of {percent(usual)}: good. But **your 10th neighbour does so only "
        f"{percent(near)} of the time**. A long key keeps strangers out, and neighbours too."
    )


def tables(view: QueryView) -> None:
    """L tables: the S-curve."""
    angles, s = angles_of(view), view.settings
    n_tables, n_bits = s.n_tables, s.n_bits
    st.markdown(
        """
Give the neighbours another chance. Throw K other lines: another key, another set of buckets, a second **table**. With
**L** tables, a clip is looked at if it shares your bucket in *at least one* of them. That turns the falling chance into
a step: nearly everything on the left of it is found, hardly anything on the right.
"""
    )
    for column, key in zip(st.columns(2), (session.N_TABLES, session.N_BITS), strict=True):
        with column:
            mirrored_slider("lesson", key)
    at = np.linspace(0, 180, 181)
    chance, of_nearest = (hit_probability(1 - angles_at / 180, n_tables, n_bits) for angles_at in (at, angles.nearest))
    near, usual = (float(hit_probability(1 - angle / 180, n_tables, n_bits)) for angle in (angles.tenth, angles.usual))
    curve = HitCurve(at, chance, angles.nearest, of_nearest, {}, "angle from your sound, degrees", "°")
    draw(
        partial(s_curve, curve, angles.all, angles.found, view.mode),
        f"The chance of being looked at, by angle, for L = {n_tables} and K = {n_bits}: {percent(near)} for the tenth "
        f"neighbour, {percent(usual)} for the usual clip.",
        "table chances",
    )
    st.markdown(
        f"Your 10th neighbour is now looked at with a chance of **{percent(near)}**, the usual clip with "
        f"{percent(usual)}. The formula is *1 - (1 - pᴷ)ᴸ*, where *p* is the chance for one bit. Everything that was "
        "looked at is then measured exactly, so what LSH returns is right; it can only be **incomplete**."
    )
    links.draw("inside", "See the real tables and buckets of your sound")
