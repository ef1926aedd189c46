"""The seven branches at the top of AudioSet's ontology, and which of them a clip belongs to."""

from typing import Final

import numpy as np
import numpy.typing as npt

from data_prep.dataset import SPLITS, Dataset

BRANCHES: Final = (
    "Human sounds",
    "Animal",
    "Music",
    "Sounds of things",
    "Source-ambiguous sounds",
    "Natural sounds",
    "Channel, environment and background",
)
NONE: Final = len(BRANCHES)  # the branch of a clip whose labels lead to no branch

# Nodes of the ontology above labels of AudioSet or of the sample, which the label tables themselves do not hold.
# Source: AudioSet ontology (Gemmeke et al. 2017).
_BETWEEN: Final = {
    "Animal": ("Cattle, bovinae", "Snake", "Wild animals"),
    "Human sounds": ("Digestive", "Human group actions", "Human locomotion", "Human voice", "Respiratory sounds"),
    "Music": ("Music genre", "Music mood", "Music role", "Musical concepts"),
    "Sounds of things": (
        "Aircraft engine",
        "Domestic sounds, home sounds",
        "Liquid",
        "Mechanisms",
        "Microphone",
        "Miscellaneous sources",
        "Motor vehicle (road)",
        "Non-motorized land vehicle",
        "Sound equipment",
        "Specific impact sounds",
    ),
    "Source-ambiguous sounds": (
        "Brief tone",
        "Clicking",
        "Deformable shell",
        "Generic impact sounds",
        "Onomatopoeia",
        "Other sourceless",
        "Surface contact",
    ),
    "Channel, environment and background": (
        "Acoustic environment",
        "Background noise",
        "Recording",
        "Sound reproduction",
    ),
}
_ROOT_OF: Final = {name: root for root, names in _BETWEEN.items() for name in names} | {name: name for name in BRANCHES}


def shares(dataset: Dataset) -> npt.NDArray[np.float64]:
    """Return how much of each label belongs to each branch: float64 (n_labels, 7), rows of sum 1, or 0 for none.

    A label with parents in several branches (a church bell is a thing, and music) belongs to each in equal part.
    """
    parents: dict[str, list[str]] = {}
    for name, above in zip(dataset.label_names, dataset.label_parents, strict=True):
        parents[name] = [*parents.get(name, []), *above]  # nothing keeps two labels from having one name
    table = np.zeros((len(dataset.label_names), len(BRANCHES)))
    for row, name in zip(table, dataset.label_names, strict=True):
        for root in _roots(name, parents):
            row[BRANCHES.index(root)] = 1
    table /= np.maximum(table.sum(axis=1, keepdims=True), 1)
    return table


def of_clips(dataset: Dataset) -> npt.NDArray[np.uint8]:
    """Return the branch of every clip of train, validation and test in turn, as its place in BRANCHES, or NONE.

    It is the branch to which most of the clip's labels belong; of equal ones, the rarer, which says more.
    """
    table, found = shares(dataset), []
    counts = sum(dataset.label_counts(split) for split in SPLITS)
    rarity = 1e-6 * (1 - (counts @ table) / max(float(np.sum(counts)), 1))  # decides only between equals
    for split in SPLITS:
        offsets, values = dataset.label_sets(split)
        sums = np.zeros((len(values) + 1, len(BRANCHES)))
        np.cumsum(table[values], axis=0, out=sums[1:])
        votes = sums[offsets[1:]] - sums[offsets[:-1]]
        best = (votes + rarity).argmax(axis=1)
        found.append(np.where(votes.max(axis=1, initial=0) > 1e-3, best, NONE).astype(np.uint8))
    return np.concatenate(found)


def _roots(name: str, parents: dict[str, list[str]]) -> set[str]:
    """Return the branches above a label; a loop in a damaged ontology ends where it closes."""
    found, waiting, seen = set(), [name], {name}
    while waiting:
        node = waiting.pop()
        if node in _ROOT_OF:
            found.add(_ROOT_OF[node])
        else:
            above = [parent for parent in parents.get(node, []) if parent not in seen]
            seen.update(above)
            waiting.extend(above)
    return found
