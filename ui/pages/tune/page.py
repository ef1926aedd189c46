"""Tune: recall and cost of every setting, and the best setting for a wanted recall."""

import re
from collections.abc import Sequence
from functools import partial

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lsh import LSHError, plan
from ui.figures.marks import Grid, setting
from ui.figures.recall_cost import candidate_cost, trade_off
from ui.figures.recall_grid import heat_map
from ui.format import capitalised, percent
from ui.frame import error_pages
from ui.model import commands, session
from ui.model.loading import PageContext, Sample
from ui.model.recall_grid import GridView, cheapest_table, doubling
from ui.model.state import K_NEIGHBOURS
from ui.model.text import plain
from ui.pages.tune import families, heat_map_clicks, probes, promise, seeds, theory, timing, worst_queries
from ui.paths import COMPONENTS
from ui.widgets import large_collections, long_work, metrics_strip
from ui.widgets.charts import BESIDE, draw, draw_table

INTRO = """
An index is **L tables**, and each sorts every clip into buckets by a key of **K bits** (K yes-or-no questions): LSH
compares your sound only with the clips that share its bucket in at least one table. More tables give every neighbour
another chance to be found; more bits make smaller buckets, so there is less to look at and more to miss.
"""
STYLE = COMPONENTS / "tune.css"
WANTED_PERCENT = (50, 99)  # least and most
FEW_TABLES = (1, 2, 4, 8, 16, 32)


def show(context: PageContext) -> None:
    """Draw the page."""
    st.html(STYLE)
    st.title("Tune")
    st.markdown(INTRO)
    try:
        with st.spinner("Trying every setting…"):
            metrics_strip.draw(context)
            view = large_collections.every_setting(context)
    except LSHError as error:
        error_pages.damaged(context.dataset.path, error)
        return
    if view is None:
        return
    wanted = _ask(view)
    _every_setting(view, wanted)
    clock = _cost(view, wanted)
    worst_queries.show(view)
    promise.show(view, wanted)
    probes.show(view)
    theory.show(view, FEW_TABLES)
    seeds.show(view)
    families.show(view)
    _reproduce(view)
    timing.show(view, wanted, clock)


def _ask(view: GridView) -> float:
    """Draw the choice of the wanted recall, and the button for its best setting; return the wanted recall."""
    with st.container(border=True, key="target"):
        left, right = st.columns([3, 2], gap="medium", vertical_alignment="bottom")
        _read_fraction()
        percentage = left.slider(
            "Recall you want: the share of the 10 truly nearest clips that LSH should find",
            *(*WANTED_PERCENT, 90),
            format="%d %%",
            key=session.WANTED_RECALL.name,
            bind="query-params",
        )
        wanted = percentage / 100
        with st.container(key="reason"):
            why = st.empty()
        wish = (view.context.index_key, wanted)
        right.button(
            f"Best setting for recall ≥ {percent(wanted)}",
            key="best",
            type="primary",
            width="stretch",
            on_click=long_work.request,
            args=("best", wish),
        )
    moves = long_work.result("best", wish, partial(_choose_best, view, wanted, why))
    if moves:
        long_work.forget("best")
        session.move_sliders(**moves)
        session.rerun()
    why.markdown(_why(view, wanted))
    return wanted


def _read_fraction() -> None:
    """Read a link in which the wanted recall is a fraction, such as 0.9, as links had it before percentages."""
    linked = st.query_params.get(session.WANTED_RECALL.name, "")
    if not session.WANTED_RECALL.is_set and re.fullmatch(r"0?\.\d{1,9}", linked, re.ASCII):
        wanted = round(100 * float(linked))
        if WANTED_PERCENT[0] <= wanted <= WANTED_PERCENT[1]:
            session.WANTED_RECALL.set(wanted)


def _choose_best(view: GridView, wanted: float, why: DeltaGenerator) -> dict[str, int]:
    """Find the best setting with its progress in `why`, and store the reason; return the setting, {} if there is none.

    The setting has the names of `session.move_sliders`.
    """

    def tell(step: str) -> None:
        why.markdown(plain(f"{capitalised(step)}…"))

    wish = (view.context.index_key, wanted)
    try:
        chosen = plan(view.index, view.sample.queries, k=K_NEIGHBOURS, recall=wanted, rows=view.own_rows, progress=tell)
    except LSHError as error:
        session.CHOSEN_SETTING.set((wish, None, f"{error}."))
        return {}
    n_tables, n_bits, n_probes = (chosen.setting[name] for name in ("n_tables", "n_bits", "n_probes"))
    session.CHOSEN_SETTING.set((wish, (n_tables, n_bits, n_probes), f"{chosen.why}{_tried_on(view)}"))
    return {"n_tables": n_tables, "n_bits": n_bits, "n_probes": n_probes}


def _tried_on(view: GridView) -> str:
    """Return a sentence that says where settings were tried, if that is a part of the collection; else ""."""
    if view.part is None:
        return ""
    return f" Tried among {view.index.n:,} clips: among all, a search takes longer, and the index more memory."


def _why(view: GridView, wanted: float) -> str:
    """Return why this setting was chosen, if it was, else how the setting in force compares with the wanted recall."""
    s = view.context.settings
    wish, chosen, because = session.CHOSEN_SETTING.get()
    if wish == (view.context.index_key, wanted) and chosen in (None, (s.n_tables, s.n_bits, s.n_probes)):
        return plain(because, longest=1000)
    return compare_with_wanted(view.grid, view.here, wanted)


def _every_setting(view: GridView, wanted: float) -> None:
    st.header("Every setting at once")
    chart, aside = st.columns(BESIDE, gap="large", vertical_alignment="center")
    with chart, st.container(key=heat_map_clicks.CHART):
        figure = partial(heat_map, view.grid, view.here, wanted, view.mode)
        draw(
            figure,
            f"Heat map of recall at every setting, with the line of recall {percent(wanted)}. You are at "
            f"{setting(*view.here)}: recall {percent(view.here_recall)}. Recall grows with L and falls with K.",
            "settings",
        )
        heat_map_clicks.handle()
    with aside:
        st.markdown(reaching(view.grid, wanted, view.sample))
        st.markdown("The setting of each recall that looks at the fewest clips:")
        draw_table(cheapest_table(view.grid, wanted))


def _cost(view: GridView, wanted: float) -> DeltaGenerator:
    """Draw recall against clips looked at; return the place for recall against time, measured last."""
    st.header("What recall costs")
    st.markdown("Each line is one K; along it, L grows from 1 table to 32. Up and to the left is better.")
    left, right = st.columns(2, gap="large")
    cost = candidate_cost(view.grid.candidate_fraction)
    with left:
        draw(
            partial(trade_off, view.grid, cost, view.here, (view.here_looked_at, view.here_recall), wanted, view.mode),
            f"Recall against clips looked at, one line for each K as L grows. You are at {percent(view.here_recall)} "
            f"recall with {cost.text(view.here_looked_at)}; exact search looks at all clips.",
            "looked at",
        )
        st.markdown(doubling(view.grid, view.here))
        draw_table(doubling_table(view.grid, view.here, FEW_TABLES))
    return right.container()


def _reproduce(view: GridView) -> None:
    st.header("Reproduce")
    every = "" if view.part is None else ", but among all clips"
    st.markdown(f"The same figures for your setting{every}, from the command line:")
    st.code(
        commands.evaluate(view.context.dataset.path, view.context.settings, len(view.sample.rows)),
        language="bash",
    )
    if view.context.settings.metric == "euclidean" and view.context.settings.bucket_width is not None:
        st.markdown("The command line takes the default bucket width, not the one that you set.")


def compare_with_wanted(grid: Grid, here: tuple[int, int], wanted: float) -> str:
    """Compare the setting in force with the wanted recall."""
    recall, looked_at = grid.at(*here)
    now = (
        f"Now, at **{setting(*here)}**, LSH finds **{percent(recall)}** of the 10 nearest by looking at "
        f"{percent(looked_at)} of the clips."
    )
    if recall >= wanted:
        return f"{now} That is the {percent(wanted)} you want, or more. The button looks for a setting that is faster."
    return f"{now} That falls short of the {percent(wanted)} you want. The button finds the fastest that reaches it."


def reaching(grid: Grid, wanted: float, sample: Sample) -> str:
    """State how many settings reach the wanted recall, and how that was measured."""
    reaching, every = int((grid.recall >= wanted).sum()), grid.recall.size
    how = f"Measured with {sample.in_words}."
    if reaching == 0:
        return f"None of the {every} settings reaches a recall of {percent(wanted)}. Ask for less, or add probes. {how}"
    return f"{reaching} of {every} settings reach a recall of {percent(wanted)}: those on the line and below it. {how}"


def doubling_table(grid: Grid, here: tuple[int, int], tables: Sequence[int]) -> pd.DataFrame:
    """Tabulate recall and clips looked at, at the current K, for a few L and the one in force."""
    rows = []
    for n_tables in sorted({*tables, here[0]}):
        recall, looked_at = grid.at(n_tables, here[1])
        you = "you are here" if n_tables == here[0] else ""
        rows.append((str(n_tables), percent(recall), percent(looked_at), you))
    return pd.DataFrame(rows, columns=["L", "recall", "looked at", f"at K = {here[1]}"])
