"""Ontology of AudioSet: its seven branches, the nodes that are no labels, and the labels of a dataset as a tree.

Source: AudioSet ontology (Gemmeke et al., 2017), https://research.google.com/audioset/ontology/index.html.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

PAGE: Final = "https://research.google.com/audioset/ontology/index.html"
ROOTS: Final = (
    "Human sounds",
    "Animal",
    "Music",
    "Sounds of things",
    "Source-ambiguous sounds",
    "Natural sounds",
    "Channel, environment and background",
)
# Nodes between the branches and the labels, which the label tables of AudioSet and of the sample do not contain.
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
_ROOT_OF: Final = {name: root for root, names in _BETWEEN.items() for name in names} | {name: name for name in ROOTS}


class Node(NamedTuple):
    """A node of the tree: its name, the index of its label, None where it is none, and the nodes below it."""

    name: str
    label: int | None
    children: "tuple[Node, ...]"


def roots_of(name: str, parents: Mapping[str, Sequence[str]]) -> set[str]:
    """Return the branches above a label; cycles in a damaged ontology are followed once."""
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


def tree(names: Sequence[str], parents: Sequence[Sequence[str]], counts: Sequence[int]) -> tuple[Node, ...]:
    """Return the labels that clips have as a tree, in alphabetical order.

    A label with several parents stands below each. Nodes without clips stand where one below them has some.
    names, parents, counts: of every label its name, the names of its parents, and its number of clips.
    """
    below: dict[str, set[str]] = {}
    for name, above in zip(names, parents, strict=True):
        for parent in above:
            below.setdefault(parent, set()).add(name)
    for root, nodes in _BETWEEN.items():
        for node in below.keys() & set(nodes):
            below.setdefault(root, set()).add(node)
    labels = {name: label for label, name in reversed(list(enumerate(names)))}
    children = {name for some in below.values() for name in some}

    def node_of(name: str, above: tuple[str, ...]) -> Node | None:
        label = labels.get(name)
        under = [node_of(child, (*above, name)) for child in sorted(below.get(name, ())) if child not in above]
        kept = tuple(node for node in under if node)
        return Node(name, label, kept) if kept or (label is not None and counts[label]) else None

    tops = [node_of(name, ()) for name in sorted((below.keys() | set(names)) - children)]
    return tuple(node for node in tops if node)
