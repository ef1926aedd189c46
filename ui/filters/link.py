"""Filters in the URL: conditions on clips as one parameter, such as `any:Dog|Cat;length:..2;extra_site:Ridge`.

Conditions are separated by `;`, values by `|`, the ends of a range by `..`, of which one may be missing. Inside a value
`%`, `;`, `|` and `:` are percent-encoded.
"""

import datetime as dt
import re
from dataclasses import replace
from typing import NamedTuple
from urllib.parse import unquote

from data_prep.dataset import Dataset, conditions
from data_prep.dataset.conditions import LABEL_KINDS, Bound, Condition, Form
from data_prep.dataset.schema import EXTRA_PREFIX
from ui.format import join_words

MAX_TEXT = 4000  # characters of a filter in the URL
MAX_VALUES = 20  # values of a condition
MAX_NUMBER = 1e15  # a bound of a range at most; whole numbers up to it are exact in a browser

Filtered = tuple[Condition, ...]

_NAMES = {"folder": "folder", "length": "length", "split": "split"}


class Parsed(NamedTuple):
    """The conditions of a link that a collection knows, and a sentence for each that it does not."""

    conditions: Filtered
    problems: tuple[str, ...]


def parse(text: str, dataset: Dataset) -> Parsed:
    """Return the conditions of a text of the URL; what the collection does not have is left out, and told."""
    forms = conditions.forms_of(dataset)
    found: dict[str, Condition] = {}
    problems: list[str] = []
    if len(text) > MAX_TEXT:
        return Parsed((), (f"The filter of this link is longer than {MAX_TEXT:,} characters, and is left out.",))
    for term in filter(None, text.split(";")):
        kind, _, rest = term.partition(":")
        kind = unquote(kind)
        if kind not in forms:
            problems.append(f"This collection has no “{kind[:40]}” to filter by; it is left out.")
            continue
        one = _range(kind, rest, forms[kind]) if forms[kind] in {"number", "date"} else _some_of(kind, rest)
        if one is None:
            example = "0.5..2" if forms[kind] == "number" else "2024-05-01..2024-05-31"
            problems.append(f"“{rest[:40]}” is no range of {name_of(kind)}, such as {example}; it is left out.")
            continue
        if unknown := conditions.unknown_values(dataset, one):
            named = join_words([f"“{value[:40]}”" for value in unknown[:3]], "or")
            problems.append(f"No {_what(kind)} here is called {named}; this is left out.")
            one = replace(one, values=tuple(value for value in one.values if value not in unknown))
        found[kind] = one
    every = (found[kind] for kind in forms if kind in found)
    return Parsed(tuple(one for one in every if _is_any(one)), tuple(problems))


def as_text(filtered: Filtered) -> str:
    """Return conditions as a text of the URL, from which `parse` makes the same."""
    terms = []
    for one in filtered:
        rest = "|".join(map(_quoted, one.values)) if one.values else f"{_bound(one.low)}..{_bound(one.high)}"
        terms.append(f"{_quoted(one.kind)}:{rest}")
    return ";".join(terms)


def with_condition(filtered: Filtered, one: Condition) -> Filtered:
    """Return conditions with one in place of that of its kind; without any, where it has neither values nor bounds."""
    others = tuple(other for other in filtered if other.kind != one.kind)
    return (*others, one) if _is_any(one) else others


def _is_any(one: Condition) -> bool:
    return bool(one.values) or one.low is not None or one.high is not None


def name_of(kind: str) -> str:
    """Return the name of a kind as people read it: "length", or that of a column."""
    return _NAMES.get(kind) or ("label" if kind in LABEL_KINDS else kind.removeprefix(EXTRA_PREFIX))


class Part(NamedTuple):
    """A part of a filter that can be removed alone: what it says, and the filter without it."""

    words: str
    rest: Filtered


def parts_of(filtered: Filtered) -> list[Part]:
    """Return the parts of a filter: each label of "all" and "not" is one; of others the values belong together."""
    parts = []
    for one in filtered:
        if one.kind in {"all", "not"}:
            for value in one.values:
                rest = with_condition(filtered, replace(one, values=tuple(v for v in one.values if v != value)))
                parts.append(Part(value if one.kind == "all" else f"not {value}", rest))
        else:
            parts.append(Part(_words(one), with_condition(filtered, Condition(one.kind))))
    return parts


def _words(one: Condition) -> str:
    """Return a condition in words: "Dog or Cat", "length from 0.5 to 2 s", "site: Ridge"."""
    if one.values:
        either = join_words(one.values, "or")
        return either if one.kind in LABEL_KINDS else f"{name_of(one.kind)}: {either}"
    unit = " s" if one.kind == "length" else ""
    low, high = (None if bound is None else _shown(bound) for bound in (one.low, one.high))
    if low == high:
        return f"{name_of(one.kind)} {low}{unit}"
    if low is None:
        return f"{name_of(one.kind)} up to {high}{unit}"
    return f"{name_of(one.kind)} from {low}{unit}" if high is None else f"{name_of(one.kind)} {low} to {high}{unit}"


def _shown(bound: Bound) -> str:
    return bound.isoformat() if isinstance(bound, dt.date) else _bound(bound)


def _what(kind: str) -> str:
    return name_of(kind) if kind in {*LABEL_KINDS, "folder", "split"} else f"value of {name_of(kind)}"


def _some_of(kind: str, text: str) -> Condition:
    """Return the condition of values in a text, such as "Dog|Cat"."""
    values = dict.fromkeys(unquote(value) for value in text.split("|")[:MAX_VALUES] if value)
    return Condition(kind, tuple(values))


def _range(kind: str, text: str, form: Form) -> Condition | None:
    """Return the condition of a range in a text, such as "0.5..2", "..2" or "0.5.."; None where it is none."""
    ends = unquote(text).split("..")
    if len(ends) != 2 or not any(ends):
        return None
    try:
        low, high = (_bound_of(end, form) for end in ends)
    except ValueError:
        return None
    if low is not None and high is not None and low > high:  # type: ignore[operator]
        return None
    return Condition(kind, (), low, high)


def _bound_of(text: str, form: Form) -> Bound:
    if not text:
        return None
    if form == "date":
        return dt.date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII) else _refuse(text)
    value = float(text)
    return value if abs(value) <= MAX_NUMBER else _refuse(text)


def _refuse(text: str) -> Bound:
    raise ValueError(text)


def _bound(bound: Bound) -> str:
    if bound is None:
        return ""
    return bound.isoformat() if isinstance(bound, dt.date) else repr(float(bound)).removesuffix(".0")


def _quoted(text: str) -> str:
    return re.sub("[%;|:]", lambda match: f"%{ord(match[0]):02X}", text)
