"""Search for clips by name: by label, by file name, and by a part of their id, in any case of letters."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc
import streamlit as st

from data_prep.dataset import Clip, Dataset
from ui.model.loading import splits_to_start_in

MAX_TEXT = 120  # characters of a search that are used


@dataclass(frozen=True, slots=True)
class Hits:
    """The clips that a text names, best matches first: split and rows int64[n] of each group, without repeats."""

    groups: tuple[tuple[str, npt.NDArray[np.int64]], ...]

    @property
    def total(self) -> int:
        """Return the number of clips."""
        return sum(len(rows) for _, rows in self.groups)

    def clip(self, dataset: Dataset, i: int) -> Clip:
        """Return clip `i`; IndexError when there are fewer."""
        for split, rows in self.groups:
            if i < len(rows):
                return dataset.clip(split, int(rows[i]))
            i -= len(rows)
        raise IndexError(f"there are only {self.total} hits")


def find(dataset: Dataset, text: str) -> Hits:
    """Return the clips that `text` names.

    First those with a label of this name, then with one that begins with it, then with one that contains it, then those
    whose file name or id contains it. An id in full names its clip alone.
    """
    wanted = " ".join(text[:MAX_TEXT].split()).casefold()
    return _find(dataset.fingerprint, wanted, dataset) if wanted else Hits(())


@st.cache_resource(max_entries=32, show_spinner=False)
def _find(fingerprint: str, wanted: str, _dataset: Dataset) -> Hits:  # noqa: ARG001  (the key)
    names = [" ".join(name.split()).casefold() for name in _dataset.label_names]
    tests = (wanted.__eq__, lambda name: name.startswith(wanted), lambda name: wanted in name)
    matching = [[i for i, name in enumerate(names) if test(name)] for test in tests]
    splits = splits_to_start_in(_dataset)
    seen = {split: np.zeros(_dataset.n_rows(split), bool) for split in splits}
    groups = []
    for which in (*matching, None):
        for split in splits:
            mask = _named(_dataset, split, wanted) if which is None else _labelled(_dataset, split, which)
            rows = np.flatnonzero(mask & ~seen[split])
            seen[split] |= mask
            if len(rows):
                groups.append((split, rows))
    return Hits(tuple(groups))


def _labelled(dataset: Dataset, split: str, labels: list[int]) -> npt.NDArray[np.bool_]:
    """Return which rows of a split have one of the labels: bool[n]."""
    offsets, values = dataset.label_sets(split)
    mask = np.zeros(dataset.n_rows(split), bool)
    if labels:
        mask[np.searchsorted(offsets, np.flatnonzero(np.isin(values, labels)), side="right") - 1] = True
    return mask


def _named(dataset: Dataset, split: str, wanted: str) -> npt.NDArray[np.bool_]:
    """Return which rows of a split have the text in their id, or in the path of their file: bool[n]."""
    table = dataset.clips(split)
    columns = ("clip_id", "media") if dataset.media == "file" else ("clip_id",)
    mask = np.zeros(dataset.n_rows(split), bool)
    for column in columns:
        found: Any = pc.match_substring(table[column], wanted, ignore_case=True)
        mask |= np.asarray(found.to_numpy(), bool)
    return mask
