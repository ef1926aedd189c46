"""Download of one's own sound files, and the first clip of such a collection."""

import json

import numpy as np
import pytest
import soundfile
from streamlit.runtime.media_file_manager import MediaFileManager

from data_prep.dataset.schema import About, Clip, ClipBatch, Label
from data_prep.dataset.writer import write_dataset
from ui.widgets import export, file_download

N = 60


@pytest.fixture
def sounds(home, tmp_path):
    """Return a folder of sounds that is the app's collection; 20 of its 60 files have an excerpt as a query."""
    rng = np.random.default_rng(4)
    folder = tmp_path / "sounds"
    folder.mkdir()
    for i in range(N):
        soundfile.write(folder / f"{i}.wav", 0.1 * rng.standard_normal(1600), 16_000)
    clips = ClipBatch(
        clip_id=[f"f{i}" for i in range(N)] + [f"f{i}~middle" for i in range(20)],
        split=["train"] * N + ["validation"] * 20,
        media=[f"{i}.wav" for i in range(N)] + [f"{i}.wav" for i in range(20)],
        start_s=np.zeros(N + 20),
        end_s=np.full(N + 20, 0.1),
        labels=[[0]] * (N + 20),
        n_frames=np.ones(N + 20, int),
        features=rng.standard_normal((N + 20, 16)).astype(np.float32),
    )
    about = About("Mine", "a test", "none", "file", media_folder=str(folder))
    write_dataset(home / "sample", about, [Label("folder/", "drum")], [clips])
    return folder


def data_of(app, component):
    """Return the data that a component of the page received."""
    protos = [element.proto for element in app.get("bidi_component")]
    return json.loads(next(p.json for p in protos if p.component_name == component))


def named(path):
    return file_download.file_name(Clip("x", "train", 0, path, 0.0, 1.0, (), 1))


def test_the_first_and_a_random_sound_are_no_excerpts(sounds, app):
    app.run()
    assert not app.exception
    assert not data_of(app, "earshot.query")["clip"]["id"].endswith("~middle")
    next(button for button in app.button if button.label == "Surprise me").click().run()
    assert not data_of(app, "earshot.query")["clip"]["id"].endswith("~middle")


def test_a_requested_file_is_served_unchanged_and_can_be_dragged(sounds, app, monkeypatch):
    held, add = {}, MediaFileManager.add

    def watched(self, data, mime, place, **how):
        address = add(self, data, mime, place, **how)
        held[address] = data
        return address

    monkeypatch.setattr(MediaFileManager, "add", watched)
    app.session_state["neighbours file"] = "f7"
    app.run()
    file = data_of(app, "earshot.neighbours")["file"]
    assert (file["id"], file["name"], file["mime"]) == ("f7", "7.wav", "audio/wav")
    assert held[file["url"]] == (sounds / "7.wav").read_bytes()
    assert export.DRAG in [caption.value for caption in app.caption]


def test_a_missing_or_too_large_file_is_reported(sounds, app, monkeypatch):
    (sounds / "7.wav").unlink()
    app.session_state["neighbours file"] = "f7"
    app.run()
    assert "cannot be read" in data_of(app, "earshot.neighbours")["file"]["error"]
    monkeypatch.setattr(file_download, "MAX_FILE_BYTES", 100)
    app.session_state["neighbours file"] = "f8"
    app.run()
    assert set(data_of(app, "earshot.neighbours")["file"]) == {"id", "error"}


def test_downloads_do_not_rerun_the_page(sounds, app):
    app.run()
    buttons = {button.proto.label: button.proto.ignore_rerun for button in app.get("download_button")}
    assert buttons == dict.fromkeys(["CSV", "JSON", "Playlist", "The files"], True)


def test_an_unknown_clip_has_no_file(sounds, app):
    app.session_state["neighbours file"] = "../../etc/passwd"
    app.run()
    assert not app.exception
    assert data_of(app, "earshot.neighbours")["file"] is None


def test_a_collection_of_synthesised_sounds_offers_no_files(home, collection, app):
    (home / "sample").symlink_to(collection)
    app.session_state["neighbours file"] = "any"
    app.run()
    cards = data_of(app, "earshot.neighbours")
    assert (cards["has_files"], cards["file"]) == (False, None)
    assert export.DRAG not in [caption.value for caption in app.caption]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("drums/kick 1.wav", "kick 1.wav"),
        ("a: b\n%2e.wav", "a_ b _2e.wav"),
        ('x"<>|?*\\.flac', "x_______.flac"),
        ("été ♥ 日本.aiff", "été ♥ 日本.aiff"),
        ("txt\u202evaw.exe.wav", "txtvaw.exe.wav"),
        (f"{'long' * 60}.wav", f"{'long' * 25}.wav"),
        ("... .wav", "sound.wav"),
        ("..", "sound"),
    ],
)
def test_file_names_contain_no_characters_reserved_on_some_system(path, name):
    assert named(path) == name
