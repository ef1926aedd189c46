"""Session state: every key of this app with its type. No other module of `ui` reads or writes `st.session_state`.

A key that is also the `key` of a widget holds the widget's value; those are marked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, NamedTuple, NoReturn, TypeVar, cast

import streamlit as st

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamlit.navigation.page import StreamlitPage

    from data_prep.sounds.query import SoundQuery
    from lsh.analysis.racing import Setting
    from lsh.params import SearchSetting
    from ui.model.race_runs import Run
    from ui.model.setting_metrics import SettingMetrics

T = TypeVar("T")

_MAX_MOVES = 12
_FILTER_WIDGET = "filter by "  # begins the names of the filter panel's widgets


class Key(Generic[T]):
    """One entry of the session state: its name, and its value while nothing is stored."""

    def __init__(self, name: str, default: T) -> None:
        self.name, self.default = name, default

    @property
    def is_set(self) -> bool:
        """Return whether anything is stored."""
        return self.name in st.session_state

    def get(self) -> T:
        """Return the stored value, or the default."""
        return cast("T", st.session_state.get(self.name, self.default))

    def set(self, value: T) -> None:
        """Store a value; of a widget only in callbacks or before it is drawn."""
        st.session_state[self.name] = value

    def pop(self) -> T:
        """Return the stored value, or the default, and store nothing any more."""
        return cast("T", st.session_state.pop(self.name, self.default))


class Move(NamedTuple):
    """A widget moved by the app: its name, its URL parameter and value before, and its value after."""

    name: str
    linked: str | None
    before: object
    after: object


# Settings: widgets of the sidebar, each bound to the URL parameter of its name. A widget that is not drawn has none.
DATASET: Key[str | None] = Key("dataset", None)
METRIC: Key[str | None] = Key("metric", None)
N_TABLES: Key[int | None] = Key("L", None)
N_BITS: Key[int | None] = Key("K", None)
N_PROBES: Key[int | None] = Key("probes", None)
SEED: Key[int | None] = Key("seed", None)
BUCKET_WIDTH: Key[float | None] = Key("w", None)
SETTINGS: tuple[Key[Any], ...] = (DATASET, METRIC, N_TABLES, N_BITS, N_PROBES, SEED, BUCKET_WIDTH)

# Navigation and the link
PAGES: Key[Mapping[str, StreamlitPage]] = Key("pages", {})  # by path
TITLE: Key[str] = Key("title", "Earshot")  # of the browser's tab, at the last run
OPENS_LISTEN: Key[bool] = Key("opens listen", default=False)  # the next run goes to Listen
PAGE: Key[str | None] = Key("page", None)  # the path of the page drawn last
CARRIED: Key[dict[str, str] | None] = Key("carried", None)  # URL parameters that belong to no widget
LINKED_DATASET: Key[str | None] = Key("linked dataset", None)  # of the URL at the last run
FIRST_LINK: Key[Mapping[str, str] | None] = Key("first link", None)  # URL parameters of the first run, until checked
MOVES: Key[tuple[Move, ...]] = Key("moves", ())  # of widgets by the app, the oldest first
SLIDER_DEFAULTS: Key[SearchSetting | None] = Key("slider defaults", None)  # of the last run

# Clips
LENS: Key[bool | None] = Key("lens", None)  # widget: whether to show what LSH finds
MORE_HITS: Key[tuple[str, int]] = Key("more hits", ("", 0))  # of this choice: clips listed beyond the first
SORTED: Key[str | None] = Key("sort", None)  # widget of the list of hits, bound to the URL
MOVED: Key[bool] = Key("moved", default=False)  # the query has changed, and what a fragment draws is not all
ANSWERED: Key[Mapping[str, int]] = Key("answered", {})  # kind of press -> number of the last one that was handled
UNPLAYABLE: Key[frozenset[str]] = Key("unplayable", frozenset())  # ids of videos that YouTube has refused to play
HIDDEN: Key[tuple[str, frozenset[str]]] = Key(
    "hidden", ("", frozenset())
)  # a dataset, and clips that the visitor hides
HIDES_UNPLAYABLE: Key[bool | None] = Key("hides unplayable", None)  # widget: whether their clips are hidden
NARROW: Key[bool] = Key("narrow", default=False)  # widget: whether the panel of filters is open
FILTERS_PAGE: Key[str | None] = Key("filters page", None)  # where the panel of filters was drawn last
FILTER_COLUMN: Key[str | None] = Key("filter column", None)  # widget: the column of metadata to filter by
LAST_METRICS: Key[tuple[tuple[tuple[object, ...], SettingMetrics], ...]] = Key("last metrics", ())  # of two settings

# Pages
# Work of the page drawn last that takes long: name -> (what it is about,), with its result when it is done.
WORK: Key[Mapping[str, tuple[Any, ...]]] = Key("work", {})
STEP: Key[str] = Key("step", "")  # widget of Inside: the open step
CHAPTER: Key[str] = Key("chapter", "")  # widget of Learn: the open chapter
TABLE: Key[int | None] = Key("table", None)  # widget of Inside: the table shown, from 1
WANTED_RECALL: Key[int | None] = Key("recall", None)  # widget of Tune, bound to the URL: percent
# What was requested (index, recall), its best setting (L, K, probes) or None, and the reason: see `ui.pages.tune.page`.
CHOSEN_SETTING: Key[tuple[object, tuple[int, int, int] | None, str]] = Key("chosen setting", (None, None, ""))
RACES: Key[Mapping[str, Run]] = Key("races", {})  # by name, oldest first
RACE_COUNT: Key[int] = Key("race count", 0)
RACE_SHOWN: Key[tuple[str, Setting | None]] = Key("race shown", ("", None))
RACE_PINNED: Key[str | None] = Key("race pinned", None)
ASKED_SOUND: Key[tuple[str, SoundQuery] | None] = Key(
    "asked sound", None
)  # name of the sound given on Ask, and its feature
ASKED_FILE: Key[tuple[str, bytes] | None] = Key("asked file", None)  # name and content of that sound
# Name of the sound given on Ask, and what the browser plays: MIME type and bytes.
ASKED_PLAYED: Key[tuple[str, str, bytes] | None] = Key("asked played", None)
ASKED_BY: Key[str | None] = Key("asked by", None)  # "rec" or "file": input of the last sound
UPLOAD: Key[str | None] = Key("upload", None)  # the random name of the folder with the visitor's own files
TAUGHT: Key[str] = Key("teach", "")  # widget of Teach, bound to the URL: the name of the label
# A dataset, the name of a label, and the ids of the clips that are marked yes and no, as the browser has told them.
MARKS: Key[tuple[str, str, tuple[str, ...], tuple[str, ...]]] = Key("marks", ("", "", (), ()))
TEACH_ORDER: Key[str | None] = Key("teach order", None)  # widget of Teach: what is judged next
TEACH_LISTED: Key[tuple[object, tuple[str, ...]]] = Key(
    "teach listed", (None, ())
)  # of this list, the ids of its clips
NEARNESS: Key[str | None] = Key("near", None)  # widget of Tidy, bound to the URL
KEPT: Key[tuple[str, frozenset[str]]] = Key("kept", ("", frozenset()))  # a dataset, and clips chosen to be kept on Tidy
MAP_LABEL: Key[str | None] = Key("label", None)  # widget of Map, bound to the URL
MAP_COLOUR: Key[str | None] = Key("colour", None)  # widget of Map, bound to the URL: a column of the dataset
MAP_CANDIDATES: Key[bool] = Key("candidates", default=False)  # widget of Map, bound to the URL
MAP_LISTED: Key[tuple[str, tuple[int, ...], int]] = Key("map listed", ("", (), 0))  # id of a map, points, how many
MAP_PICKED: Key[str | None] = Key("map picked", None)  # clip id
MAP_PART_REQUESTED: Key[str | None] = Key("map part", None)  # "points" or "names"
MAP_SENT: Key[str | None] = Key("map sent", None)  # id of the map whose points the browser has
DOWNLOADING: Key[bool] = Key("downloading", default=False)  # the hosted dataset was being downloaded at the last run


def mirror(prefix: str, of: Key[int | None]) -> Key[int | None]:
    """Return the key of a second slider for a setting of the sidebar."""
    return Key(f"{prefix} {of.name}", None)


def filter_widget(name: str) -> Key[Any]:
    """Return the key of a widget of the filter panel: a kind of filter, or one end of its range."""
    return Key(f"{_FILTER_WIDGET}{name}", None)


def forget_filter_widgets_of_another_page() -> None:
    """Forget the values of the filter panel's widgets at its first drawing on a page.

    Streamlit still has those of the page before, but draws the widgets without them.
    """
    if FILTERS_PAGE.get() != PAGE.get():
        FILTERS_PAGE.set(PAGE.get())
        for name in [name for name in st.session_state if str(name).startswith(_FILTER_WIDGET)]:
            del st.session_state[name]


def event(component: str, name: str) -> Any:
    """Return the value of a component's event; None when it did not happen, or the component's page has been left."""
    return st.session_state.get(component, {}).get(name)


def rerun() -> NoReturn:
    """Run the page again, or open the page of a link that was pressed meanwhile.

    `st.rerun` alone would replace the waiting request for another page by one for this page.
    """
    st.empty()  # here a waiting request interrupts the run
    st.rerun()


def move_sliders(*, n_tables: int | None = None, n_bits: int | None = None, n_probes: int | None = None) -> None:
    """Set the sidebar's sliders when they are drawn next: in callbacks by this run, else by the next."""
    for key, value in ((N_TABLES, n_tables), (N_BITS, n_bits), (N_PROBES, n_probes)):
        if value is not None and value != key.get():
            move = Move(key.name, st.query_params.get(key.name), key.get(), value)
            MOVES.set((*MOVES.get(), move)[-_MAX_MOVES:])


def repeat_moves(*, by_back: bool) -> None:
    """Move those sliders again that a message of the browser has moved back; call before they are drawn.

    Each message holds the values of all widgets and the URL as the browser knew them. One that was sent before the
    browser knew of a move has the value and URL from before it. Any other value is the visitor's, and ends the move.
    by_back: the browser went back or forward in its history, so that the URL decides.
    """
    moves = () if by_back else MOVES.get()
    for name, after in {move.name: move.after for move in moves}.items():
        if (now := st.session_state.get(name)) == after:
            continue
        linked = st.query_params.get(name)
        if any(move[:3] == (name, linked, now) for move in moves):
            st.session_state[name] = after
        else:
            moves = tuple(move for move in moves if move.name != name)
    MOVES.set(moves)
