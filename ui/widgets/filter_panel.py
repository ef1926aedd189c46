"""Filters beside the results: a panel that sets them, and a row of what is set, each part of which can be removed.

A filter is in the URL (`ui.filters.link`); the widgets show what is there, and write there.
"""

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import streamlit as st

from data_prep.dataset import conditions
from data_prep.dataset.conditions import LABEL_KINDS, Condition
from data_prep.dataset.schema import EXTRA_PREFIX
from ui.filters import link, masks
from ui.format import capitalised, number
from ui.model import session, visits
from ui.model.loading import DatasetContext
from ui.model.text import clean, plain

MAX_COLUMNS = 6  # of metadata that are shown; of more, one is chosen
_LABELS = {
    "any": ("With any of these labels", "Clips that have at least one of them."),
    "all": ("With all of these labels", "Clips that have every one of them."),
    "not": ("With none of these labels", "Clips that have any of them are left out."),
}
_ITSELF = "A label counts where a clip has it itself, not where it has one below it in the ontology."
_MARKDOWN = re.compile(r"[^\w\s,.()-]|_")
_FIRST_DAY, _LAST_DAY = dt.date(1, 1, 1), dt.date(9999, 12, 31)


def draw_panel(context: DatasetContext, *, n_columns: int = 1, with_split: bool = False) -> None:
    """Draw the panel, folded: a widget per kind of filter, side by side in so many columns.

    with_split: also the choice of splits, for a page that shows those which are not searched.
    """
    panel = st.expander("Narrow the results", icon=":material/filter_alt:", key=session.NARROW.name, on_change="rerun")
    if panel.open:  # the values of a large collection take seconds to be counted
        with panel:
            _draw_widgets(context, n_columns, with_split=with_split)


def _draw_widgets(context: DatasetContext, n_columns: int, *, with_split: bool) -> None:
    session.forget_filter_widgets_of_another_page()
    forms = conditions.forms_of(context.dataset)
    named = {one.kind for one in _conditions(context)}
    kinds = [kind for kind in forms if _is_offered(context, kind, forms[kind], named, with_split=with_split)]
    columns = [kind for kind in kinds if kind.startswith(EXTRA_PREFIX)]
    others = [kind for kind in kinds if kind not in columns]
    if len(columns) > MAX_COLUMNS:
        chosen = st.selectbox(
            "Filter by metadata",
            columns,
            index=None,
            format_func=lambda kind: clean(link.name_of(kind), 60),
            key=session.FILTER_COLUMN.name,
            placeholder="a column of the metadata",
        )
        columns = [kind for kind in columns if kind == chosen or kind in named]
    places = st.columns(n_columns, gap="medium")
    for i, kind in enumerate([*others, *columns]):
        with places[i % n_columns]:
            _WIDGETS[forms[kind]](context, kind)


def draw_chips(context: DatasetContext) -> None:
    """Draw what the filter says, each part as a button that removes it, and a button that removes all of it.

    Parts of the URL that this collection does not know are told.
    """
    text = visits.link().get("only", "")
    found, problems = masks.parsed(context.dataset, text)
    if not found and not problems:
        return
    with st.container(horizontal=True, gap="small", key="filters", vertical_alignment="center"):
        if found:
            st.caption("Only:", width="content")
        for i, part in enumerate(link.parts_of(found)):
            st.button(
                plain(part.words, 60),
                key=f"filter {i}",
                icon=":material/close:",
                icon_position="right",
                help="Remove this part of the filter",
                on_click=visits.filter_by,
                args=(link.as_text(part.rest),),
            )
        if found:
            leaves_none = not masks.n_allowed(context.dataset, text)
            kind: Any = "primary" if leaves_none else "tertiary"
            st.button("Clear all", key="clear filters", type=kind, on_click=visits.filter_by, args=("",))
    for problem in problems:
        st.caption(plain(problem, 300))


def _is_offered(context: DatasetContext, kind: str, form: str, named: set[str], *, with_split: bool) -> bool:
    """Return whether a kind can tell clips apart here: it has several values, and some that clips share."""
    if kind in named or form == "label":
        return True
    if kind == "split":
        return with_split
    if form == "choice":
        known, total = masks.choices(context.dataset, kind)
        return total > 1 and (total <= masks.MAX_CHOICES or known[0][1] > 1)
    low, high = masks.limits(context.dataset, kind)
    return low != high


def _conditions(context: DatasetContext) -> link.Filtered:
    """Return the conditions of the URL."""
    return masks.parsed(context.dataset, visits.link().get("only", "")).conditions


def _condition(context: DatasetContext, kind: str) -> Condition:
    return next((one for one in _conditions(context) if one.kind == kind), Condition(kind))


def _write(context: DatasetContext, one: Condition) -> None:
    visits.filter_by(link.as_text(link.with_condition(_conditions(context), one)))


def _draw_choice(context: DatasetContext, kind: str) -> None:
    """Draw a choice of labels, folders, splits, or values of a column, with their numbers of clips."""
    now, key = _condition(context, kind), session.filter_widget(kind)
    dataset = context.dataset
    if kind in LABEL_KINDS:
        (title, meaning), counts = _LABELS[kind], dict[str, int]()
        names = sorted({name for name, n in zip(dataset.label_names, _label_counts(context), strict=True) if n})
        meaning = f"{meaning} {_ITSELF}"
    else:
        known, total = masks.choices(dataset, kind)
        counts = dict(known)
        names, title = list(counts), capitalised(link.name_of(kind))
        meaning = f"The first {len(names):,} of {total:,} are listed." if len(names) < total else ""

    def text_of(name: str) -> str:
        return f"{clean(name, 80)} ({counts[name]:,})" if name in counts else clean(name, 80)

    _show(key, list(now.values))
    st.multiselect(
        _title(title),
        [*names, *(value for value in now.values if value not in names)],
        key=key.name,
        format_func=text_of,
        placeholder="choose",
        max_selections=link.MAX_VALUES,
        help=meaning or None,
        on_change=lambda: _write(context, Condition(kind, tuple(key.get() or ()))),
    )


def _label_counts(context: DatasetContext) -> list[int]:
    counts = context.dataset.label_counts("train") + context.dataset.label_counts("validation")
    every: list[int] = (counts + context.dataset.label_counts("test")).tolist()
    return every


def _draw_range(context: DatasetContext, kind: str, draw: Callable[..., object]) -> None:
    """Draw two inputs for the ends of a range; ends in the wrong order are exchanged."""
    now = _condition(context, kind)
    name, unit = capitalised(link.name_of(kind)), " (s)" if kind == "length" else ""
    ends = {"from": now.low, "to": now.high}
    keys = {end: session.filter_widget(f"{kind} {end}") for end in ends}

    def take() -> None:
        low, high = (keys[end].get() for end in ends)
        low, high = (high, low) if low is not None and high is not None and low > high else (low, high)
        _write(context, Condition(kind, (), low, high))

    for place, end, limit in zip(st.columns(2, gap="small"), ends, masks.limits(context.dataset, kind), strict=True):
        with place:
            draw(_title(f"{name} {end}{unit}"), keys[end], ends[end], limit, take)


def _draw_numbers(context: DatasetContext, kind: str) -> None:
    limits = masks.limits(context.dataset, kind)
    one = _condition(context, kind)
    is_whole = all(isinstance(limit, int) for limit in limits) and all(
        bound is None or float(bound).is_integer()  # type: ignore[arg-type]
        for bound in (one.low, one.high)
    )
    of: type[int | float] = int if is_whole else float

    def draw(label: str, key: session.Key[Any], value: Any, limit: Any, take: Callable[[], None]) -> None:
        _show(key, None if value is None else of(value))
        shown = "" if limit is None else number(limit) if isinstance(limit, float) else str(limit)
        step: Any = 1 if is_whole else 0.1
        st.number_input(label, value=None, step=step, key=key.name, placeholder=shown, on_change=take)

    _draw_range(context, kind, draw)


def _draw_dates(context: DatasetContext, kind: str) -> None:
    def draw(label: str, key: session.Key[Any], value: Any, limit: Any, take: Callable[[], None]) -> None:
        _show(key, value)
        which = "earliest" if label.endswith(" from") else "latest"
        said = f"The {which} is {limit}." if limit else None
        st.date_input(
            label, value=None, min_value=_FIRST_DAY, max_value=_LAST_DAY, key=key.name, on_change=take, help=said
        )

    _draw_range(context, kind, draw)


def _show(key: session.Key[Any], value: Any) -> None:
    """Give a widget its value of the URL where it has another one.

    A value that is set is sent to the browser, in place of what the visitor may have chosen meanwhile.
    """
    now = key.get()
    if (now or value) and (now != value or type(now) is not type(value)):
        key.set(value)


def _title(text: str) -> str:
    """Return the title of a widget: with spaces for what Markdown may read, as screen readers read escapes aloud."""
    return clean(_MARKDOWN.sub(" ", text), 60)


_WIDGETS = {"label": _draw_choice, "choice": _draw_choice, "number": _draw_numbers, "date": _draw_dates}
