"""Data of a clip's card."""

from types import SimpleNamespace

import pytest

from data_prep.dataset.schema import Clip
from ui.model.media import title as title_of
from ui.widgets import cards


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        ("packs/drums/Kicks/one.wav", "packs/drums"),
        ("packs/drums/one.wav", "packs/drums"),
        ("Kicks/one.wav", ""),
        ("one.wav", ""),
    ],
)
def test_the_card_of_an_own_sound_names_file_and_folder_apart_and_no_folder_twice(path, folder):
    dataset = SimpleNamespace(media="file", label_names=["Kicks"], manifest={})
    clip = Clip("a", "train", 0, path, 0.0, 1.0, (0,), 1)
    card = cards.card(SimpleNamespace(dataset=dataset), clip, clip, "found")
    assert (card["name"], card["folder"]) == ("one.wav", folder)
    assert card["labels"] == [{"name": "Kicks", "shared": True}]


@pytest.mark.parametrize(
    ("media", "path", "labels", "title", "shown"),
    [
        ("file", "a/one.wav", (0,), "Dawn *chorus*", "Dawn *chorus* · Kicks"),
        ("url", "https://a.example/1.mp3", (0,), "Dawn", "Dawn · Kicks"),
        ("synth", "{}", (0,), None, "Kicks"),
        ("file", "a/one.wav", (), None, "one.wav"),
        ("file", "", (0,), None, "Kicks"),
        ("file", "", (), None, "a~20b"),
        ("youtube", "abcdefghijk", (), None, "no label"),
        ("file", "a/one.wav", (), " \u200b", "one.wav"),
    ],
)
def test_a_clip_is_named_by_its_title_else_by_its_file_or_labels_or_id(media, path, labels, title, shown):
    dataset = SimpleNamespace(media=media, label_names=["Kicks"])
    clip = Clip("a~20b", "train", 0, path, 0.0, 1.0, labels, 1, title)
    assert title_of(dataset, clip) == shown
