"""Search for clips by name: case, order of the hits, file names and ids."""

import numpy as np
import pytest

from data_prep.dataset import open_dataset
from data_prep.dataset.schema import About, Label
from data_prep.dataset.writer import write_dataset
from tests.clips import plain_clips
from ui.model import clip_search

NAMES = ["Hot dog", "Dog", "Doghouse, wood", "Rain (heavy)"]


@pytest.fixture
def dataset(tmp_path):
    labels = [[0], [1], [2], [3], [1, 2]]
    files = ["a/Kick_01.wav", "a/bark.wav", "b/snare.wav", "Kicks/rim.wav", "b/x.wav"]
    clips = plain_clips(["train"] * 5, labels, np.eye(5, dtype=np.float32), media=files)
    about = About("T", "s", "l", "file", media_folder=str(tmp_path))
    write_dataset(tmp_path / "made", about, [Label(f"/m/{i}", name) for i, name in enumerate(NAMES)], [clips])
    return open_dataset(tmp_path / "made")


def found(dataset, text):
    """Return the media of the clips that a text names, in order."""
    hits = clip_search.find(dataset, text)
    return [hits.clip(dataset, i).media for i in range(hits.total)]


@pytest.mark.parametrize("text", ["dog", "DOG", " Dog "])
def test_whole_names_come_first_then_beginnings_then_parts_in_any_case(dataset, text):
    media = found(dataset, text)
    assert set(media[:2]) == {"a/bark.wav", "b/x.wav"}
    assert media[2:] == ["b/snare.wav", "a/Kick_01.wav"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kick", {"a/Kick_01.wav", "Kicks/rim.wav"}),
        ("rain (h", {"Kicks/rim.wav"}),
        ("CLIP-0002", {"b/snare.wav"}),
        ("kick_01.wav", {"a/Kick_01.wav"}),
        (".*", set()),
        ("", set()),
        ("   ", set()),
    ],
)
def test_file_names_parts_of_ids_and_special_characters_are_matched_as_they_are(dataset, text, expected):
    media = found(dataset, text)
    assert set(media) == expected
    assert len(media) == len(expected)


def test_every_hit_of_many_is_returned_once_and_in_order(tmp_path):
    n = 1000
    labels = [[0] if i % 3 else [1] for i in range(n)]
    about = About("T", "s", "l", "synth")
    clips = plain_clips(["train"] * 700 + ["test"] * 300, labels, np.ones((n, 2), np.float32))
    write_dataset(tmp_path / "many", about, [Label("/m/0", "Rain"), Label("/m/1", "Bell")], [clips])
    many = open_dataset(tmp_path / "many")
    hits = clip_search.find(many, "bell")
    own = [hits.clip(many, i) for i in range(hits.total)]
    expected = [many.clip(split, int(row)) for split in ("test", "train") for row in many.rows_with_label(split, 1)]
    assert [(clip.split, clip.row) for clip in own] == [(clip.split, clip.row) for clip in expected]
    assert sum(marks.nbytes for _, _, marks in hits.groups) <= n / 8 + 2


def test_there_is_no_clip_beyond_the_last_hit(dataset):
    hits = clip_search.find(dataset, "rain")
    with pytest.raises(IndexError, match="only 1"):
        hits.clip(dataset, 1)
