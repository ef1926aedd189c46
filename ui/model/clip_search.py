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
    """The clips that a text names, best matches first: of each group the split, its size, and its rows as marks.

    Marks are packed, uint8[n / 8, rounded up], one bit per row of the split. No clip is in two groups.
    """

    groups: tuple[tuple[str, int, npt.NDArray[np.uint8]], ...]

    @property
    def total(self) -> int:
        """Return the number of clips."""
        return sum(size for _, size, _ in self.groups)

    def clip(self, dataset: Dataset, i: int) -> Clip:
        """Return clip `i`; IndexError when there are fewer."""
        for split, size, marks in self.groups:
            if i < size:
                return dataset.clip(split, _nth(marks, i))
            i -= size
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
            mask = _named(_dataset, split, wanted) if which is None else _dataset.has_label(split, which)
            mask &= ~seen[split]
            seen[split] |= mask
            if size := int(np.count_nonzero(mask)):
                groups.append((split, size, np.packbits(mask)))
    return Hits(tuple(groups))


def _nth(marks: npt.NDArray[np.uint8], i: int) -> int:
    """Return the place of the i-th bit that is set, from 0, in packed bits."""
    byte = int(np.searchsorted(np.cumsum(np.bitwise_count(marks), dtype=np.int32), i, side="right"))
    before = int(np.bitwise_count(marks[:byte]).sum(dtype=np.int64))
    return 8 * byte + int(np.flatnonzero(np.unpackbits(marks[byte : byte + 1]))[i - before])


def _named(dataset: Dataset, split: str, wanted: str) -> npt.NDArray[np.bool_]:
    """Return which rows of a split have the text in their id, or in the path of their file: bool[n]."""
    table = dataset.clips(split)
    columns = ("clip_id", "media") if dataset.media == "file" else ("clip_id",)
    mask = np.zeros(dataset.n_rows(split), bool)
    for column in columns:
        found: Any = pc.match_substring(table[column], wanted, ignore_case=True)
        mask |= np.asarray(found.to_numpy(), bool)
    return mask
