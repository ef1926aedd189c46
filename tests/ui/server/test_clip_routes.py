"""Sounds, waveforms and files of clips by URL, and the first clip of a collection of one's own files."""

import asyncio
import json

import numpy as np
import pytest
import soundfile
from starlette.routing import Router

from data_prep.dataset.schema import About, Clip, ClipBatch, Label
from data_prep.dataset.writer import write_dataset
from tests.event_loop import finish
from ui.model import loading, media
from ui.server import clip_routes
from ui.widgets import export

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
    return json.loads(next(p.json for p in protos if p.component_name == component))[0]


def get(path, **headers):
    """Return the status, the headers and the body of the answer to a request for a path below `clips/`."""
    messages = []

    requests = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive():
        return requests.pop() if requests else await asyncio.Event().wait()

    async def send(message):
        messages.append(message)

    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    place, _, query = f"/clips/{path}".partition("?")
    scope = {"type": "http", "method": "GET", "path": place, "query_string": query.encode(), "headers": raw}
    answer = Router(clip_routes.ROUTES)({**scope, "root_path": "", "http_version": "1.1"}, receive, send)
    finish(answer)
    start, *rest = messages
    body = b"".join(message.get("body", b"") for message in rest)
    return start["status"], {name.decode(): value.decode() for name, value in start["headers"]}, body


def collection_of(app):
    """Return the name of the open collection in URLs, as the components receive it."""
    return data_of(app, "earshot.neighbours")["collection"]


def test_the_first_and_a_random_sound_are_no_excerpts(sounds, app):
    app.run()
    assert not app.exception
    assert not data_of(app, "earshot.query")["clip"]["id"].endswith("~middle")
    next(button for button in app.button if button.label == "Surprise me").click().run()
    assert not data_of(app, "earshot.query")["clip"]["id"].endswith("~middle")


def test_a_file_is_served_unchanged_and_can_be_dragged(sounds, app):
    app.run()
    name = collection_of(app)
    status, headers, body = get(f"{name}/f7/file")
    assert (status, body) == (200, (sounds / "7.wav").read_bytes())
    assert headers["content-disposition"] == 'attachment; filename="7.wav"'
    assert get(f"{name}/f7/sound")[2] == body
    cards = data_of(app, "earshot.neighbours")["cards"]
    assert all(card["file"]["name"] == f"{clip.removeprefix('f')}.wav" for clip, card in cards.items())
    assert all((card["file"]["mime"], card["file"]["found"]) == ("audio/wav", True) for card in cards.values())
    assert export.DRAG in [caption.value for caption in app.caption]


def test_a_clip_is_found_by_its_split_and_row(sounds, app):
    app.run()
    name = collection_of(app)
    clip = loading.opened(name).clip("train", 7)
    assert get(f"{name}/train@7/sound") == get(f"{name}/{clip.clip_id}/sound")
    for unknown in ("train@60", "train@-1", "train@", "nothing@1", "@1"):
        assert get(f"{name}/{unknown}/sound")[0] == 404


def test_what_cannot_be_served_is_explained_in_a_sentence(sounds, app):
    app.run()
    name = collection_of(app)
    (sounds / "7.wav").unlink()
    for what in ("sound", "file"):
        assert get(f"{name}/f7/{what}")[0] == 404
        assert b"cannot be read" in get(f"{name}/f7/{what}")[2]
    assert b"no clip ..%2F" in get(f"{name}/..%252F/sound")[2] or get(f"{name}/..%252F/sound")[0] == 404
    assert b"Reload the page" in get("0123456789abcdef/f7/sound")[2]
    assert b"Reload the page" in get("0123456789abcdef/waveforms?ids=f7")[2]


def test_waveforms_of_known_clips_are_served_together(sounds, app):
    app.run()
    status, _, body = get(f"{collection_of(app)}/waveforms?ids=f1,unknown,f2")
    assert status == 200
    found = json.loads(body)
    assert list(found) == ["f1", "f2"]
    assert {len(waveform["heights"]) for waveform in found.values()} == {48}
    assert found["f1"]["level"] == pytest.approx(-20, abs=1)  # 0.1 times white noise


def test_the_spectrogram_of_a_clip_is_served_as_a_picture(sounds, app):
    app.run()
    name = collection_of(app)
    status, headers, picture = get(f"{name}/f7/spectrogram")
    assert (status, headers["content-type"]) == (200, "image/png")
    (sounds / "7.wav").unlink()
    assert get(f"{name}/f7/spectrogram") == (status, headers, picture)  # drawn once
    (sounds / "8.wav").unlink()
    assert b"cannot be read" in get(f"{name}/f8/spectrogram")[2]
    assert get(f"{name}/nobody/spectrogram")[0] == 404


def test_a_synthesised_sound_is_served_in_ranges(home, collection, app):
    (home / "sample").symlink_to(collection)
    app.run()
    address = f"{collection_of(app)}/train@3/sound"
    status, headers, whole = get(address)
    assert (status, headers["content-type"], whole[:4]) == (200, "audio/wav", b"RIFF")
    for text, expected in (("bytes=0-1", whole[:2]), ("bytes=10-", whole[10:]), ("bytes=-5", whole[-5:])):
        status, headers, part = get(address, range=text)
        assert (status, part) == (206, expected)
        assert headers["content-range"].endswith(f"/{len(whole)}")
    assert get(address, range=f"bytes={len(whole)}-")[0] == 416
    assert get(address, range="lines=1-2")[0] == 200


def test_downloads_do_not_rerun_the_page(sounds, app):
    app.run()
    buttons = {button.proto.label: button.proto.ignore_rerun for button in app.get("download_button")}
    assert buttons == dict.fromkeys(["CSV", "JSON", "Playlist", "The files"], True)


def test_a_collection_of_synthesised_sounds_offers_no_files(home, collection, app):
    (home / "sample").symlink_to(collection)
    app.run()
    cards = data_of(app, "earshot.neighbours")["cards"]
    assert {card["file"] for card in cards.values()} == {None}
    assert get(f"{collection_of(app)}/train@3/file")[0] == 404
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
    assert media.file_name(Clip("x", "train", 0, path, 0.0, 1.0, (), 1)) == name


def test_the_browser_is_led_to_the_address_of_a_sound_which_the_server_does_not_open(home):
    address = "https://sounds.example/a.mp3"
    clips = ClipBatch(
        ["a", "b"], ["train"] * 2, [address, ""], [0.0, 0.0], [1.0, 1.0], [[]] * 2, [1, 1], np.eye(2, dtype=np.float32)
    )
    write_dataset(home / "sample", About("Mine", "a test", "none", "url"), [Label("none/", "none")], [clips])
    name = loading.name_in_urls(loading.dataset_at(home / "sample"))
    status, headers, _ = get(f"{name}/a/sound")
    assert (status, headers["location"]) == (307, address)
    assert get(f"{name}/b/sound")[0] == 404
    assert get(f"{name}/a/file")[0] == 404
    assert json.loads(get(f"{name}/waveforms?ids=a")[2]) == {"a": {"heights": [0] * media.CARD_BARS, "level": None}}
    assert b"not on this machine" in get(f"{name}/a/spectrogram")[2]


def test_the_search_box_is_offered_names_in_groups_as_text(sounds, app):
    app.run()
    name = collection_of(app)
    status, _, body = get(f"{name}/search?text=DRUM")
    (group,) = json.loads(body)
    assert status == 200
    assert group["offers"] == [{"choice": "label=drum", "name": "drum", "clips": 80}]
    assert (group["heading"], group["total"], group["everything"]) == ("Labels", 1, "")
    assert [g["heading"] for g in json.loads(get(f"{name}/search?text=12.w")[2])] == ["Files"]
    assert json.loads(get(f"{name}/search")[2]) == []
    assert get("0123456789abcdef/search?text=a")[0] == 404


def test_labels_come_as_a_tree_with_their_numbers_of_clips(sounds, app):
    app.run()
    name = collection_of(app)
    _, _, body = get(f"{name}/labels")
    node = {"name": "drum", "choice": "label=drum", "clips": 80, "definition": "", "children": []}
    assert json.loads(body) == {"tree": [node], "page": ""}
    assert get("0123456789abcdef/labels")[0] == 404
