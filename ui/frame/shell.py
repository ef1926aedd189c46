"""Frame of every page: title, style, sidebar, and an error page where the dataset cannot be opened."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import streamlit as st

from data_prep.dataset import Dataset
from data_prep.errors import DataError
from lsh import LSHError
from ui import cluster, paths
from ui.filters import link, masks
from ui.format import plural
from ui.frame import controls, error_pages
from ui.model import lens, loading, media, session, state, visits
from ui.model.loading import DatasetContext, PageContext
from ui.model.state import Settings
from ui.model.text import clean, plain
from ui.paths import ASSETS, COMPONENTS
from ui.server import hosting, kernels, uploads
from ui.widgets import links

_COLOURS = {"background": "backgroundColor", "border": "borderColor"}
# These pages are about the whole collection and ten neighbours; the filter and the length of lists wait in the URL.
_OF_ALL_CLIPS = {"tune", "race", "inside", "learn", "data", "crate"}
STYLE = COMPONENTS / "page.css"
WAITING = "Many are listening at once. Your page is in the queue, and comes by itself."


def set_up() -> None:
    """Set the title, the icon, and the styles that Streamlit's theme cannot express."""
    icon = _data_url("icon.png", "image/png")
    st.set_page_config(session.TITLE.get(), page_icon=icon, layout="wide")
    st.logo(_data_url("logo.svg", "image/svg+xml"), icon_image=icon, size="large")
    st.html(_styles())


@cache
def _data_url(name: str, mime: str) -> str:
    """Return a picture of the app as an address. Of a file, Streamlit would read and check the format at each run."""
    return f"data:{mime};base64,{base64.b64encode((ASSETS / name).read_bytes()).decode()}"


@cache
def _styles() -> str:
    return f"{STYLE.read_text(encoding='utf-8')}<style>:root {{ {_theme_colours()} }}</style>"


def waiting_note() -> Callable[[], None]:
    """Return a function that tells a visitor to wait; in it, a request that came meanwhile interrupts the run."""
    note: Any = st

    def draw() -> None:
        nonlocal note
        note = note.toast(WAITING)  # after the first time in place of the one before

    return draw


def set_tab_title(page: str, context: DatasetContext) -> None:
    """Name the browser's tab by sound and page, as in "Bell, Church bell · Listen · Earshot"."""
    try:
        clip, _ = visits.current_clip(context)
    except LSHError:  # the dataset's own metric has no index, so no clip can be chosen; the page says why
        clip = None
    sound = [clean(media.title(context.dataset, clip).replace(" · ", ", "), 80)] if clip else []
    title = " · ".join([*sound, page, "Earshot"])
    if title != session.TITLE.get():  # which `set_up` has set
        session.TITLE.set(title)
        st.set_page_config(title)


def draw_preparation(context: DatasetContext) -> None:  # noqa: ARG001  (called in place of a page)
    """Draw what stands in place of a page that needs an index until searches can run."""
    st.title("Getting ready")
    st.markdown(
        "This page looks inside the fast search, which is being prepared for this machine, once. The page opens here "
        "by itself. Until then there is a lot to hear."
    )
    kernels.draw_progress()
    links.draw("listen", "Listen meanwhile")


def draw_elsewhere(context: PageContext) -> None:
    """Draw what stands in place of a page that reads the hash tables of a collection which is on a cluster."""
    st.title("Only on one machine")
    st.markdown(
        f"This page reads the hash tables themselves, and those of this collection's {context.index.n:,} clips lie on "
        "other machines. Sounds are searched there all the same: on Listen, Ask, Map and in your Crate. To see this "
        "page, open the app without `EARSHOT_SCHEDULER`."
    )
    links.draw("listen", "Listen instead")


def _draw_spread(index: Any) -> None:
    """Draw where the collection is searched."""
    parts, workers = plural(index.n_shards, "part"), plural(index.n_workers, "worker")
    st.sidebar.caption(f"Searched on a cluster: {index.n:,} clips in {parts}, on {workers}.")


def enter() -> DatasetContext | None:
    """Draw the sidebar and open the dataset chosen there, with its index once searches can run.

    None after an error page.
    """
    datasets = hosting.default_first(loading.datasets()) | uploads.datasets()
    if hosting.is_requested():
        with st.sidebar, st.container():  # empty after the download, so that what follows keeps its place
            if hosting.start(datasets) is not None:
                hosting.draw_progress()
    if not datasets:
        error_pages.no_data(paths.DATA)
        return None
    if not session.FIRST_LINK.is_set:
        session.FIRST_LINK.set(st.query_params.to_dict())
    name = controls.choose_dataset(datasets)
    try:
        dataset = loading.dataset_at(datasets[name])
    except DataError as error:
        error_pages.damaged(datasets[name], error)
        return None
    settings = controls.choose_metric(dataset, list(datasets))
    if kernels.preparation() is not None:
        with st.sidebar:
            kernels.draw_note()
        try:
            loading.numpy_search_for(dataset, settings)
        except LSHError as error:
            error_pages.unindexable(datasets[name], error, settings)
            return None
        return DatasetContext(_of_this_page(settings, dataset), dataset, datasets=datasets, hidden=visits.hidden(name))
    settings, sliders, width = controls.choose_index(dataset, list(datasets))
    try:
        index = loading.index_for(dataset, settings)
    except LSHError as error:
        controls.choose_search(sliders, dataset, list(datasets), None)
        error_pages.unindexable(datasets[name], error, settings)
        return None
    settings = controls.choose_search(sliders, dataset, list(datasets), index.default_setting)
    controls.draw_width(width, settings, index)
    if cluster.scheduler() is not None:
        _draw_spread(index)
    of_page = _of_this_page(settings, dataset)
    context = PageContext(of_page, dataset, index, datasets=datasets, hidden=visits.hidden(name))
    first = session.FIRST_LINK.get()
    if first is not None:
        session.FIRST_LINK.set(None)
        lens.switch_on_for(first, context)
        _report_rejected(first, list(datasets), settings)
    return context


def _of_this_page(settings: Settings, dataset: Dataset) -> Settings:
    """Return the settings with the filter as this collection knows it; of all clips where the page is about these."""
    if session.PAGE.get() in _OF_ALL_CLIPS:
        if settings.only and session.PAGE.get() not in {"crate", "data"}:
            st.sidebar.caption("Your filter waits on Listen, Ask and Map. This page is about all clips.")
        return replace(settings, k=state.K_NEIGHBOURS, only="")
    return replace(settings, only=link.as_text(masks.parsed(dataset, settings.only).conditions))


def _report_rejected(first: Mapping[str, str], datasets: list[str], settings: Settings) -> None:
    """Report values of a session's first link that are not allowed, which Streamlit drops silently."""
    search = settings.n_tables, settings.n_bits, settings.n_probes
    for note in state.rejected(first, state.parse(first, datasets, settings.metric, search)):
        st.toast(plain(note))


def _theme_colours() -> str:
    """Return the theme's colours as CSS variables, which change with the theme without another run."""
    of = {theme: f"theme.{theme}." for theme in ("light", "dark")}
    return " ".join(
        f"--{name}: light-dark({st.get_option(of['light'] + option)}, {st.get_option(of['dark'] + option)});"
        for name, option in _COLOURS.items()
    )
