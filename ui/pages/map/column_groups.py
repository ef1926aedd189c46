"""Groups that colour the map by a column: the most frequent values, or parts of a range of numbers or dates."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data_prep.dataset import SPLITS, Dataset
from data_prep.dataset.schema import EXTRA_PREFIX
from ui.pages.map import ontology_roots
from ui.pages.map.ontology_roots import NONE, Groups

LABEL, FOLDER = "label", "folder"


def columns_of(dataset: Dataset) -> dict[str, str]:
    """Return what can colour the map, by title: the labels, the folder of one's own sounds, and columns of metadata."""
    schema = dataset.clips("train").schema
    columns = {"by label": LABEL, **({"by folder": FOLDER} if dataset.media == "file" else {})}
    for field in schema:
        if field.name.startswith(EXTRA_PREFIX) and not pa.types.is_nested(field.type):
            title = f"by {field.name.removeprefix(EXTRA_PREFIX)}"
            columns[f"{title} (metadata)" if title in columns else title] = field.name
    return columns


def groups_by(dataset: Dataset, shown: Sequence[int], column: str) -> Groups:
    """Return seven groups of the clips shown at most, by their values of a column; those without one have no group.

    column: one of the values of `columns_of`. shown: how many clips of train, validation and test the map shows, the
    first ones.
    """
    if column == LABEL:
        is_folder = ontology_roots.are_folders(dataset)
        return ontology_roots.by_label(dataset, shown, np.ones_like(is_folder) if is_folder.all() else ~is_folder)
    name = "media" if column == FOLDER else column
    parts = [dataset.clips(split)[name].slice(0, n) for split, n in zip(SPLITS, shown, strict=True)]
    values: Any = pa.chunked_array([chunk for part in parts for chunk in part.chunks], type=parts[0].type)
    if column == FOLDER:
        values = pc.replace_substring_regex(values, r"/?[^/]*$", "")
        values = pc.if_else(pc.equal(values, pa.scalar("")), "(no folder)", values)
    is_text = pa.types.is_string(values.type) or pa.types.is_boolean(values.type)
    names, of_clips = _by_value(values.cast(pa.string())) if is_text else _by_range(values)
    no_groups = (NONE,) * len(dataset.label_names)
    return Groups(names, of_clips, no_groups, are_branches=False, are_ordered=not is_text)


def _by_value(values: Any) -> tuple[tuple[str, ...], npt.NDArray[np.uint8]]:
    """Return the most frequent values, and the group of each clip."""
    counted = pc.value_counts(values.drop_null()).to_pylist()
    counted.sort(key=lambda one: (-one["counts"], one["values"]))
    names = [str(one["values"]) for one in counted[:NONE]]
    found: Any = pc.fill_null(pc.index_in(values, value_set=pa.array(names, pa.string())), NONE)
    return tuple(names), found.to_numpy().astype(np.uint8)


def _by_range(values: Any) -> tuple[tuple[str, ...], npt.NDArray[np.uint8]]:
    """Return parts of the range with about equally many clips each, and the group of each clip."""
    is_float = pa.types.is_floating(values.type)
    numbers: Any = values if is_float else values.cast(pa.int32() if values.type == pa.date32() else pa.int64())
    filled = np.asarray(pc.fill_null(numbers.cast(pa.float64(), safe=False), np.nan).to_numpy())
    known, group = np.isfinite(filled), np.full(len(filled), NONE, np.uint8)
    if not known.any():
        return (), group
    ordered = np.sort(filled[known])
    edges = np.unique(ordered[np.arange(NONE) * len(ordered) // NONE])  # the least value of each part
    group[known] = np.searchsorted(edges, filled[known], side="right") - 1
    names = []
    for part in range(len(edges)):
        rows = np.flatnonzero(group == part)
        ends = [_as_text(values[int(rows[pick(filled[rows])])].as_py()) for pick in (np.argmin, np.argmax)]
        names.append(" to ".join(dict.fromkeys(ends)))
    return tuple(names), group


def _as_text(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
