"""Conditions on clips: which rows of a split have some labels, a folder, a length, or values of metadata.

What a condition is about is its kind: "any", "all" or "not" (labels), "folder", "split", "length", or a column of
metadata, as "extra_site". A label counts where a clip has it itself, not where it has one below it in the ontology.
Columns are compared as a whole by Arrow; no value becomes an object of Python.
"""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_prep.arrays import BoolArray, Float64Array, Int64Array
from data_prep.dataset import clip_names
from data_prep.dataset.reader import Dataset
from data_prep.dataset.schema import EXTRA_PREFIX, SPLITS, UNKNOWN_END_S

LABEL_KINDS = ("any", "all", "not")
Form = Literal["label", "choice", "number", "date"]  # of a condition: labels, some of a few values, or a range
Bound = float | dt.date | None  # of a range; None where it is open

_DAY = dt.timedelta(days=1)
_LAST_DAY = dt.date.max - _DAY


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition: the clip has one of the values (of kind "all" each, of "not" none), or is within low to high.

    values: names of labels, folders as in the paths, splits, or values of a column as text. low, high: of a range,
    both included; of dates the whole day.
    """

    kind: str
    values: tuple[str, ...] = ()
    low: Bound = None
    high: Bound = None


def forms_of(dataset: Dataset) -> dict[str, Form]:
    """Return the kinds of conditions that clips of a dataset can meet, each with its form."""
    forms: dict[str, Form] = {}
    if dataset.label_names:
        forms |= dict.fromkeys(LABEL_KINDS, "label")
    if dataset.media == "file":
        forms["folder"] = "choice"
    forms |= {"length": "number", "split": "choice"}
    for field in dataset.clips("train").schema:
        if field.name.startswith(EXTRA_PREFIX):
            forms[field.name] = _form_of(clip_names.item_type(field.type))
    return forms


def _form_of(kind: Any) -> Form:
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return "number"
    return "date" if pa.types.is_date(kind) or pa.types.is_timestamp(kind) else "choice"


def rows_meeting(dataset: Dataset, split: str, conditions: Collection[Condition]) -> BoolArray:
    """Return which rows of a split meet all conditions, whose kinds are of `forms_of(dataset)`: bool[n]."""
    every = np.ones(dataset.n_rows(split), np.bool_)
    return reduce(np.logical_and, (_rows_meeting(dataset, split, one) for one in conditions), every)


def _rows_meeting(dataset: Dataset, split: str, one: Condition) -> BoolArray:
    if one.kind == "split":
        return np.full(dataset.n_rows(split), split in one.values)
    if one.kind in LABEL_KINDS:
        return _rows_labelled(dataset, split, one)
    if forms_of(dataset)[one.kind] == "choice":
        return _rows_with_value(dataset, split, one)
    rows, values = _numbers(dataset, split, one.kind)
    within = [pc.greater_equal(values, _scalar(one.low, values.type))] if one.low is not None else []
    if isinstance(one.high, dt.date) and pa.types.is_timestamp(values.type):
        within.append(pc.less(values, _scalar(min(one.high, _LAST_DAY) + _DAY, values.type)))
    elif one.high is not None:
        within.append(pc.less_equal(values, _scalar(one.high, values.type)))
    mask = np.zeros(dataset.n_rows(split), np.bool_)
    mask[rows[clip_names.true_at(reduce(pc.and_, within, pc.is_valid(values)))]] = True
    return mask


def _rows_with_value(dataset: Dataset, split: str, one: Condition) -> BoolArray:
    mask = np.zeros(dataset.n_rows(split), np.bool_)
    for _, rows, values in clip_names.blocks(dataset, [split], one.kind):
        if one.kind == "folder":
            within = [pc.starts_with(values, f"{folder}/") for folder in one.values]
            answers: Any = reduce(pc.or_, within, pa.array(np.zeros(len(values), np.bool_)))
        else:
            answers = pc.is_in(values, pa.array(one.values, pa.string()))
        mask[rows[clip_names.true_at(answers)]] = True
    return mask


def _rows_labelled(dataset: Dataset, split: str, one: Condition) -> BoolArray:
    if one.kind == "all":
        each = [dataset.has_label(split, _indices(dataset, [name])) for name in one.values]
        return reduce(np.logical_and, each, np.ones(dataset.n_rows(split), np.bool_))
    has_any = dataset.has_label(split, _indices(dataset, one.values))
    return ~has_any if one.kind == "not" else has_any


def _indices(dataset: Dataset, names: Collection[str]) -> list[int]:
    """Return the indices of the labels of these names, which need not be unique."""
    return [index for index, name in enumerate(dataset.label_names) if name in names]


def _numbers(dataset: Dataset, split: str, kind: str) -> tuple[Int64Array, Any]:
    """Return the values of a column of numbers or dates, or the lengths of the clips, and their rows: int64[m].

    A length that is not known is null. Times in a zone are those of its clocks.
    """
    table: Any = dataset.clips(split)
    if kind == "length":
        end: Any = table["end_s"]
        length = pc.subtract(end, table["start_s"])
        values = pc.if_else(pc.less(end, pa.scalar(UNKNOWN_END_S)), length, pa.scalar(None, pa.float64()))
    else:
        values = table[kind]
    values = values.combine_chunks()
    rows = np.arange(len(values))
    if pa.types.is_list(values.type):
        rows, values = np.asarray(pc.list_parent_indices(values)), values.flatten()
    if pa.types.is_timestamp(values.type) and values.type.tz is not None:
        values = pc.local_timestamp(values)
    return rows, values


def numbers_of(dataset: Dataset, split: str, kind: str) -> Float64Array:
    """Return the number of each clip of a split, float64[n], by which clips can be sorted; NaN where it has none.

    kind: of the form "number" or "date", which counts in the units of its type; of a list the least value.
    """
    rows, values = _numbers(dataset, split, kind)
    whole: Any = (
        values if pa.types.is_floating(values.type) or pa.types.is_integer(values.type) else _as_integers(values)
    )
    found = np.full(dataset.n_rows(split), np.nan)
    np.fmin.at(found, rows, np.asarray(pc.fill_null(whole.cast(pa.float64(), safe=False), np.nan)))
    return found


def _as_integers(dates: Any) -> Any:
    return dates.cast(pa.int32() if pa.types.is_date32(dates.type) else pa.int64())


def _scalar(bound: Any, kind: Any) -> Any:
    """Return a bound of a range as a value of Arrow that compares with values of a type."""
    if isinstance(bound, dt.date):
        at = dt.datetime.combine(bound, dt.time()) if pa.types.is_timestamp(kind) else bound
        return pa.scalar(at, kind)
    return pa.scalar(float(bound), pa.float64())


def unknown_values(dataset: Dataset, one: Condition) -> tuple[str, ...]:
    """Return those values of a condition that no clip of the dataset has."""
    if one.kind in LABEL_KINDS:
        known: Collection[str] = set(dataset.label_names)
    elif one.kind == "split":
        known = SPLITS
    elif one.kind == "folder":
        known = [name for name in one.values if _occurs(dataset, name)]
    elif forms_of(dataset)[one.kind] == "choice":
        wanted, known = pa.array(one.values, pa.string()), set()
        for _, _, values in clip_names.blocks(dataset, SPLITS, one.kind):
            found: Any = pc.unique(values.filter(pc.is_in(values, wanted)))
            known |= set(found.to_pylist())
    else:
        known = one.values
    return tuple(value for value in one.values if value not in known)


def _occurs(dataset: Dataset, folder: str) -> bool:
    return any(_rows_with_value(dataset, split, Condition("folder", (folder,))).any() for split in SPLITS)


def choices(dataset: Dataset, kind: str, most: int) -> tuple[list[tuple[str, int]], int]:
    """Return the values of a kind of the form "choice" with their numbers of clips, and how many there are in all.

    The most frequent `most` come first; folders are all that contain clips or other folders, in alphabetical order.
    """
    counts = [(split, dataset.n_rows(split)) for split in SPLITS if dataset.n_rows(split)]
    if kind == "split":
        return counts, len(counts)
    parts = [values for _, _, values in clip_names.blocks(dataset, SPLITS, kind)]
    whole: Any = pa.chunked_array(parts) if parts else pa.chunked_array([pa.array([], pa.string())])
    counted: Any = pc.value_counts((clip_names.compared("folder", whole) if kind == "folder" else whole).drop_null())
    values, numbers = counted.field(0), np.asarray(counted.field(1))
    if kind == "folder":
        found = _with_parents(values.to_pylist(), numbers.tolist())
        return found[:most], len(found)
    order = np.argsort(-numbers, kind="stable")[:most]
    return list(zip(values.take(pa.array(order)).to_pylist(), numbers[order].tolist(), strict=True)), len(values)


def _with_parents(folders: Sequence[str], numbers: Sequence[int]) -> list[tuple[str, int]]:
    """Return folders and those that contain them, each with its clips and those of all folders in it."""
    counts: dict[str, int] = {}
    for folder, number in zip(folders, numbers, strict=True):
        parts = folder.split("/")
        for depth in range(1, len(parts) + 1):
            name = "/".join(parts[:depth])
            counts[name] = counts.get(name, 0) + number
    return sorted((name, count) for name, count in counts.items() if name)


def limits(dataset: Dataset, kind: str) -> tuple[Bound, Bound]:
    """Return the least and the greatest value of a kind that has a range; None where no clip has one."""
    found: list[Any] = []
    for split in SPLITS:
        _, values = _numbers(dataset, split, kind)
        if pa.types.is_floating(values.type):
            values = values.filter(pc.is_finite(values))
        least_and_greatest: Any = pc.min_max(values)
        found += [value for value in least_and_greatest.as_py().values() if value is not None]
    dates = [value.date() if isinstance(value, dt.datetime) else value for value in found]
    return (min(dates), max(dates)) if dates else (None, None)
