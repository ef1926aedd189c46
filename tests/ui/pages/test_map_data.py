"""What the map holds: points in the order of their clips, branches from the ontology, words where labels are dense."""

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from data_prep.audioset.labels import read_labels
from data_prep.dataset import SPLITS, open_dataset
from data_prep.dataset.add_map import add_map
from data_prep.dataset.map_layout import as_coordinates, corners_of, principal_plane
from data_prep.dataset.schema import About, ClipBatch, Label
from data_prep.dataset.writer import write_dataset
from tests.clips import plain_clips
from ui.pages.map import map_data, ontology_roots
from ui.pages.map import texts as map_texts
from ui.pages.map.ontology_roots import NONE, ROOTS

LABELS = [
    Label("/m/a", "Bark", ("Dog",)),
    Label("/m/b", "Dog", ("Domestic animals, pets",)),
    Label("/m/c", "Domestic animals, pets", ("Animal",)),
    Label("/m/d", "Church bell", ("Bell",)),
    Label("/m/e", "Bell", ("Sounds of things", "Music")),
    Label("/m/f", "Music", ()),
    Label("/m/g", "Nothing known", ()),
    Label("/m/h", "Speech", ("Human voice",)),
    Label("/m/i", "Loop", ("Pool",)),
    Label("/m/j", "Pool", ("Loop",)),
    Label("/m/k", "Crane", ("Animal",)),
    Label("/m/l", "Crane", ("Sounds of things",)),
]


def dataset_of(folder: Path, labels: list[list[int]], features=None, split=None):
    n = len(labels)
    if features is None:
        features = np.random.default_rng(1).standard_normal((n, 6)).astype(np.float32)
    clips = plain_clips(split or ["train"] * n, labels, features)
    write_dataset(folder, About(title="t", source="made", licence="none", media="synth"), LABELS, [clips])
    return open_dataset(folder)


def branch_of(tmp_path, labels):
    number = ontology_roots.of_clips(dataset_of(tmp_path / "d", [labels]), [1, 0, 0])[0]
    return "none" if number == NONE else ROOTS[number]


@pytest.mark.parametrize(
    ("labels", "branch"),
    [
        ([0], "Animal"),
        ([0, 1, 5], "Animal"),
        ([5, 7], "Human sounds"),  # one each: of the two, music is also where bells ring, so speech is rarer
        ([3, 5], "Music"),  # a bell is half music
        ([6], "none"),
        ([8], "none"),
        ([], "none"),
        ([6, 7], "Human sounds"),
    ],
)
def test_a_clip_belongs_to_the_branch_of_most_of_its_labels(tmp_path, labels, branch):
    assert branch_of(tmp_path, labels) == branch


@pytest.mark.parametrize(
    ("often", "branches"), [(5, ["Human sounds", "Music", "Music"]), (7, ["Human sounds", "Human sounds", "Music"])]
)
def test_of_two_branches_with_equal_weight_a_clip_belongs_to_the_rarer(tmp_path, often, branches):
    numbers = ontology_roots.of_clips(dataset_of(tmp_path / "d", [[5, 7], [often], [often]]), [3, 0, 0])
    assert sorted(ROOTS[number] for number in numbers) == branches


def test_labels_of_one_name_share_their_branches_and_keep_their_places(tmp_path):
    table = ontology_roots.label_weights(dataset_of(tmp_path / "d", [[10], [11]]))
    assert table.shape == (len(LABELS), len(ROOTS))
    for row in table[10:]:
        assert {ROOTS[i]: share for i, share in enumerate(row) if share} == {"Animal": 0.5, "Sounds of things": 0.5}
    assert ROOTS[table[0].argmax()] == "Animal"


def test_every_label_of_audioset_and_of_the_sample_has_the_branches_above_it_in_the_ontology(root, real_data, tmp_path):
    audioset = real_data / "audioset"
    published = read_labels(audioset / "class_labels_indices.csv", audioset / "ontology.json")
    sample = open_dataset(root / "data" / "sample")
    write_dataset(
        tmp_path / "d",
        About(title="t", source="made", licence="none", media="synth"),
        [replace(label, definition="") for label in published],
        [
            ClipBatch(["a"], ["train"], ["{}"], [0.0], [1.0], [[0]], [1], np.ones((1, 2), np.float32)),
        ],
    )
    whole = open_dataset(tmp_path / "d")
    weights = dict(zip(whole.label_names, ontology_roots.label_weights(whole), strict=True))
    assert all(row.sum() == pytest.approx(1) for row in weights.values())
    for name, row in zip(sample.label_names, ontology_roots.label_weights(sample), strict=True):
        assert row.sum() == pytest.approx(1)
        assert set(np.flatnonzero(row)) <= set(np.flatnonzero(weights[name])), name


def test_points_are_in_the_order_of_their_clips_and_each_returns_its_clip(collection):
    dataset = open_dataset(collection)
    chart = map_data._map_data.__wrapped__(dataset.fingerprint, dataset)
    assert chart.starts == (0, 400, 440, 470)
    for split in SPLITS:
        for row in (0, dataset.n_rows(split) - 1):
            clip = dataset.clip(split, row)
            assert chart.clip(dataset, chart.point(clip)) == clip
            x, y = (chart.points[name][chart.point(clip)].as_py() for name in ("x", "y"))
            at = f"{split}@{row}"
            assert chart.place(dataset, clip) == {"x": x, "y": y, "point": chart.point(clip), "at": at}
    assert chart.clip(dataset, 940) is chart.clip(dataset, -1) is None


def test_without_a_prepared_map_positions_are_the_principal_plane_without_a_method(collection):
    dataset = open_dataset(collection)
    chart = map_data._map_data.__wrapped__(dataset.fingerprint, dataset)
    assert chart.method is None
    everything = np.concatenate([dataset.features(split) for split in SPLITS])
    expected = as_coordinates(principal_plane(everything).project(everything))
    np.testing.assert_array_equal(chart.points["x"].to_numpy(), expected[:, 0])


def test_labels_of_all_points_are_concatenated_in_order(collection):
    dataset = open_dataset(collection)
    chart = map_data._map_data.__wrapped__(dataset.fingerprint, dataset)
    ends, labels = chart.ends["end"].to_numpy(), chart.labels["label"].to_numpy()
    for point in (0, 1, 399, 400, 469):
        clip = chart.clip(dataset, point)
        assert tuple(labels[(ends[point - 1] if point else 0) : ends[point]]) == clip.labels


def test_a_large_collection_shows_a_sample_of_its_clips_and_all_queries(collection, monkeypatch):
    monkeypatch.setattr(map_data, "MAX_POINTS", 280)
    dataset = open_dataset(collection)
    chart = map_data._map_data.__wrapped__(dataset.fingerprint, dataset)
    assert chart.starts == (0, 210, 250, 280)
    assert chart.point(dataset.clip("train", 209)) == 209
    assert chart.clip(dataset, 279) == dataset.clip("test", 29)
    assert [len(part) for part in (chart.places, chart.points, chart.ends)] == [280, 280, 280]
    assert len(chart.labels) == chart.ends["end"][-1].as_py()
    assert sum(count for _, count in chart.groups) <= 280
    assert "A random sample of **280** of the 470 clips" in map_texts.intro(chart)
    assert "Your sound and its neighbours are always on it" in map_texts.intro(chart)


@pytest.mark.parametrize("prepared", [False, True])
def test_a_clip_left_out_of_the_map_has_its_place_there_and_a_point_that_returns_it(
    collection, tmp_path, monkeypatch, prepared
):
    monkeypatch.setattr(map_data, "MAX_POINTS", 80)
    folder = shutil.copytree(collection, tmp_path / "d")
    if prepared:
        add_map(folder)
    dataset = open_dataset(folder)
    chart = map_data._map_data.__wrapped__(dataset.fingerprint, dataset)
    for split, row in (("train", 39), ("train", 40), ("train", 399), ("validation", 39), ("test", 29)):
        clip = dataset.clip(split, row)
        assert chart.clip(dataset, chart.point(clip)) == clip
        place = chart.place(dataset, clip)
        assert place["at"] == f"{split}@{row}"
        if prepared:
            everything = dataset.map()
        else:
            drawn = [dataset.features(split)[:n] for split, n in (("train", 40), ("validation", 20), ("test", 20))]
            plane, all_clips = principal_plane(*drawn), np.concatenate([dataset.features(split) for split in SPLITS])
            corners = corners_of(plane.project(np.concatenate(drawn)))
            everything = as_coordinates(plane.project(all_clips), corners)
        at = {"train": 0, "validation": 400, "test": 440}[split] + row
        assert [place["x"], place["y"]] == everything[at].tolist()
    assert chart.clip(dataset, 80 + 470) is None


def test_a_label_is_placed_where_its_clips_are_densest(tmp_path):
    rng = np.random.default_rng(2)
    here, there = np.array([40.0, 0, 0, 0, 0, 0]), np.array([-40.0, 0, 0, 0, 0, 0])
    features = np.concatenate([here + rng.standard_normal((40, 6)), there + rng.standard_normal((60, 6))])
    labels = [[0]] * 40 + [[7]] * 60
    dataset = dataset_of(tmp_path / "d", labels, features.astype(np.float32))
    chart = map_data._map_data.__wrapped__("", dataset)
    words = {word["text"]: word for word in chart.words}
    assert set(words) == {"Bark", "Speech", "Animal", "Human sounds"}
    assert words["Animal"]["whole"]
    assert not words["Bark"]["whole"]
    assert words["Bark"]["group"] == ROOTS.index("Animal")
    left, right = sorted((words["Bark"]["x"], words["Speech"]["x"]))
    assert left < 10_000
    assert right > 55_000
    assert abs(words["Bark"]["x"] - words["Animal"]["x"]) < 3000


def test_a_label_of_few_clips_is_not_placed(tmp_path):
    dataset = dataset_of(tmp_path / "d", [[0]] * (map_data.MIN_CLIPS_TO_NAME - 1) + [[7]] * 30)
    texts = {word["text"] for word in map_data._map_data.__wrapped__("", dataset).words}
    assert "Bark" not in texts
    assert "Speech" in texts


def own_sounds(folder: Path, labels: list[list[int]], names: list[Label], excerpts: int = 0):
    n = len(labels)
    features = np.random.default_rng(1).standard_normal((n, 6)).astype(np.float32)
    split = ["train"] * (n - excerpts) + ["validation"] * excerpts
    clips = plain_clips(split, labels, features)
    clips.clip_id[n - excerpts :] = [f"{name}~middle" for name in clips.clip_id[:excerpts]]
    write_dataset(folder, About(title="t", source="made", licence="none", media="file"), names, [clips])
    return open_dataset(folder)


def test_own_sounds_have_the_colours_of_their_folders_and_not_seven_empty_branches(tmp_path):
    names = [Label("folder/Kicks", "Kicks"), Label("folder/Music", "Music"), Label("yamnet/Drum", "Drum (suggested)")]
    dataset = own_sounds(tmp_path / "d", [[0, 2]] * 20 + [[1]] * 9 + [[2]] * 3, names)
    chart = map_data._map_data.__wrapped__("", dataset)
    assert chart.groups == (("Kicks", 20), ("Music", 9))
    assert np.unique(chart.points["group"].to_numpy(), return_counts=True)[1].tolist() == [20, 9, 3]
    assert {word["text"]: word["group"] for word in chart.words} == {"Kicks": 0, "Music": 1, "Drum (suggested)": NONE}


def test_a_collection_of_unknown_labels_has_the_colours_of_its_seven_most_frequent(tmp_path):
    names = [Label(f"/own/{i}", f"Kind {i}") for i in range(9)]
    dataset = own_sounds(tmp_path / "d", [[i] for i in range(9) for _ in range(i + 1)], names)
    chart = map_data._map_data.__wrapped__("", dataset)
    assert chart.groups == tuple((f"Kind {i}", i + 1) for i in range(8, 1, -1))


def test_excerpts_of_own_sounds_are_not_on_the_map(tmp_path):
    dataset = own_sounds(tmp_path / "d", [[0]] * 30, [Label("folder/a", "a")], excerpts=10)
    chart = map_data._map_data.__wrapped__("", dataset)
    assert chart.starts == (0, 20, 20, 20)
    assert chart.groups == (("a", 20),)
    assert "All **20** clips" in map_texts.intro(chart)


def test_one_clip_makes_a_map(tmp_path):
    chart = map_data._map_data.__wrapped__("", dataset_of(tmp_path / "d", [[]]))
    assert chart.starts == (0, 1, 1, 1)
    assert chart.words == ()
    assert chart.groups == ()


@pytest.mark.parametrize(
    ("method", "words"), [("t-SNE", "laid out beforehand"), ("principal plane", "principal plane: the two")]
)
def test_a_stored_principal_plane_is_not_said_to_keep_neighbours_together(method, words):
    chart = SimpleNamespace(method=method, n_clips=5, starts=(0, 5))
    assert words in map_texts.what_it_can_tell(chart)
    assert ("keeps neighbours together" in map_texts.what_it_can_tell(chart)) == (method == "t-SNE")
    assert ("near to those" in map_texts.intro(chart)) == (method == "t-SNE")
