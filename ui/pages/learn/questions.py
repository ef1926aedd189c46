"""Learn, questions 1 to 4: answers measured on the open collection, and beside them the published ones."""

from functools import partial

import pandas as pd
import streamlit as st

from data_prep.dataset import Dataset
from ui.figures import race as race_figures
from ui.figures.marks import setting
from ui.format import percent
from ui.model import commands, race_session, race_summary, recall_grid
from ui.model.query_view import QueryView
from ui.pages.learn import label_quality, published
from ui.pages.learn.trade_off import WANTED
from ui.widgets import answer_messages, clip_list, large_collections, links
from ui.widgets.charts import draw, draw_table
from ui.widgets.clip_list import Entry


def parameters(view: QueryView) -> None:
    """Answer question 1 from the recall of every setting."""
    context = view.context
    if not answer_messages.has_validation_clips(context.dataset):
        return
    measured = large_collections.every_setting(context)
    if measured is None:
        return
    best = recall_grid.cheapest(measured.grid, WANTED)
    if best is None:
        st.markdown(f"**No setting here reaches a recall of {percent(WANTED)}.** Add probes, or ask for less:")
    else:
        st.markdown(
            f"**It depends on the recall you want.** To find {percent(WANTED)} of the ten nearest here, "
            f"**{setting(*best)}** looks at the fewest clips, {percent(measured.grid.at(*best)[1])} of them. Wanting "
            "more costs more:"
        )
    draw_table(recall_grid.cheapest_table(measured.grid, WANTED))
    st.markdown(
        "A long key parts even clips that sound alike; a short one makes buckets of everybody. The more clips there "
        "are, the more bits pay. Fewest looked at is not always fastest: *Tune* times them."
    )
    links.draw("tune", "Choose the recall you want on Tune")
    table = published.settings_table(context.settings.metric)
    _published(table, context.dataset, "The fastest setting for each recall", intervals=True)
    _reproduce(*commands.best_setting(context.dataset.path, context.settings, WANTED))


def speed(view: QueryView) -> None:
    """Answer question 2 from the latest race over this collection."""
    context = view.context
    runs = race_session.runs(context)
    name = race_session.shown(context, runs)
    run = runs[name] if name is not None else None
    if run is None or not run.raced:
        st.markdown("**Nobody has raced over this collection yet.** A race takes some seconds:")
    else:
        st.markdown(race_summary.result(run, run.raced[-1]))
        st.markdown(race_summary.crossover(run))
        draw(
            partial(race_figures.time_by_size, run.laps, [], race_summary.crossings(run), run.sizes, view.mode),
            f"Time per query against the number of clips, a line for each of four. {race_summary.crossover(run)}",
            "race times",
        )
        st.caption(race_summary.measured(run, shipped=name is not None and race_session.is_shipped(name)))
    links.draw("race", "Race it on this machine")
    title = f"Beside exact search, at a recall of {percent(WANTED)}"
    _published(published.speed_table(), context.dataset, title, timed=True)
    _reproduce(commands.evaluate(context.dataset.path, context.settings))


def quality(view: QueryView) -> None:
    """Answer question 3 at the setting in force, with validation clips."""
    context, s = view.context, view.settings
    if not answer_messages.has_validation_clips(context.dataset):
        return
    measured = label_quality.measure(context)
    st.markdown(
        f"At {setting(s.n_tables, s.n_bits)} LSH finds **{percent(measured.recall)}** of the ten nearest on average. "
        f"{percent(measured.complete)} of the queries get all ten; the worst gets {measured.worst_words}."
    )
    st.markdown(
        "Is what comes instead any good? Ask the labels: how many of the ten share one with the query?\n\n"
        f"- exact search: **{percent(measured.exact_precision)}**\n- LSH: **{percent(measured.precision)}**\n"
        f"- ten clips drawn at random: {percent(measured.chance)}"
    )
    st.markdown(measured.verdict)
    st.markdown("The query of which LSH finds least; listen to what it misses:")
    clip = context.dataset.clip("validation", measured.worst)
    entries = [Entry(clip, "query", f"the worst query: LSH finds {measured.worst_words}")]
    entries += [
        Entry(context.dataset.clip("train", row), "missed", "missed", distance)
        for row, distance in measured.worst_missed[:2]
    ]
    clip_list.draw(context, "lesson worst", "The query of which LSH finds least, and what it misses", clip, entries)
    st.caption(f"Measured here with {measured.n_queries} validation clips.")
    _reproduce(commands.evaluate(context.dataset.path, s, measured.n_queries))


def frames(view: QueryView) -> None:
    """Answer question 4 from the collection's frames where it keeps them, and from the published figures."""
    dataset = view.context.dataset
    st.markdown(
        """
AudioSet's clips last ten seconds, and the model wrote down one vector **per second**. To search clips, ten vectors must
become one, or stay ten. **Recall cannot judge that**: every way has its own nearest clips, and finds its own. Labels
can: the share of the ten returned that have one in common with the query, and **mAP**, whether clips with a common
label stand high when all are ranked.
"""
    )
    if dataset.has_frames and dataset.n_rows("validation"):
        with st.spinner("Pooling every clip's frames in four ways…"):
            here, sentence = label_quality.pooled(dataset)
        st.markdown(sentence)
        draw_table(here)
        st.caption(f"Measured here, over {dataset.n_rows('train'):,} clips, with cosine distance.")
    st.markdown(published.POOLING_VERDICT)
    _published(published.frames_table(), dataset, "Ways to make one vector of ten", intervals=True)
    _reproduce(*commands.pooling(commands.folder(dataset.path) if dataset.has_frames else "data/audioset"))
    st.markdown(
        "**That is all of it.** You know what L and K do, why LSH misses, and when it pays. Now enjoy the sounds:"
    )
    links.draw("listen", "Listen")


def _published(
    table: pd.DataFrame, dataset: Dataset, title: str, *, intervals: bool = False, timed: bool = False
) -> None:
    """Draw a published table, and say how it was measured; intervals, timed: see `published.about`."""
    st.markdown(f"**{title}, on {published.data_name(dataset)}:**")
    draw_table(table)
    st.caption(f"{published.about(intervals=intervals, timed=timed)} More in docs/ANSWERS.md.")


def _reproduce(shell: str, code: str = "") -> None:
    with st.expander("Reproduce"):
        st.code(shell, language="bash")
        if code:
            st.code(code, language="python")
