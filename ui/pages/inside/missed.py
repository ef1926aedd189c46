"""Inside: the neighbours that were missed and by how much, and the S-curve that predicts it."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from lsh import hit_probability
from lsh.analysis import inspecting
from lsh.analysis.inspecting import Fix, NearMiss
from ui.figures.key_matches import key_differences
from ui.figures.marks import Floats
from ui.figures.s_curve import HitCurve, s_curve
from ui.format import degrees, join_words, of_a_part, percent, plural
from ui.model.query_view import QueryView, distances
from ui.model.state import MAX_BITS, MAX_PROBES, Settings
from ui.pages.inside.key_texts import bits, numbered, symbol, to_wall
from ui.widgets import clip_list
from ui.widgets.charts import draw
from ui.widgets.clip_list import Entry

CURVE = """
**More bits, K, push the curve down and to the left**: fewer clips are looked at, near ones too are lost. **More tables,
L, lift it and push it to the right**: more are found, more are looked at. The art is to have the nearest under the high
part and the crowd under the low one.
"""
MORE_BITS = 4


def missed(view: QueryView) -> None:
    """Draw, for each true neighbour and table, in how many bits its key differs from the query's."""
    s, index, truth = view.settings, view.index, view.true_rows
    apart = inspecting.differences(index, view.query, truth, s.n_tables, s.n_bits).sum(axis=2)
    near = inspecting.near_misses(index, view.query, truth, s.n_tables, s.n_bits)
    st.markdown(describe_missed(s, view.found, near))
    nearest = np.array([miss.table for miss in near])
    draw(
        partial(key_differences, apart, nearest, view.found, view.mode),
        f"The {len(truth)} nearest against {plural(s.n_tables, 'table')}: in how many bits each key differs from "
        f"yours, from 0 (met) to {int(apart.max(initial=0))}.",
        "key differences",
    )
    st.caption("● same key, so it is looked at · a number: that many bits differ · ◯ the nearest miss of a missed clip")
    entries = _entries(view, near)
    clip_list.draw(view.context, "inside-truth", "The nearest clips, missed ones first", view.clip, entries)


def curve(view: QueryView) -> None:
    """Draw the probability of being looked at by distance, over the histogram of this query's distances."""
    s, index = view.settings, view.index
    far = distances(view)
    cosine = s.metric == "cosine"
    top = 180.0 if cosine else float(far.max(initial=1e-9)) * 1.02
    at = np.linspace(0, top, 241)
    more = min(MORE_BITS, MAX_BITS - s.n_bits)

    def chance(distances: Any, n_tables: int = s.n_tables, n_bits: int = s.n_bits) -> Any:
        radians = np.radians(distances) if cosine else distances
        return hit_probability(index.hasher.family.collision_probability(radians), n_tables, n_bits)

    neighbours = inspecting.family_distance(index, view.query, view.true_rows)
    chances = HitCurve(
        at,
        chance(at),
        neighbours,
        chance(neighbours),
        {"2 L": chance(at, 2 * s.n_tables), f"K + {more}": chance(at, n_bits=s.n_bits + more)},
        "angle from your sound, degrees" if cosine else "distance from your sound",
        "°" if cosine else "",
    )
    expected, expected_found = chance(far).mean(), chances.neighbour_chance.sum()
    last, middle = float(neighbours.max(initial=0)), float(np.median(far))
    at_last, at_middle = (percent(float(chance(x))) for x in (last, middle))
    n_true, looked_at = len(view.true_rows), view.answer.n_candidates / index.n
    st.markdown(
        f"The last of your {n_true} nearest lies at {last:.3g}{chances.unit}: at your setting it is looked at with a "
        f"chance of **{at_last}**. Half of all clips lie beyond {middle:.3g}{chances.unit}, and have a chance of "
        f"**{at_middle}** or less. Added up over all clips, theory expects {expected_found:.1f} of {n_true} found and "
        f"{percent(float(expected))} looked at, with one probe. This index, one random draw of many, found "
        f"{sum(view.found)} and looked at {percent(looked_at)}."
    )
    draw(
        partial(s_curve, chances, far, view.found, view.mode),
        f"Chance of being looked at by distance: {at_last} at {last:.3g}{chances.unit}, where the last of the nearest "
        f"lies, {at_middle} at {middle:.3g}{chances.unit}, the median. Behind it a histogram of all clips.",
        "chances",
    )
    part = of_a_part(len(far), index.n, "clips")
    if part:
        st.caption(f"{part} Averages over all clips are averages over these.")
    st.markdown(CURVE)


def _entries(view: QueryView, near: list[NearMiss]) -> list[Entry]:
    """Return a card for each true neighbour, the missed ones first, with what would have found it."""
    s, index = view.settings, view.index
    lost = view.answer.missed
    changes = inspecting.smallest_fix(index, view.query, lost, s.n_tables, s.n_bits, s.n_probes, MAX_PROBES)
    fixes = dict(zip(lost, changes, strict=True))
    entries = []
    for i, row in enumerate(view.true_rows):
        clip, distance = view.context.dataset.clip("train", row), float(view.answer.exact.distances[i])
        if row in fixes:
            pair = np.stack([view.query, index.exact.X[row]])
            positions = inspecting.positions_of(index, pair, near[i].table, s.n_bits)
            why = deciding_wall(s, near[i], positions, fixes[row])
            entries.append(Entry(clip, "missed", describe_miss(s, near[i]), distance, why, str(i + 1)))
        else:
            tables = view.answer.matches[row].tables
            entries.append(Entry(clip, "found", describe_met(s, tables), distance, "", str(i + 1)))
    return sorted(entries, key=lambda entry: entry.kind != "missed")


def describe_missed(s: Settings, found: Sequence[bool], near: Sequence[NearMiss]) -> str:
    """State how many of the true neighbours were missed, and in how few symbols their keys differ."""
    lost = [near[i] for i, was in enumerate(found) if not was]
    n_true, n_lost = len(found), len(lost)
    if not n_lost:
        met = "share at least one whole key with your sound" if s.n_probes == 1 else "are in at least one probed bucket"
        nothing = f"Nothing is missed: all {n_true} nearest {met}."
        return f"{nothing} Raise K, or lower L, in the sidebar, and see how they fall out."
    fewest = min(len(miss.differing) for miss in lost)
    by_one = sum(len(miss.differing) == fewest for miss in lost)
    return (
        f"**{n_lost} of the {n_true} nearest {'was' if n_lost == 1 else 'were'} missed**: in none of "
        f"{plural(s.n_tables, 'table')} does the key of {bits(s.n_bits, s)} agree with yours. "
        f"{by_one} of them differed in only **{bits(fewest, s)}** somewhere. One {symbol(s)} is "
        "enough to land in another bucket, however near the clip is."
    )


def describe_miss(s: Settings, near: NearMiss) -> str:
    """State in which table a missed neighbour's key differs least, and in which symbols."""
    n = len(near.differing)
    names = "" if n > 3 else f": {numbered(s, near.differing)}"
    return f"missed: its key differs from yours in {n} of {bits(s.n_bits, s)} in table {near.table + 1}{names}"


def describe_met(s: Settings, tables: Sequence[int]) -> str:
    """State in which tables a neighbour was found."""
    place = "shares your key" if s.n_probes == 1 else "was met"
    few = f": {join_words(tables)}" if len(tables) <= 4 else ""
    return f"{place} in {len(tables)} of {plural(s.n_tables, 'table')}{few}"


def deciding_wall(s: Settings, near: NearMiss, positions: Floats, fix: Fix) -> str:
    """State which wall parted a missed clip from the query, and which change of one setting would find it.

    positions: float[2, K], of the query and of the clip on the axes of the table's functions.
    """
    j = min(near.differing, key=lambda bit: abs(to_wall(s, float(positions[0, bit]))))
    yours, its = float(positions[0, j]), float(positions[1, j])
    if s.metric == "cosine":
        where = (
            f"The plane of bit {j + 1} passes between you: {degrees(yours)} from your sound, {degrees(its)} from it."
        )
    else:
        where = (
            f"On line {j + 1} a wall stands between you: your sound is {to_wall(s, yours):.2f} of a slot from the "
            f"next slot, and the two are {abs(its - yours):.2f} of a slot apart."
        )
    ways = [
        f"{name} {value}"
        for name, value in (("K =", fix.n_bits), ("L =", fix.n_tables), ("probes =", fix.n_probes))
        if value is not None
    ]
    helped = f"{' or '.join(ways)} alone would have found it." if ways else "No single slider would have found it."
    return f"{where} {helped}"
