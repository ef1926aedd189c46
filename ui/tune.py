"""Tune: what L and K give and what they cost, at every setting at once, and the best one for the recall you want."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lsh import LSHError, machine, tune
from ui import figures, measures, state, trouble, tune_cells, tune_families, tune_luck, tune_probes, tune_worst
from ui import tune_words as words
from ui.charts import STATIC, draw, few_numbers
from ui.figures import Grid, setting
from ui.loading import PageContext
from ui.paths import COMPONENTS
from ui.state import K_NEIGHBOURS
from ui.stopwatch import Times
from ui.text import plain
from ui.tune_view import BESIDE, View, key, look, stopwatch

INTRO = """
An index is **L tables**, and each sorts every clip into buckets by a key of **K bits** (K yes-or-no questions): LSH
compares your sound only with the clips that share its bucket in at least one table. More tables give every neighbour
another chance to be found; more bits make smaller buckets, so there is less to look at and more to miss.
"""
THEORY = """
If two clips get the same answer to one random question with probability *p*, their keys of K bits agree with
probability *p*ᴷ, and in at least one of L tables with probability **1 - (1 - *p*ᴷ)ᴸ**. Here *p* comes from each
neighbour's true distance, and nothing is fitted: the theory knew this before anything was measured.
"""
STYLE = COMPONENTS / "tune.css"
FEW_TABLES = (1, 2, 4, 8, 16, 32)


def show(context: PageContext) -> None:
    """Draw the page."""
    st.html(STYLE)
    st.title("Tune")
    st.markdown(INTRO)
    if context.dataset.n_rows("validation") == 0:
        st.info("This collection holds no validation clips to measure with. Prepare it again to get some.")
        return
    try:
        with st.spinner("Trying every setting on validation clips…"):
            measures.strip(context)
            view = look(context)
    except LSHError as error:
        trouble.damaged(context.dataset.path, error)
        return
    wanted = _ask(view)
    _every_setting(view, wanted)
    clock = _cost(view, wanted)
    tune_worst.show(view)
    tune_probes.show(view)
    _theory(view)
    tune_luck.show(view)
    tune_families.show(view)
    _reproduce(view)
    _time(view, wanted, clock)


def _ask(view: View) -> float:
    """Ask for the wanted recall, offer the best setting for it, and say how things stand; return the wish."""
    with st.container(border=True, key="wish"):
        left, right = st.columns([3, 2], gap="medium", vertical_alignment="bottom")
        wanted = float(
            left.slider(
                "Recall you want: the share of the 10 truly nearest clips that LSH should find",
                *(0.5, 0.99, 0.9, 0.01),
                key="recall",
                bind="query-params",
            )
        )
        with st.container(key="why"):
            why = st.empty()
        right.button(
            f"Best setting for recall ≥ {wanted:.2f}",
            key="best",
            type="primary",
            width="stretch",
            on_click=_go_to_best,
            args=(view, wanted, why),
        )
    why.markdown(_why(view, wanted))
    return wanted


def _go_to_best(view: View, wanted: float, why: DeltaGenerator) -> None:
    """Find the best setting, move the sliders there and remember why; a callback, since the sliders are drawn later."""
    wish = (key(view.context), wanted)

    def tell(step: str) -> None:
        why.markdown(plain(f"{step[:1].upper()}{step[1:]}…"))

    try:
        choice = tune(view.context.index, view.sample.queries, K_NEIGHBOURS, wanted, progress=tell)
    except LSHError as error:
        st.session_state["tuned"] = (wish, None, f"{error}.")
        return
    state.apply(n_tables=choice.n_tables, n_bits=choice.n_bits, n_probes=choice.n_probes)
    st.session_state["tuned"] = (wish, (choice.n_tables, choice.n_bits, choice.n_probes), choice.why)


def _why(view: View, wanted: float) -> str:
    """Say why this setting was chosen, if it was, and else how the setting in force stands to the wish."""
    s = view.context.settings
    wish, chosen, because = st.session_state.get("tuned", (None, None, ""))
    if wish == (key(view.context), wanted) and chosen in (None, (s.n_tables, s.n_bits, s.n_probes)):
        return plain(because, longest=1000)
    return words.wish(view.grid, view.candidates, view.here, wanted)


def _every_setting(view: View, wanted: float) -> None:
    st.header("Every setting at once")
    chart, aside = st.columns(BESIDE, gap="large", vertical_alignment="center")
    with chart, st.container(key=tune_cells.CHART):
        figure = figures.heat_map(view.grid, view.candidates, view.here, wanted, view.mode)
        last = setting(int(view.grid.n_tables[-1]), int(view.grid.n_bits[-1]))
        draw(
            figure,
            f"Heat map of recall at every setting up to {last}, with the line of recall {wanted:.2f}. You are at "
            f"{setting(*view.here)}: recall {view.here_recall:.2f}. Recall grows with L and falls with K.",
        )
        tune_cells.listen()
    with aside:
        st.markdown(words.every_setting(view.grid, wanted, len(view.sample.rows)))
        st.markdown("The setting of each recall that looks at the fewest clips:")
        few_numbers(words.cheapest_table(view.grid, view.candidates, wanted))


def _cost(view: View, wanted: float) -> DeltaGenerator:
    """Draw recall against clips looked at; return the place for recall against time, which is measured last."""
    st.header("What recall costs")
    st.markdown("Each line is one K; along it, L grows from 1 table to 32. Up and to the left is better.")
    left, right = st.columns(2, gap="large")
    cost = figures.looked_at(view.candidates)
    here_at = (100 * view.here_looked_at, view.here_recall)
    with left:
        draw(
            figures.trade_off(view.grid, cost, view.here, here_at, wanted, view.mode),
            f"Recall against clips looked at, one line for each K as L grows. You are at {cost.say(here_at[0])}, "
            f"recall {here_at[1]:.2f}; exact search is at {cost.say(cost.exact)}, recall 1.",
        )
        st.markdown(words.doubling(view.grid, view.candidates, view.here))
        few_numbers(words.doubling_table(view.grid, view.candidates, view.here, FEW_TABLES))
    return right.container()


def _time(view: View, wanted: float, place: DeltaGenerator) -> None:
    """Draw recall against time; the first visitor sees real searches being timed, and how far they are."""
    watch = stopwatch(view)
    if watch.done:
        times = watch.run(lambda _: None)
        chart = said = place
    else:
        chart, said = place.skeleton(figures.TRADE_OFF_HEIGHT), place.empty()
        times = watch.run(lambda share: said.progress(share, f"Timing real searches on this machine: {share:.0%}"))
        said = said.container()
    rows = [view.grid.cell(int(n), 1)[0] for n in times.n_tables]
    grid = Grid(times.n_tables, times.n_bits, view.grid.recall[rows])
    shown = (times.n_bits % 2 == 0) | (times.n_bits == view.here[1])  # noise would tangle all of the lines
    cost = figures.time_taken(times.ms[:, shown], times.exact_ms)
    lines = Grid(times.n_tables, times.n_bits[shown], grid.recall[:, shown])
    here_at = (times.at(*view.here), view.here_recall)
    figure = figures.trade_off(lines, cost, view.here, here_at, wanted, view.mode)
    alt = (
        f"Recall against measured time of a query, one line for each K as L grows. You are at {cost.say(here_at[0])}, "
        f"recall {here_at[1]:.2f}; exact search takes {cost.say(cost.exact)}."
    )
    chart.plotly_chart(figure, alt=alt, config=STATIC, height=figures.TRADE_OFF_HEIGHT)
    with said:
        _say_times(view, wanted, times, grid)


def _say_times(view: View, wanted: float, times: Times, grid: Grid) -> None:
    fastest = times.fastest(grid.recall >= wanted)
    st.markdown(words.time_sentence(times, view.here, view.here_recall, fastest, wanted))
    few_numbers(words.time_table(times, grid.recall, view.here, view.here_recall, wanted))
    st.caption(words.how_timed(times, plain(machine.summary())))


def _theory(view: View) -> None:
    st.header("Does the theory hold?")
    one_probe = "The formula speaks of one probe a table, so both are shown with one, whatever you have set."
    st.markdown(THEORY + (one_probe if view.context.settings.n_probes > 1 else ""))
    measured, predicted = view.one_probe, view.predicted
    left, right = st.columns(2, gap="large")
    with left:
        draw(
            figures.predicted_beside_measured(measured, predicted, view.here, view.mode),
            f"Recall as L grows at K = {view.here[1]}: measured, a solid line, and predicted, a dashed line.",
        )
    with right:
        draw(
            figures.parity(measured, predicted, view.here, view.mode),
            f"Measured against predicted recall of all {predicted.size} settings, with the diagonal where both agree.",
        )
    st.markdown(words.theory(measured, predicted, view.here))
    few_numbers(words.theory_table(measured, predicted, view.here, FEW_TABLES))


def _reproduce(view: View) -> None:
    st.header("Reproduce")
    st.markdown("The same figures for your setting, from the command line:")
    st.code(words.command(view.context.dataset.path, view.context.settings, len(view.sample.rows)), language="bash")
    if view.context.settings.metric == "euclidean" and view.context.settings.bucket_width is not None:
        st.markdown("The command line takes the default bucket width, not the one that you set.")
