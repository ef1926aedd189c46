"""Controls of the sidebar, shared by all pages and bound to the URL: dataset, metric, L, K, probes, seed, width."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from data_prep.dataset import Dataset, open_dataset
from lsh import LSHIndex
from lsh.params import SearchSetting
from ui import cluster
from ui.model import lens, loading, session, state, visits
from ui.model.loading import DatasetContext
from ui.model.state import DEFAULTS, MAX_BITS, MAX_PROBES, MAX_SEED, MAX_TABLES, METRICS, Settings
from ui.model.text import clean

_READY = "Of a collection of this size only indexes that are ready are used: `python -m lsh build` makes one."
_OTHER_DISTANCE = f"The index for the other distance takes too long to build here. {_READY}"
_OTHER_SEED = f"Another seed is another index, which takes too long to build here. {_READY}"
_SPREAD = "On the cluster lies one index, of this distance and of seed 0. Tables, bits and probes can be chosen freely."
_PAGES_WITHOUT_SLIDERS = (
    "ask",
    "teach",
    "crate",
    "tidy",
    "data",
)  # at the bottom of a phone's screen: these pages begin without a search
_SLIDERS = {  # label, maximum, help; in the order of an index's default setting
    session.N_TABLES: (
        "Tables, L",
        MAX_TABLES,
        "How many hash tables are looked into. More tables: more neighbours found, more clips looked at.",
    ),
    session.N_BITS: (
        "Bits per key, K",
        MAX_BITS,
        "How many bits a key has. More bits: smaller buckets, fewer clips looked at, fewer neighbours found.",
    ),
    session.N_PROBES: (
        "Probes",
        MAX_PROBES,
        "How many buckets are looked up in each table: the query's own, then the ones nearest to it.",
    ),
}


def choose_dataset(datasets: Mapping[str, Path]) -> str:
    """Draw the choice of the dataset and return its name, as in the URL: its folder under `data`.

    Streamlit would write the titles shown into the URL, so the name is written here.
    """
    names = list(datasets)
    linked = state.parse(visits.link(), names).dataset
    # A new link, or Back; or another page was opened by the app, where Streamlit may drop the widget's value.
    if session.LINKED_DATASET.get() != linked or not session.DATASET.is_set:
        session.DATASET.set(linked)
        session.LINKED_DATASET.set(linked)
    else:  # of a run that another one interrupts, the browser may not show what was set
        session.DATASET.set(session.DATASET.get())
    titles = {name: _title(path, name) for name, path in datasets.items()}
    repeated = Counter(titles.values())
    chosen = st.sidebar.selectbox(
        "Collection",
        names,
        format_func=lambda name: clean(f"{name} · {titles[name]}" if repeated[titles[name]] > 1 else titles[name], 60),
        key=session.DATASET.name,
        on_change=_change_dataset,
        args=(names[0],),
        help="The sounds that you search. Prepare another with `python -m data_prep`.",
    )
    return chosen if chosen in datasets else names[0]


def draw_included(context: DatasetContext) -> None:
    """Draw one line with the datasets that come with the app: the open one as text, the others as buttons."""
    datasets, here = context.datasets, context.dataset
    included = {name: datasets[name] for name in loading.INCLUDED if name in datasets}
    if len(included) < 2 or here.path not in included.values():
        return
    with st.container(key="included", horizontal=True, vertical_alignment="center"):
        for name, path in included.items():
            n_clips = sum(_manifest(path)["rows"].values())
            label = f"{n_clips:,} {loading.INCLUDED[name]}"
            if path == here.path:
                st.markdown(f"**{label}**", width="content")
            else:
                draw_open_button(context, name, label)


def draw_open_button(context: DatasetContext, name: str, label: str) -> None:
    """Draw a button that opens another of the datasets."""
    default = next(iter(context.datasets))
    st.button(label, key=f"open {name}", on_click=open_collection, args=(name, default))


def choose_metric(dataset: Dataset, datasets: list[str]) -> Settings:
    """Draw the choice of the distance; return the settings of the URL with it."""
    with st.sidebar:
        st.segmented_control(
            "Distance",
            metrics := loading.metrics_of(dataset),
            default=dataset.metric,
            required=True,
            key=session.METRIC.name,
            bind="query-params",
            help="Cosine compares directions, Euclidean compares places; each has its own family of hashes.",
        )
        if len(metrics) < len(METRICS) and cluster.scheduler() is None:
            st.caption(_OTHER_DISTANCE)
    return _parsed({**visits.link(), session.METRIC.name: session.METRIC.get()}, dataset, datasets)


def choose_index(dataset: Dataset, datasets: list[str]) -> tuple[Settings, DeltaGenerator, DeltaGenerator | None]:
    """Draw seed and width, which decide the index; return the settings so far, and places for sliders and width.

    There is no place for a width where the distance has none.
    """
    with st.sidebar, st.container(key="lsh-controls"):
        sliders = st.container()
        with st.expander("Advanced"):
            if loading.is_large(dataset):
                st.caption(_OTHER_SEED if cluster.scheduler() is None else _SPREAD)
            else:
                _advanced()
            width = st.empty() if session.METRIC.get() == "euclidean" else None
    return _settings(dataset, datasets), sliders, width


def choose_search(
    place: DeltaGenerator, dataset: Dataset, datasets: list[str], default: SearchSetting | None
) -> Settings:
    """Draw tables, bits and probes, by default those of the index; return the settings in force.

    A slider that the visitor has not moved follows the default to another index. Moved ones are in the URL. Without an
    index, default is None, and the sliders keep what they have.
    """
    before = session.SLIDER_DEFAULTS.get()
    default = default or before or SearchSetting(DEFAULTS.n_tables, DEFAULTS.n_bits, DEFAULTS.n_probes)
    for key, (label, most, meaning), usual, last in zip(
        _SLIDERS, _SLIDERS.values(), default, before or default, strict=True
    ):
        if key.is_set and key.get() == last:
            key.set(usual)
        place.slider(label, 1, most, usual, key=key.name, bind="query-params", help=meaning, on_change=_keep_lens)
    session.SLIDER_DEFAULTS.set(default)
    if session.PAGE.get() not in _PAGES_WITHOUT_SLIDERS:
        _mobile_sliders()
    return _settings(dataset, datasets, default)


def draw_width(place: DeltaGenerator | None, settings: Settings, index: LSHIndex) -> None:
    """Show the index's bucket width below its input."""
    if place is not None and index.bucket_width is not None:
        origin = "from the data" if settings.bucket_width is None else "yours"
        place.caption(f"w is {index.bucket_width:.3g}, {origin}.")


def _settings(dataset: Dataset, datasets: list[str], *search: SearchSetting) -> Settings:
    """Return the settings of the widgets, and of the URL."""
    raw = {**visits.link(), **{key.name: key.get() for key in session.SETTINGS}}
    return _parsed(raw, dataset, datasets, *search)


def _parsed(raw: Mapping[str, object], dataset: Dataset, datasets: list[str], *search: SearchSetting) -> Settings:
    """Return settings by URL parameter, without those that need an index which is not built in the app."""
    if loading.is_large(dataset):
        raw = {name: raw[name] for name in raw if name not in {session.SEED.name, session.BUCKET_WIDTH.name}}
    settings = state.parse(raw, datasets, dataset.metric, *search)
    return settings if settings.metric in loading.metrics_of(dataset) else replace(settings, metric=dataset.metric)


def _mobile_sliders() -> None:
    """Draw tables and bits in a bar at the bottom too, shown on screens too narrow for an open sidebar."""
    now = f"Tables {session.N_TABLES.get()} · Bits {session.N_BITS.get()}"
    with st.bottom.popover(now, width="stretch", key="mobile-sliders"):
        mirrored_slider("mobile", session.N_TABLES)
        mirrored_slider("mobile", session.N_BITS)


def mirrored_slider(place: str, of: session.Key[int | None]) -> None:
    """Draw a second copy of a slider of the sidebar, with `place` in its key; moving either moves both."""
    label, most, _ = _SLIDERS[of]
    mirror = session.mirror(place, of)
    mirror.set(of.get())

    def move() -> None:
        of.set(mirror.get())
        _keep_lens()

    # Without a default, Streamlit would look for one among copies of all values of the session.
    st.slider(label, 1, most, 1, key=mirror.name, on_change=move)


def _advanced() -> None:
    st.number_input(
        "Seed",
        0,
        MAX_SEED,
        DEFAULTS.seed,
        key=session.SEED.name,
        bind="query-params",
        help="LSH draws its hashes at random. Another seed is another draw: the index is built anew.",
    )
    if session.METRIC.get() == "euclidean":
        st.number_input(
            "Bucket width, w",
            min_value=0.0,
            max_value=state.MAX_WIDTH,
            value=None,
            placeholder="from the data",
            key=session.BUCKET_WIDTH.name,
            bind="query-params",
            help="How wide a bucket is along each projection. Another width builds the index anew.",
        )


def _keep_lens() -> None:
    """Keep the lens on, where it is optional, when a slider moves to its default and so leaves the URL."""
    if session.LENS.is_set:
        lens.switch(on=True)


def _title(path: Path, name: str) -> str:
    try:
        return str(_manifest(path)["title"])
    except Exception:  # noqa: BLE001  a damaged dataset is listed by its folder's name; choosing it opens its error page
        return name


def _manifest(path: Path) -> Mapping[str, Any]:
    """Return the manifest of a dataset that is listed, whose tables take long to read. Raises DatasetError, OSError."""
    return _manifest_of(path, loading.version_of(path / "manifest.json"))


@lru_cache(64)
def _manifest_of(path: Path, version: tuple[int, int, int]) -> Mapping[str, Any]:  # noqa: ARG001  (when it is read again)
    return open_dataset(path).manifest


def open_collection(name: str, default: str) -> None:
    """Open another collection; for callbacks. default: the name of the one that opens first."""
    session.DATASET.set(name)
    _change_dataset(default)


def _change_dataset(default: str) -> None:
    """Write the choice into the URL, without clip, trail, filter and list, which belong to the dataset before."""
    chosen = session.DATASET.get()
    if chosen == session.LINKED_DATASET.get():
        return  # Streamlit dropped the value when the app opened another page, and the browser has sent it again
    session.LINKED_DATASET.set(chosen)
    visits.write_link(dataset=chosen if chosen != default else None, clip=None, trail=None, find=None, only=None)
