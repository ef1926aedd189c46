"""Learn, chapters 6 to 8: missed neighbours, the trade-off of L and K, and probes, sketches and other hashes."""

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from ui.figures.marks import setting
from ui.figures.recall_grid import heat_map
from ui.format import nth_nearest, percent, plural
from ui.frame.controls import mirrored_slider
from ui.model import loading, recall_grid, session, setting_metrics
from ui.model.query_view import QueryView
from ui.model.state import K_NEIGHBOURS, MAX_BITS
from ui.widgets import answer_messages, cards, clip_list, large_collections, links
from ui.widgets.charts import draw, draw_table
from ui.widgets.clip_list import Entry

PROBES = (1, 2, 4, 8)
WANTED = 0.9


def missed(view: QueryView) -> None:
    """List a found and the missed neighbours, to be played, with the reasons."""
    found, s = view.answer, view.settings
    total, lost = len(found.exact.rows), found.missed
    st.markdown(
        f"""
At {setting(s.n_tables, s.n_bits)}, LSH finds **{total - len(lost)} of the {total}** clips nearest to your sound. A
neighbour is **missed** when in every table at least one line ran between you and it: bad luck, and likelier the farther
away it is. Nobody notices from the list alone; only exact search can tell.
"""
    )
    if not lost:
        st.markdown("**Nothing is missed here.** Make it harder, and listen to what goes:")
        st.button(
            f"K {s.n_bits} → {min(MAX_BITS, s.n_bits + 4)}",
            key="lesson harder",
            on_click=session.move_sliders,
            kwargs={"n_bits": min(MAX_BITS, s.n_bits + 4)},
        )
    kept = [row for row in found.exact.rows.tolist() if row not in set(lost)]
    entries = [Entry(view.clip, "query", "your sound")]
    entries += [_entry(view, row, "found", "found") for row in kept[-1:]]
    entries += [_entry(view, row, "missed", "missed: LSH never looked at it") for row in lost[:2]]
    clip_list.draw(view.context, "lesson missed", "Your sound, one found and those missed", view.clip, entries)
    if lost:
        st.markdown(
            "Can you hear that something is gone? Often what comes instead is as good. Open *why?* for the reason in "
            "numbers. **Recall** is the share that was found: here "
            f"**{percent((total - len(lost)) / max(total, 1))}** for your sound."
        )
    links.draw("listen", "Hear the whole list on Listen")


def _entry(view: QueryView, row: int, kind: clip_list.Kind, how: str) -> Entry:
    exact, s = view.answer.exact, view.settings
    place = exact.rows.tolist().index(row)
    distance = float(exact.distances[place])
    clip = view.context.dataset.clip("train", row)
    return Entry(
        clip,
        kind,
        f"{how} · {nth_nearest(place + 1)}",
        distance,
        cards.explain_match(view.answer.matches[row], s, distance),
    )


def trade(view: QueryView) -> None:
    """Draw the recall of every setting, and say what twice the tables would find."""
    st.markdown(
        """
More **tables** find more, look at more, and take more memory. More **bits** look at less and miss more. Each square is
one setting, measured on this collection: the darker, or in the dark the brighter, the more of the ten nearest it finds.
Settings along the line find 90 %; they differ in what they cost.
"""
    )
    if not answer_messages.has_validation_clips(view.context.dataset):
        return
    for column, key in zip(st.columns(2), (session.N_TABLES, session.N_BITS), strict=True):
        with column:
            mirrored_slider("lesson", key)
    measured = large_collections.every_setting(view.context)
    if measured is None:
        return
    draw(
        partial(heat_map, measured.grid, measured.here, WANTED, view.mode),
        f"Recall at every L and K. You are at {setting(*measured.here)}: recall {percent(measured.here_recall)}, "
        f"{percent(measured.here_looked_at)} of the clips looked at.",
        "settings",
    )
    st.markdown(recall_grid.doubling(measured.grid, measured.here))
    links.draw("tune", "Find the best setting for the recall you want on Tune")


def more(view: QueryView) -> None:
    """Measure a few numbers of probes and a promised recall; describe sketches and p-stable projections."""
    st.subheader("Probes: look next door")
    st.markdown(
        """
A neighbour is mostly missed by a hair: one line ran just between. So look also into the buckets next door, those behind
the nearest lines first. Each look is a **probe**. Probes find more without another table, so without more memory.
"""
    )
    _probes(view)
    st.subheader("A recall instead of a setting: stop when it is enough")
    st.markdown(
        """
Every sound is served by the same L and K, whether it stands apart or in a crowd. It need not be. After each table the
search knows how far away the worst of its ten is, and how near your sound lies to each line: so it can work out how
likely a clip as near as that is still missing, and stop once that is unlikely enough (PUFFINN; Aumüller et al., 2019).
"""
    )
    _promise(view)
    st.subheader("Sketches: bits as a ruler")
    st.markdown(
        """
Turn each clip's vector at random and round each of its 128 numbers to **two bits**, and your sound's to four. Weighted
counts of the bits that both have then estimate the distance in a few nanoseconds. Rank everything in the buckets by the
estimate, and measure only the best few exactly: these are **sketches** (`lsh.SketchIndex`; RaBitQ, Gao & Long, 2024).
*Race* lets them run beside LSH and exact search.
"""
    )
    st.subheader("Euclidean distance: stripes instead of sides")
    st.markdown(
        """
Where length matters as well as direction, project each clip on a random line and cut the line into stripes of width
*w*: the stripe's number takes the bit's place. Near clips share a stripe with a chance that falls with their distance
(p-stable projections; Datar et al., 2004). Choose *Euclidean* in the sidebar, and everything here is measured anew.
"""
    )
    links.draw("inside", "Watch the probes of your sound on Inside")


def _promise(view: QueryView) -> None:
    if loading.is_large(view.context.dataset):
        st.markdown("*Tune* tries it on this collection.")
        return
    s, at_setting, own = view.settings, view.answer, view.own_row
    promised = view.index.search(view.query[None], K_NEIGHBOURS + (own >= 0), recall=WANTED)
    if own >= 0:
        promised = promised.without(np.array([own]))
    true = view.true_rows
    found = len(set(true) & set(promised.ids[0].tolist()))
    st.markdown(
        f"For your sound, asked for **{percent(WANTED)}** and nothing else, the search stops after looking at "
        f"**{plural(int(promised.n_candidates[0]), 'clip')}**, with {found} of the {len(true)} nearest among them. At "
        f"{setting(s.n_tables, s.n_bits)} it looks at {at_setting.n_candidates:,}, with "
        f"{len(true) - len(at_setting.missed)}. *Tune* measures it over many sounds."
    )


def _probes(view: QueryView) -> None:
    context, s = view.context, view.settings
    sample = loading.sample_for(context)
    if not len(sample.rows):
        return
    rows = []
    for n_probes in sorted({*PROBES, s.n_probes}):
        other = replace(s, n_probes=n_probes)
        recall, candidates = setting_metrics.quality(replace(context, settings=other))
        here = "you are here" if n_probes == s.n_probes else ""
        rows.append((str(n_probes), percent(recall), percent(candidates), here))
    draw_table(pd.DataFrame(rows, columns=["probes", "recall", "looked at", setting(s.n_tables, s.n_bits)]))
