"""Groups that colour the map: the seven top-level branches of AudioSet's ontology, or a collection's own labels."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from data_prep.audioset.ontology import ROOTS, roots_of
from data_prep.dataset import SPLITS, Dataset
from data_prep.dataset.label_sets import LabelSets
from data_prep.sounds.folder import FOLDER_PREFIX

NONE: Final = len(ROOTS)  # the branch of a clip whose labels lead to no branch

_BLOCK_ROWS = 16_384  # clips whose labels are read at a time


@dataclass(frozen=True, slots=True)
class Groups:
    """Groups of clips with a colour each; NONE is the group of the others.

    of_clips: group of each clip, uint8[n]; of_labels: group of each label. are_ordered: whether the groups are parts of
    a range, from the least to the greatest.
    """

    names: tuple[str, ...]
    of_clips: npt.NDArray[np.uint8]
    of_labels: tuple[int, ...]
    are_branches: bool
    are_ordered: bool = False


def groups_of(dataset: Dataset, shown: Sequence[int]) -> Groups:
    """Return the branches of the ontology; where most clips have none, the most frequent folders or labels.

    shown: how many clips of train, validation and test the map shows, the first ones.
    """
    branches, weights = of_clips(dataset, shown), label_weights(dataset)
    if np.count_nonzero(branches == NONE) * 2 <= len(branches):
        of_labels = np.where(weights.any(axis=1), weights.argmax(axis=1), NONE)
        return Groups(ROOTS, branches, tuple(of_labels.tolist()), are_branches=True)
    is_folder = are_folders(dataset)
    return by_label(dataset, shown, is_folder if is_folder.any() else np.ones_like(is_folder))


def are_folders(dataset: Dataset) -> npt.NDArray[np.bool_]:
    """Return which labels are names of folders: bool[n_labels]."""
    return np.array([mid.startswith(FOLDER_PREFIX) for mid in dataset.label_mids], dtype=bool)


def by_label(dataset: Dataset, shown: Sequence[int], among: npt.NDArray[np.bool_]) -> Groups:
    """Return the most frequent labels of those among bool[n_labels]; a clip with several is of the most frequent."""
    counts = np.sum([dataset.label_counts(split) for split in SPLITS], axis=0) * among
    frequent = [label for label in np.argsort(-counts, kind="stable")[:NONE].tolist() if counts[label]]
    group = np.full(len(dataset.label_names), NONE, dtype=np.uint8)
    group[frequent] = np.arange(len(frequent))
    found = []
    for offsets, values in _label_sets(dataset, shown):
        first = np.full(len(offsets) - 1, NONE, dtype=np.uint8)
        np.minimum.at(first, np.repeat(np.arange(len(first)), np.diff(offsets)), group[values])
        found.append(first)
    names = tuple(dataset.label_names[label] for label in frequent)
    return Groups(names, np.concatenate([np.empty(0, np.uint8), *found]), tuple(group.tolist()), are_branches=False)


def label_weights(dataset: Dataset) -> npt.NDArray[np.float64]:
    """Return the weight of each branch for each label: float64[n_labels, 7]; rows sum to 1, or to 0 for no branch.

    A label with parents in several branches (a church bell is a thing, and music) has equal weight for each.
    """
    parents: dict[str, list[str]] = {}
    for name, above in zip(dataset.label_names, dataset.label_parents, strict=True):
        parents[name] = [*parents.get(name, []), *above]  # names of labels need not be unique
    table = np.zeros((len(dataset.label_names), len(ROOTS)))
    for row, name in zip(table, dataset.label_names, strict=True):
        for root in roots_of(name, parents):
            row[ROOTS.index(root)] = 1
    table /= np.maximum(table.sum(axis=1, keepdims=True), 1)
    return table


def of_clips(dataset: Dataset, shown: Sequence[int]) -> npt.NDArray[np.uint8]:
    """Return the branch of each clip shown of train, validation and test, as an index of ROOTS or NONE: uint8[n].

    It is the branch with the highest weight over the clip's labels; of equal ones the rarer, which is more specific.
    """
    table, found = label_weights(dataset), []
    counts = sum(dataset.label_counts(split) for split in SPLITS)
    rarity = 1e-6 * (1 - (counts @ table) / max(float(np.sum(counts)), 1))  # breaks ties only
    for offsets, values in _label_sets(dataset, shown):
        sums = np.zeros((len(values) + 1, len(ROOTS)))
        np.cumsum(table[values], axis=0, out=sums[1:])
        votes = sums[offsets[1:]] - sums[offsets[:-1]]
        best = (votes + rarity).argmax(axis=1)
        found.append(np.where(votes.max(axis=1, initial=0) > 1e-3, best, NONE).astype(np.uint8))
    return np.concatenate([np.empty(0, np.uint8), *found])


def _label_sets(dataset: Dataset, shown: Sequence[int]) -> Iterator[LabelSets]:
    """Yield the labels of the clips shown, a block at a time."""
    for split, n in zip(SPLITS, shown, strict=True):
        for start in range(0, n, _BLOCK_ROWS):
            yield dataset.label_sets(split, start, min(start + _BLOCK_ROWS, n))
