"""Search by name: what a text finds of each kind, in which order, and the clips of a choice."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from data_prep.dataset import clip_names, open_dataset
from data_prep.dataset.schema import About, Label
from data_prep.dataset.writer import write_dataset
from tests.clips import plain_clips
from ui.model import clip_search

NAMES = ["Hot dog", "Dog", "Doghouse, wood", "Rain (heavy)", "Ocarina"]
FILES = ["a/Kick_01.wav", "a/bark.wav", "b/snare.wav", "Kicks/deep/rim.wav", "b/cafe\u0301.wav"]
FURTHER = {
    "title": pa.array(["Low drum", None, "Loud <b>snare</b>", None, "A cup"], pa.string()),
    "extra_site": pa.array(["Ridge", "Ridge north", None, "Ridge", "Valley"], pa.string()),
    "extra_tags": pa.array([["wet", "dry"], [], ["wet"], None, ["old"]], pa.list_(pa.string())),
    "extra_year": pa.array([2001, 2002, 2003, 2004, 2005], pa.int64()),
    "extra_level": pa.array([0.5, 0.25, None, -3.0, 17.0], pa.float64()),
    "extra_at": pa.array(
        [None, *(dt.datetime(2024, 5, day, 22, 30, tzinfo=dt.UTC) for day in (1, 2, 13, 14))], pa.timestamp("us", "UTC")
    ),
    "extra_on": pa.array([None, *(dt.date(2023, 11, day) for day in (1, 1, 2, 3))], pa.date32()),
}


@pytest.fixture
def dataset(tmp_path):
    clips = plain_clips(
        ["train"] * 5, [[0], [1], [2], [3, 4], [1, 2]], np.eye(5, dtype=np.float32), media=FILES, further=FURTHER
    )
    about = About("T", "s", "l", "file", media_folder=str(tmp_path))
    write_dataset(tmp_path / "made", about, [Label(f"/m/{i}", name) for i, name in enumerate(NAMES)], [clips])
    return open_dataset(tmp_path / "made")


def offered(dataset, text):
    """Return the names of the offers by heading."""
    return {group.heading: [offer.name for offer in group.offers] for group in clip_search.suggest(dataset, text)}


def found(dataset, choice):
    """Return the media of the clips of a choice, in order."""
    hits = clip_search.list_clips(dataset, clip_search.resolve(dataset, choice))
    return [hits.clip(dataset, i).media for i in range(hits.total)]


@pytest.mark.parametrize("text", ["dog", "DOG", " Dog "])
def test_whole_names_come_first_then_beginnings_then_parts_in_any_case(dataset, text, monkeypatch):
    (group,) = clip_search.suggest(dataset, text)
    assert [(offer.name, offer.n_clips) for offer in group.offers] == [
        ("Dog", 2),
        ("Doghouse, wood", 2),
        ("Hot dog", 1),
    ]
    assert (group.heading, group.total, group.match) == ("Labels", 3, 0)
    monkeypatch.setattr(clip_search, "OFFERED", 2)
    (few,) = clip_search.suggest(dataset, text.strip()[1:])
    assert (len(few.offers), few.total) == (2, 3)
    media = found(dataset, "label~dog")
    assert set(media[:2]) == {FILES[1], FILES[4]}
    assert media[2:] == [FILES[2], FILES[0]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kick", {"Files": ["a/Kick_01.wav"], "Folders": ["Kicks"]}),
        ("kick 01", {"Files": ["a/Kick_01.wav"]}),
        ("kick_01.wav", {"Files": ["a/Kick_01.wav"]}),
        ("deep", {"Folders": ["Kicks/deep"]}),
        ("kicks/deep", {"Folders": ["Kicks/deep"]}),
        ("caf\u00e9", {"Files": ["b/cafe\u0301.wav"]}),
        ("ridge", {"site": ["Ridge", "Ridge north"]}),
        ("WET", {"tags": ["wet"]}),
        ("drum", {"Titles": ["Low drum"]}),
        ("CLIP-0002", {"Ids": ["clip-0002"]}),
        ("rain (h", {"Labels": ["Rain (heavy)"]}),
        ("2003", {"year": ["2003"]}),
        ("24-05", {}),
        ("0.2", {"level": ["0.25"]}),
        ("17", {"level": ["17"]}),
        ("2024-05-1", {"at": ["2024-05-13 22:30:00", "2024-05-14 22:30:00"]}),
        ("2023-11-01", {"on": ["2023-11-01"]}),
        (".*", {}),
        ("", {}),
        ("   ", {}),
    ],
)
def test_files_folders_titles_metadata_and_ids_are_found_and_special_characters_are_taken_as_they_are(
    dataset, text, expected
):
    assert offered(dataset, text) == expected


@pytest.mark.parametrize(
    ("text", "heading", "name"),
    [
        ("ocarnia", "Labels", "Ocarina"),
        ("snaer", "Files spelt alike", "b/snare.wav"),
        ("vally", "site spelt alike", "Valley"),
    ],
)
def test_a_misspelt_name_is_found(dataset, text, heading, name):
    assert name in offered(dataset, text)[heading]


def test_a_text_that_is_like_nothing_finds_nothing(dataset):
    assert offered(dataset, "xylophone") == {}
    assert found(dataset, "first~xylophone") == []


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("label=Dog", {FILES[1], FILES[4]}),
        ("label=dog", set()),
        ("folder=Kicks", {FILES[3]}),
        ("folder=Kick", set()),
        ("file~a", {FILES[0], FILES[1], FILES[2], FILES[3], FILES[4]}),
        ("extra_site=Ridge", {FILES[0], FILES[3]}),
        ("extra_site~ridge", {FILES[0], FILES[1], FILES[3]}),
        ("extra_tags=wet", {FILES[0], FILES[2]}),
        ("extra_year=2003", {FILES[2]}),
        ("extra_year~200", set(FILES)),
        ("extra_on=2023-11-01", {FILES[1], FILES[2]}),
        ("extra_at~2024-05-0", {FILES[1], FILES[2]}),
        ("nothing=x", set()),
        ("label", set()),
        ("label=", set()),
        ("id~clip", set(FILES)),
    ],
)
def test_a_choice_lists_each_of_its_clips_once(dataset, choice, expected):
    media = found(dataset, choice)
    assert set(media) == expected
    assert len(media) == len(expected)


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("dog", "label=Dog"),
        ("do", "label~do"),
        ("kick", "file=clip"),
        ("clip-0003", "clip=clip-0003"),
        ("ridge", "extra_site=Ridge"),
        ("ridge n", "extra_site=Ridge north"),
        ("xylophone", "first~xylophone"),
    ],
)
def test_enter_takes_the_first_of_what_is_found(dataset, text, choice):
    resolved = clip_search.resolve(dataset, f"first~{text}")
    if text == "kick":
        assert dataset.find_clip(resolved.removeprefix("clip=")).media == FILES[0]
    elif text == "clip-0003":
        wanted = dataset.clip("train", 3).clip_id
        assert clip_search.resolve(dataset, f"first~{wanted}") == f"clip={wanted}"
    else:
        assert resolved == choice


def test_names_are_read_in_blocks_with_the_same_result(dataset, monkeypatch):
    whole = [offered(dataset, text) for text in ("a", "ridge", "wet", "kick", "clip")]
    monkeypatch.setattr(clip_names, "_BLOCK_ROWS", 2)
    clip_search._suggest.clear()
    assert [offered(dataset, text) for text in ("a", "ridge", "wet", "kick", "clip")] == whole


def test_every_hit_of_many_is_returned_once_and_in_order(tmp_path):
    n = 1000
    labels = [[0] if i % 3 else [1] for i in range(n)]
    about = About("T", "s", "l", "synth")
    clips = plain_clips(["train"] * 700 + ["test"] * 300, labels, np.ones((n, 2), np.float32))
    write_dataset(tmp_path / "many", about, [Label("/m/0", "Rain"), Label("/m/1", "Bell")], [clips])
    many = open_dataset(tmp_path / "many")
    hits = clip_search.list_clips(many, "label=Bell")
    own = [hits.clip(many, i) for i in range(hits.total)]
    expected = [many.clip(split, int(row)) for split in ("test", "train") for row in many.rows_with_label(split, 1)]
    assert [(clip.split, clip.row) for clip in own] == [(clip.split, clip.row) for clip in expected]
    assert sum(marks.nbytes for _, _, marks in hits.groups) <= n / 8 + 2


def test_there_is_no_clip_beyond_the_last_hit(dataset):
    hits = clip_search.list_clips(dataset, "label=Rain (heavy)")
    with pytest.raises(IndexError, match="only 1"):
        hits.clip(dataset, 1)
