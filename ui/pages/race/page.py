"""Race: LSH against exact search and sketches on this machine: time, recall, and how both grow with the collection.

A race runs in a process of its own, one at a time on a machine (see `ui.server.races`); the script only waits for it.
When Cancel is pressed, a slider moves or the page is left, Streamlit ends a running script at its next write to the
page, which is a part of a second later, and the race ends with its last visitor. Sizes raced so far are kept. After any
other interruption the same race starts again.
"""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import pandas as pd
import streamlit as st
from streamlit import runtime
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.scriptrunner import get_script_run_ctx

from data_prep.errors import DataError
from lsh import LSHError
from lsh.analysis.racing import LSH, Lap, sizes_up_to
from ui.figures import race as figures
from ui.format import percent
from ui.frame import error_pages
from ui.model import commands, exclusive, race_runs, race_session, race_summary, session, theme
from ui.model.loading import PageContext
from ui.model.race_runs import Run
from ui.model.text import plain
from ui.pages.race import tables
from ui.paths import COMPONENTS
from ui.server import races
from ui.server.races import Race
from ui.widgets import charts, large_collections, long_work, metrics_strip

INTRO = """
How much faster is LSH, honestly? Four ways to find the 10 nearest clips answer the same queries in turn, on one thread
each. In a small collection, looking at every clip is hard to beat; it is growth that LSH is for.
"""
STYLE = COMPONENTS / "race.css"
WAITING = "Somebody else is racing or measuring on this machine; yours starts when they are done"


def show(context: PageContext) -> None:
    """Draw the page; a race that was asked for runs at its end, so that the page is complete meanwhile."""
    st.html(STYLE)
    st.title("Race")
    st.markdown(INTRO)
    if not race_runs.split_of(context.dataset):
        st.info("This collection holds no test or validation clips to ask with. Prepare it again to get some.")
        return
    try:
        metrics_strip.draw(context)
    except LSHError as error:
        error_pages.damaged(context.dataset.path, error)
        return
    runs = race_session.runs(context)
    name = race_session.shown(context, runs)
    race, bar = _start_line(context, runs.get(name or ""))
    most = race.clips
    with st.container(key="race-result"):
        result_place = st.empty()
    draw = partial(_results, result_place, st.empty(), most, runs.get(race_session.pinned(runs) or ""))
    if name is None:
        n = context.index.n
        clips = f"its {n:,} clips" if most == n else f"{most:,} of its {n:,} clips"
        result_place.markdown(
            f"**No race over this collection yet.** Press Race: four ways to search {clips}, side by side, in some "
            "seconds. You can cancel at any time."
        )
        with st.container(border=True):
            st.markdown(tables.RACERS_TEXT)
    else:
        draw(runs[name], shipped=race_session.is_shipped(name))
        _all_runs(runs, name)
        _reproduce(context, runs[name])
    problem = long_work.problem("race", race, partial(_race, context, race, bar, draw), DataError)
    if problem:
        bar.error(plain(problem, longest=1000))
    elif problem == "":
        long_work.finish("race")


def _race(context: PageContext, race: Race, bar: DeltaGenerator, draw: Callable[..., None]) -> None:
    """Race with progress in `bar`, draw after each size. Raises DataError if the race fails."""
    name, raced = race_session.name_of_latest(), 0
    with exclusive.RUNS.interrupted(), contextlib.closing(races.follow(race, _is_there())) as progress:
        for share, doing, so_far in progress:
            if so_far is not None and len(so_far.raced) > raced:
                raced, run = len(so_far.raced), replace(so_far, bucket_width=context.index.bucket_width)
                race_session.keep(name, run)
                draw(run, live=f" after {raced} sizes")
            bar.progress(min(share or 0.0, 1.0), WAITING if share is None else plain(doing))


def _is_there() -> Callable[[], bool]:
    """Return a function that says whether the visitor of this run is connected."""
    run = get_script_run_ctx()
    if run is None or not runtime.exists():
        return lambda: True
    return partial(runtime.get_instance().is_active_session, run.session_id)


def _start_line(context: PageContext, run: Run | None) -> tuple[Race, DeltaGenerator]:
    """Draw the number of clips, Race and Cancel; return the race over so many clips, and the place for progress."""
    with st.container(border=True, key="race-start"):
        sizes = sizes_up_to(large_collections.part_that_races(context))
        left, right = st.columns([2, 1], gap="medium", vertical_alignment="bottom")
        most = sizes[0]
        if len(sizes) > 1:
            most = left.select_slider(
                "Race over this many clips",
                sizes,
                sizes[-1],
                format_func=lambda n: f"{n:,}",
                key="clips",
                bind="query-params",
                help="The first so many clips of the collection, and every smaller step, to see how time grows.",
            )
        else:
            left.markdown(f"Race over all {most:,} clips.")
        race = _race_over(context, int(most))
        racing = long_work.is_requested("race", race)
        with right.container(horizontal=True):
            # Both are always drawn: Streamlit keeps a button that disappears in its own click beside the next.
            button = partial(st.button, width="stretch")
            button("Race", key="race", type="primary", on_click=_request, args=(race,), disabled=racing)
            button("Cancel", key="cancel race", on_click=long_work.forget, args=("race",), disabled=not racing)
        with st.container(key="race-state"):
            bar = st.empty()
    if racing:
        bar.progress(0.0, "To your marks")
    else:
        bar.caption(_state(context, run))
    return race, bar


def _request(race: Race) -> None:
    long_work.request("race", race)
    race_session.begin()


def _race_over(context: PageContext, n_clips: int) -> Race:
    """Return the race of the setting in force over up to so many clips."""
    s = context.settings
    width = s.bucket_width if s.metric == "euclidean" else None
    setting = race_session.setting_in_force(context)
    return Race(str(context.dataset.path), context.dataset.fingerprint, s.metric, s.seed, width, setting, n_clips)


def _state(context: PageContext, run: Run | None) -> str:
    """State whether the run shown is of the setting in force."""
    now = race_session.setting_in_force(context)
    if run is None or run.setting != now:
        return f"You are here: {race_summary.setting_of(now)}. This setting has not raced yet."
    if not run.finished:
        return f"Cancelled after {len(run.raced)} of {len(run.sizes)} sizes; what was raced is kept."
    return f"You are here: {race_summary.setting_of(now)}, the setting of the race below."


def _results(
    result_place: DeltaGenerator,
    place: DeltaGenerator,
    most: int,
    pinned: Run | None,
    run: Run,
    *,
    shipped: bool = False,
    live: str = "",
) -> None:
    """Draw a run as far as it is raced, at its largest size up to `most`, beside the pinned run.

    shipped: the run comes with the app; live: makes the keys of charts unique during a race.
    """
    n = max((size for size in run.raced if size <= most), default=run.raced[0])
    pinned = None if pinned == run else pinned
    result, measured = race_summary.result(run, n), race_summary.measured(run, shipped=shipped)
    result_place.markdown(result if pinned is None else f"{result}\n\n{tables.difference(run, pinned)}")
    with place.container():
        left, right = st.columns([3, 2], gap="large", vertical_alignment="center")
        with left:
            beside = pinned.at(n).get(LSH) if pinned is not None else None
            alt = f"Queries answered per second over {n:,} clips, a bar for each of four. {result}"
            figure = partial(figures.throughput, run.at(n), beside, theme.mode())
            raced = partial(_laps_at, n, [run] if pinned is None else [run, pinned])
            charts.draw(figure, alt.replace("**", ""), f"race{live}", raced)
        right.markdown(tables.RACERS_TEXT)
        charts.draw_table(tables.table(run, n))
        charts.draw_table(tables.cost_table(run, n))
        st.caption(measured)
        _growth(run, pinned.of(LSH) if pinned is not None else [], live)
        st.caption(tables.how_measured(run, n))


def _laps_at(n: int, runs: list[Run]) -> pd.DataFrame:
    raced = tables.of_runs(runs)
    return raced[raced["n"] == n]


def _growth(run: Run, pinned: list[Lap], live: str) -> None:
    st.header("From how many clips on does LSH win?")
    sentence = race_summary.crossover(run)
    st.markdown(sentence)
    left, right = st.columns(2, gap="large")
    with left:
        figure = partial(figures.time_by_size, run.laps, pinned, race_summary.crossings(run), run.sizes, theme.mode())
        alt = f"Time per query against the number of clips, a line for each of four. {sentence}"
        charts.draw(figure, alt, f"times{live}", partial(tables.of_runs, [run]))
        charts.draw_table(tables.growth_table(run, "ms"))
    with right:
        last = run.of(LSH)[-1]
        alt = f"Recall against the number of clips; LSH has {percent(last.recall)} over {last.n:,}, exact search 100 %."
        figure = partial(figures.recall_by_size, run.laps, pinned, run.sizes, theme.mode())
        charts.draw(figure, alt, f"recalls{live}", partial(tables.of_runs, [run]))
        charts.draw_table(tables.growth_table(run, "recall"))
        st.markdown(tables.growing_recall(run))


def _all_runs(runs: Mapping[str, Run], shown: str) -> None:
    """List the runs, each with buttons to show and pin it, and downloads of all."""
    st.header("Races so far")
    st.markdown("Pin one to compare the next with it. Showing one moves the sliders to its setting.")
    pinned = race_session.pinned(runs)
    for name, run in runs.items():
        origin = "measured in advance" if race_session.is_shipped(name) else f"yours, {name}"
        with st.container(horizontal=True, vertical_alignment="center", key=f"run {name}"):
            marks = [mark for mark, here in (("you see this", name == shown), ("pinned", name == pinned)) if here]
            st.markdown(f"{tables.summary(run)} · {' · '.join([origin, *marks])}", width="stretch")
            if name != shown:
                st.button("Show", key=f"show {name}", on_click=race_session.show, args=(name, run))
            label, after = ("Unpin", None) if name == pinned else ("Pin", name)
            st.button(label, key=f"pin {name}", on_click=session.RACE_PINNED.set, args=(after,))
    with st.container(horizontal=True):
        for kind, text, mime in (
            ("CSV", tables.as_csv, "text/csv"),
            ("JSON", lambda runs: race_runs.as_json(runs).encode(), "application/json"),
        ):
            st.download_button(
                f"Download as {kind}",
                partial(text, runs.values()),
                f"earshot-race.{kind.lower()}",
                mime,
                key=kind,
                on_click="ignore",
            )


def _reproduce(context: PageContext, run: Run) -> None:
    st.header("Reproduce")
    shell, code = commands.race(context.dataset.path, run)
    st.markdown("The same race from the command line, and in Python:")
    st.code(shell, language="bash")
    st.code(code, language="python")
