"""Data of a clip's card."""

from types import SimpleNamespace

import pytest

from data_prep.dataset.schema import Clip
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
