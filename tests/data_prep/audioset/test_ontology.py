"""Ontology of AudioSet: the tree of the labels that clips have."""

from data_prep.audioset import ontology
from data_prep.dataset import open_dataset


def test_a_label_stands_below_each_of_its_parents_and_nodes_without_clips_only_above_one_with_some():
    names = ["Animal", "Roar", "Hoot", "Howl", "Alone", "Unused"]
    parents = [[], ["Wild animals"], ["Wild animals", "Roar"], ["Roar"], [], ["Alone"]]
    (alone, animal) = ontology.tree(names, parents, [3, 0, 2, 0, 1, 0])
    assert (alone.name, alone.label, alone.children) == ("Alone", 4, ())
    (wild,) = animal.children
    assert (wild.name, wild.label) == ("Wild animals", None)
    hoot, roar = wild.children
    assert (hoot.name, hoot.children) == ("Hoot", ())
    assert [child.name for child in roar.children] == ["Hoot"]


def test_a_circle_in_a_damaged_ontology_is_followed_once():
    (top,) = ontology.tree(["Top", "A", "B"], [[], ["Top", "B"], ["A"]], [1, 1, 1])
    (a,) = top.children
    assert [child.name for child in a.children] == ["B"]
    assert a.children[0].children == ()


def test_the_small_audioset_has_the_seven_branches_and_each_label_somewhere(root):
    dataset = open_dataset(root / "data" / "audioset-small")
    counts = dataset.label_counts("train").tolist()
    tree = ontology.tree(dataset.label_names, dataset.label_parents, counts)
    assert {node.name for node in tree} == set(ontology.ROOTS)
    seen, waiting = set(), list(tree)
    while waiting:
        node = waiting.pop()
        seen.add(node.label)
        waiting += node.children
    assert {label for label, count in enumerate(counts) if count} <= seen
