"""Tidy: the groups beside all pairs compared one by one, which clip is kept, and the files of the rest."""

import csv
import io
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from data_prep.dataset import open_dataset
from data_prep.dataset.schema import About, Label
from data_prep.dataset.writer import write_dataset
from tests.clips import plain_clips
from tests.ui.apptest import component, opened, words
from ui.model import loading, session
from ui.model.loading import PageContext
from ui.model.state import Settings
from ui.pages import tidy
from ui.widgets import duplicate_groups
from ui.widgets.duplicate_groups import Group

N = 200


@pytest.fixture
def small(home):
    """Return a collection of files: 0 and 1 are equal to the byte, 2 has their feature, 3 and 4 are nearly equal."""
    rng = np.random.default_rng(1)
    features = rng.standard_normal((N, 16)).astype(np.float32)
    features[[1, 2]] = features[0]
    features[4] = features[3] + 2e-2 * rng.standard_normal(16)
    folder = home / "files"
    folder.mkdir()
    for i in range(N):
        (folder / f"{i:03}.wav").write_bytes(bytes([0 if i < 2 else i % 256]) * 50)
    lengths = np.ones(N)
    lengths[2] = 3
    clips = plain_clips(["train"] * N, [[0]] * N, features, media=[f"{i:03}.wav" for i in range(N)], end_s=lengths)
    about = About(title="Small", source="made here", licence="none", media="file", media_folder=str(folder))
    write_dataset(home / "small", about, [Label("/m/a", "A")], [clips])
    return open_dataset(home / "small")


def context_of(dataset, metric="cosine"):
    settings = Settings(dataset="small", metric=metric)
    return PageContext(settings, dataset, loading.index_for(dataset, settings))


def distance(dataset, one, other, metric):
    a, b = (np.asarray(dataset.features("train")[clip.row], np.float64) for clip in (one, other))
    return float(1 - a @ b / np.linalg.norm(a) / np.linalg.norm(b)) if metric == "cosine" else np.linalg.norm(a - b)


def slow_groups(dataset, radius, metric):
    """Return the names of the files of each group: pairs within the radius, joined one after another."""
    clips = [dataset.clip("train", row) for row in range(N)]
    group = {clip.clip_id: {clip.media} for clip in clips}
    for i, one in enumerate(clips):
        for other in clips[i + 1 :]:
            if distance(dataset, one, other, metric) <= radius + 1e-6:
                joined = group[one.clip_id] | group[other.clip_id]
                for clip in clips:
                    if clip.media in joined:
                        group[clip.clip_id] = joined
    return {frozenset(names) for names in group.values() if len(names) > 1}


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("share", [0, 1 / 3, 0.5])
def test_the_groups_are_those_of_all_pairs(small, metric, share):
    context = context_of(small, metric)
    found = duplicate_groups.find(context, share)
    groups = duplicate_groups.groups_of(context, found, 0, 10, frozenset())
    named = {frozenset(clip.media for clip in group.clips) for group in groups}
    assert named == slow_groups(small, found.radius, metric)
    assert frozenset({"000.wav", "001.wav", "002.wav"}) in named
    assert (frozenset({"003.wav", "004.wav"}) in named) is (share > 0)
    for group in groups:
        expected = [distance(small, group.kept, clip, metric) for clip in group.clips]
        assert list(group.distances) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_the_radius_is_a_share_of_the_median_distance_to_the_nearest_that_is_not_equal(small, metric):
    clips = [small.clip("train", row) for row in range(N)]
    nearest = []
    for one in clips:
        away = [distance(small, one, other, metric) for other in clips if other is not one]
        nearest.append(min(d for d in away if d > 1e-6))
    median = np.median(nearest)
    expected = 1 - np.cos(np.arccos(1 - median) / 4) if metric == "cosine" else median / 4
    assert duplicate_groups.radius_of(context_of(small, metric).index.exact, 0.25) == pytest.approx(expected, rel=1e-3)


def test_the_page_says_how_many_could_go_and_keeps_the_longest_at_first(small):
    page = opened("tidy", dataset="small")
    assert not page.exception
    assert "**Nothing is deleted here.**" in words(page)
    assert "**2 groups of 5 sounds, of 200**: 3 sounds could go." in words(page)
    data = component(page, "tidy")
    first = data["groups"][0]
    assert first["title"] == "Group 1 · 3 sounds"
    cards = {data["cards"][clip]["name"]: data["cards"][clip] for clip in first["order"]}
    assert {name: card["choice"] for name, card in cards.items()} == {
        "000.wav": "rest",
        "001.wav": "rest",
        "002.wav": "kept",
    }
    assert cards["000.wav"]["outcome"] == "equal · 1.0 s"


def test_another_clip_can_be_kept_and_the_file_of_the_rest_follows(small):
    page = opened("tidy", dataset="small")
    group = component(page, "tidy")["groups"][0]
    first = next(clip for clip in group["order"] if small.find_clip(clip).media == "000.wav")
    page.session_state["kept"] = ("small", frozenset({first}))
    data = component(page.run(), "tidy")
    assert data["groups"][0] == group
    assert [clip for clip in group["order"] if data["cards"][clip]["choice"] == "kept"] == [first]
    said = {data["cards"][clip]["name"]: data["cards"][clip]["outcome"] for clip in group["order"]}
    assert said["001.wav"] == "the same file, byte for byte · 1.0 s"
    assert said["002.wav"] == "equal · 3.0 s"


@pytest.fixture
def no_session():
    session.st.session_state.clear()
    yield
    session.st.session_state.clear()


@pytest.mark.usefixtures("no_session")
def test_a_choice_replaces_that_of_its_group_alone_and_what_is_no_clip_of_it_is_left_out(small):
    members = {"a": {"a", "b"}, "c": {"c", "d"}}
    context = context_of(small)
    for value in ({"group": "a", "clip": "a"}, {"group": "c", "clip": "d"}, {"group": "a", "clip": "b"}):
        duplicate_groups._keep(context, members, value)
    assert session.KEPT.get() == ("small", frozenset({"b", "d"}))
    for value in (
        None,
        {"group": "a", "clip": "d"},
        {"group": "x", "clip": "a"},
        {"clip": "a"},
        {"group": [], "clip": 3},
    ):
        duplicate_groups._keep(context, members, value)
    assert session.KEPT.get() == ("small", frozenset({"b", "d"}))


@pytest.mark.usefixtures("no_session")
def test_the_files_list_every_clip_of_the_groups_and_hold_those_that_are_not_kept(small):
    context = context_of(small)
    groups = duplicate_groups.groups_of(context, duplicate_groups.find(context), 0, 10, frozenset())
    rows = list(csv.DictReader(io.StringIO(tidy.as_csv(context, groups).decode("utf-8-sig"))))
    assert [(row["group"], row["keep"], row["where"].rsplit("/", 1)[-1]) for row in rows] == [
        ("1", "yes", "002.wav"),
        ("1", "no", "000.wav"),
        ("1", "no", "001.wav"),
        ("2", "yes", "003.wav"),
        ("2", "no", "004.wav"),
    ]
    names = zipfile.ZipFile(io.BytesIO(tidy.as_zip(context, groups))).namelist()
    assert sorted(names) == ["000.wav", "001.wav", "004.wav"]
    assert sorted(path.name for path in (small.path.parent / "files").iterdir())[:3] == [
        "000.wav",
        "001.wav",
        "002.wav",
    ]


def test_two_parts_of_one_file_are_not_called_the_same_file(small):
    one = small.find_clip("clip-0000")
    assert not duplicate_groups._same_bytes(small, one, replace(one, clip_id="another", start_s=0.5))
    assert duplicate_groups._same_bytes(small, one, small.find_clip("clip-0001"))


def test_a_file_of_which_another_part_is_kept_is_not_among_the_rest(small):
    first, second, third = (small.find_clip(f"clip-000{i}") for i in range(3))
    groups = [Group((first, second), (0.0, 0.0)), Group((third, replace(first, clip_id="part")), (0.0, 0.1))]
    names = zipfile.ZipFile(io.BytesIO(tidy.as_zip(context_of(small), groups))).namelist()
    assert names == ["001.wav"]


def test_a_tidy_collection_says_so(home):
    rng = np.random.default_rng(0)
    clips = plain_clips(["train"] * 60, [[]] * 60, rng.standard_normal((60, 16)).astype(np.float32))
    about = About(title="Small", source="made here", licence="none", media="synth")
    write_dataset(home / "small", about, [Label("/m/a", "A")], [clips])
    assert "No two of the 60 sounds" in words(opened("tidy", dataset="small", near="equal"))


def test_a_large_collection_shows_the_command(small, monkeypatch):
    monkeypatch.setattr(tidy, "MAX_ROWS", 100)
    page = opened("tidy", dataset="small")
    assert page.code[0].value.startswith("python -m lsh duplicates ")
    assert not page.radio


def test_the_lesson_plays_the_largest_group(small):
    page = opened("learn", dataset="small", chapter="Duplicates")
    assert not page.exception
    assert f"**{N * (N - 1) // 2:,} pairs**" in words(page)
    assert "in **2 groups**" in words(page)
    data = component(page, "tidy")
    assert len(data["groups"][0]["order"]) == 3
    assert {card["choice"] for card in data["cards"].values()} == {""}
