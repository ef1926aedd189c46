"""Race: LSH against exact search and sketches on this machine: time, recall, and how both grow with the collection."""

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lsh import LSHError
from lsh.analysis.racing import LSH, sizes_up_to
from ui.figures import race as figures
from ui.frame import error_pages
from ui.model import commands, race_runs, race_session, race_summary, session, theme
from ui.model.loading import PageContext
from ui.model.race_runs import Run
from ui.pages.race import live_race, tables
from ui.paths import COMPONENTS
from ui.widgets import charts, metrics_strip

INTRO = """
How much faster is LSH, honestly? Four ways to find the 10 nearest clips answer the same queries in turn, on one thread
each. In a small collection, looking at every clip is hard to beat; it is growth that LSH is for.
"""
STYLE = COMPONENTS / "race.css"


@dataclass(frozen=True, slots=True)
class _Shown:
    """A run at the largest size up to `most`, with a pinned run beside it; `live` makes chart keys of a race unique."""

    run: Run
    beside: Run | None
    most: int
    measured: str
    live: str = ""

    @property
    def size(self) -> int:
        return max((size for size in self.run.raced if size <= self.most), default=self.run.raced[0])

    @property
    def pinned(self) -> Run | None:
        return None if self.beside == self.run else self.beside


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
    racing = session.RACE_REQUESTED.pop()
    runs = race_session.runs(context)
    name = race_session.shown(context, runs)
    most, bar = _start_line(context, runs.get(name or ""), racing=racing)
    pinned = runs.get(race_session.pinned(runs) or "")
    with st.container(key="race-result"):
        said = st.empty()
    place = st.empty()
    if name is None:
        _nothing_yet(said, place, context)
    else:
        ahead = name.startswith(race_session.AHEAD)
        _results(said, place, _Shown(runs[name], pinned, most, race_summary.measured(runs[name], ahead=ahead)))
    if runs:
        _all_runs(runs, name)
        _reproduce(context, runs[name or ""])
    if racing:
        _race(context, most, pinned, bar, said, place)


def _race(
    context: PageContext,
    most: int,
    pinned: Run | None,
    bar: DeltaGenerator,
    said: DeltaGenerator,
    place: DeltaGenerator,
) -> None:
    """Race, drawing the results after each size; then run the whole page again."""

    def draw(run: Run) -> None:
        live = f" after {len(run.raced)} sizes"
        _results(said, place, _Shown(run, pinned, most, race_summary.measured(run, ahead=False), live))

    if live_race.go(context, most, bar, draw):
        st.rerun()


def _start_line(context: PageContext, run: Run | None, *, racing: bool) -> tuple[int, DeltaGenerator]:
    """Draw the number of clips, Race and Cancel; return the number, and the place for progress."""
    with st.container(border=True, key="race-start"):
        left, right = st.columns([2, 1], gap="medium", vertical_alignment="bottom")
        sizes = sizes_up_to(context.index.n)
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
        with right.container(horizontal=True):
            # Both are always drawn: Streamlit keeps a button that disappears in its own click beside the next.
            st.button("Race", key="race", type="primary", width="stretch", on_click=_ask, disabled=racing)
            st.button("Cancel", key="cancel race", width="stretch", disabled=not racing)
        with st.container(key="race-state"):
            bar = st.empty()
    if racing:
        bar.progress(0.0, "To your marks")
    else:
        bar.caption(_state(context, run))
    return int(most), bar


def _ask() -> None:
    session.RACE_REQUESTED.set(True)


def _state(context: PageContext, run: Run | None) -> str:
    """Say whether the run shown is of the setting in force."""
    now = race_session.setting_in_force(context)
    if run is None or run.setting != now:
        return f"You are here: {race_summary.setting_of(now)}. This setting has not raced yet."
    if not run.finished:
        return f"Cancelled after {len(run.raced)} of {len(run.sizes)} sizes; what was raced is kept."
    return f"You are here: {race_summary.setting_of(now)}, the setting of the race below."


def _nothing_yet(said: DeltaGenerator, place: DeltaGenerator, context: PageContext) -> None:
    said.markdown(
        f"**No race over this collection yet.** Press Race: four ways to search its {context.index.n:,} clips, "
        "side by side, in some seconds. You can cancel at any time."
    )
    place.container(border=True).markdown(tables.RACERS_TEXT)


def _results(said: DeltaGenerator, place: DeltaGenerator, shown: _Shown) -> None:
    """Draw the results of a run, as far as it is raced."""
    run, n, pinned = shown.run, shown.size, shown.pinned
    result = race_summary.result(run, n)
    said.markdown(result if pinned is None else f"{result}\n\n{tables.difference(run, pinned)}")
    with place.container():
        left, right = st.columns([3, 2], gap="large", vertical_alignment="center")
        with left:
            beside = pinned.at(n).get(LSH) if pinned is not None else None
            alt = f"Queries answered in a second over {n:,} clips, a bar for each of four. {result}"
            figure = figures.throughput(run.at(n), beside, theme.mode())
            charts.draw(figure, alt.replace("**", ""), f"finish{shown.live}")
        right.markdown(tables.RACERS_TEXT)
        charts.few_numbers(tables.table(run, n))
        st.caption(shown.measured)
        _growth(shown)


def _growth(shown: _Shown) -> None:
    run = shown.run
    st.header("From how many clips on does LSH win?")
    said = race_summary.crossover(run)
    st.markdown(said)
    left, right = st.columns(2, gap="large")
    pinned = shown.pinned.of(LSH) if shown.pinned is not None else []
    with left:
        figure = figures.time_by_size(run.laps, pinned, race_summary.crossings(run), run.sizes, theme.mode())
        charts.draw(
            figure,
            f"Time per query against the number of clips, a line for each of four. {said}",
            f"times{shown.live}",
        )
        charts.few_numbers(tables.growth_table(run, "ms"))
    with right:
        last = run.of(LSH)[-1]
        alt = f"Recall against the number of clips; LSH has {last.recall:.2f} over {last.n:,}, exact search 1."
        charts.draw(figures.recall_by_size(run.laps, pinned, run.sizes, theme.mode()), alt, f"recalls{shown.live}")
        charts.few_numbers(tables.growth_table(run, "recall"))
        st.markdown(tables.growing_recall(run))
    st.caption(f"{shown.measured} {tables.how_measured(run)}")


def _all_runs(runs: Mapping[str, Run], shown: str | None) -> None:
    """List the runs, each with buttons to show and pin it, and downloads of all."""
    st.header("Races so far")
    st.markdown("Pin one to compare the next with it. Showing one moves the sliders to its setting.")
    pinned = race_session.pinned(runs)
    for name, run in runs.items():
        whose = "ahead" if name.startswith(race_session.AHEAD) else f"yours, {name}"
        with st.container(horizontal=True, vertical_alignment="center", key=f"run {name}"):
            marks = [mark for mark, here in (("you see this", name == shown), ("pinned", name == pinned)) if here]
            st.markdown(f"{tables.summary(run)} · {' · '.join([whose, *marks])}", width="stretch")
            if name != shown:
                st.button("Show", key=f"show {name}", on_click=race_session.show, args=(name, run))
            label, after = ("Unpin", None) if name == pinned else ("Pin", name)
            st.button(label, key=f"pin {name}", on_click=race_session.pin, args=(after,))
    with st.container(horizontal=True):
        for kind, text, mime in (
            ("CSV", race_runs.as_csv(runs.values()), "text/csv"),
            ("JSON", race_runs.as_json(runs.values()), "application/json"),
        ):
            st.download_button(
                f"Download as {kind}", text, f"earshot-race.{kind.lower()}", mime, key=kind, on_click="ignore"
            )


def _reproduce(context: PageContext, run: Run) -> None:
    st.header("Reproduce")
    shell, code = commands.race(context.dataset.path, run)
    st.markdown("The same race from the command line, and in Python:")
    st.code(shell, language="bash")
    st.code(code, language="python")
