"""Two steps about the outcome: which neighbours were missed and by how much, and the curve that foretells it."""

from typing import Any

import numpy as np
import streamlit as st

from lsh import hit_probability, inspecting
from lsh.inspecting import NearMiss
from ui import clip_list
from ui import inside_words as words
from ui.charts import draw
from ui.clip_list import Entry
from ui.figures.chances import Chances, chance_at, s_curve
from ui.figures.meetings import meetings
from ui.inside_view import View, distances
from ui.state import MAX_BITS, MAX_PROBES

MORE_BITS = 4
_BINS = 60


def missed(view: View) -> None:
    """Draw, for each true neighbour, the tables in which it was met, and by how many bits it was missed."""
    s, index, truth = view.s, view.context.index, view.truth
    apart = inspecting.differences(index, view.query, truth, s.n_tables, s.n_bits).sum(axis=2)
    near = inspecting.near_misses(index, view.query, truth, s.n_tables, s.n_bits)
    st.markdown(words.missed(s, view.found_truth, near))
    nearest = np.array([miss.table for miss in near])
    draw(
        meetings(apart, nearest, view.found_truth, view.mode),
        f"The {len(truth)} nearest against {words.many(s.n_tables, 'table')}: in how many bits each key differs from "
        f"yours, from 0 (met) to {int(apart.max(initial=0))}.",
    )
    st.caption("● same key, so it is looked at · a number: that many bits differ · ◯ the nearest miss of a missed clip")
    entries = _entries(view, near)
    clip_list.draw(view.context, "inside-truth", "The nearest clips, missed ones first", view.clip, entries)


def curve(view: View) -> None:
    """Draw the chance of being looked at over this query's own histogram of distances."""
    s, index = view.s, view.context.index
    far = distances(view)
    top = 180.0 if s.metric == "cosine" else float(far.max(initial=1e-9)) * 1.02
    at = np.linspace(0, top, 241)
    p = _collide(view, at)
    chances = Chances(
        at,
        hit_probability(p, s.n_tables, s.n_bits),
        hit_probability(p, 2 * s.n_tables, s.n_bits),
        hit_probability(p, s.n_tables, min(MAX_BITS, s.n_bits + MORE_BITS)),
        min(MAX_BITS, s.n_bits + MORE_BITS) - s.n_bits,
        "angle from your sound, degrees" if s.metric == "cosine" else "distance from your sound",
        "°" if s.metric == "cosine" else "",
    )
    counts, edges = np.histogram(far, bins=_BINS, range=(0, top))
    neighbours = inspecting.apart(index, view.query, view.truth)
    expected = float(hit_probability(_collide(view, far), s.n_tables, s.n_bits).mean())
    hoped = float(hit_probability(_collide(view, neighbours), s.n_tables, s.n_bits).sum())
    last, middle = float(neighbours.max(initial=0)), float(np.median(far))
    looked_at = view.found.n_candidates / index.n
    outcome = words.Outcome(hoped, sum(view.found_truth), expected, looked_at)
    points = (last, chance_at(chances, last)), (middle, chance_at(chances, middle))
    st.markdown(words.curve(s, *points, len(view.truth), outcome))
    draw(
        s_curve(chances, edges, counts, neighbours, view.found_truth, view.mode),
        f"Chance of being looked at, falling from 100 % at no distance; {chance_at(chances, last):.0%} at {last:.3g}"
        f"{chances.unit}, where the last of the nearest lies, and {chance_at(chances, middle):.1%} at {middle:.3g}"
        f"{chances.unit}, where half of all clips are nearer. Behind it a histogram of all clips.",
    )
    st.markdown(words.CURVE)


def _collide(view: View, at: Any) -> Any:
    """Return the chance that one function puts vectors at these distances into one bucket."""
    return view.context.index.hasher.family.collision_probability(np.radians(at) if view.s.metric == "cosine" else at)


def _entries(view: View, near: list[NearMiss]) -> list[Entry]:
    """Return a card for each true neighbour, the missed ones first, with what would have found it."""
    s, index = view.s, view.context.index
    lost = view.found.missed
    rescues = dict(
        zip(
            lost,
            inspecting.rescues(index, view.query, lost, s.n_tables, s.n_bits, s.n_probes, MAX_PROBES),
            strict=True,
        )
    )
    entries = []
    for i, row in enumerate(view.truth):
        clip, distance = view.context.dataset.clip("train", row), float(view.found.exact.distances[i])
        if row in rescues:
            positions = inspecting.positions_of(
                index, np.stack([view.query, index.exact.X[row]]), near[i].table, s.n_bits
            )
            why = words.decided(s, near[i], positions, rescues[row])
            entries.append(Entry(clip, "missed", words.miss(s, near[i]), distance, why, str(i + 1)))
        else:
            tables = view.found.met[row].tables
            entries.append(Entry(clip, "found", words.met(s, tables), distance, "", str(i + 1)))
    return sorted(entries, key=lambda entry: entry.kind != "missed")
