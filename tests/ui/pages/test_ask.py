"""Ask: a person's own sound becomes a query; whatever is wrong with it is said in words."""

import io
import json
import shutil
import socket

import numpy as np
import pytest
import soundfile
from streamlit import delta_generator
from streamlit.testing.v1 import AppTest

from data_prep.dataset import open_dataset
from data_prep.download import remote
from data_prep.sample.synth import SAMPLE_RATE, render, wav_bytes
from data_prep.sounds import decoder_pool, model_file, query
from data_prep.sounds.query import SoundEmbedder, SoundQuery
from tests.data_prep.sounds.sound_bytes import by_ffmpeg
from ui.model import lens
from ui.model.text import plain
from ui.pages import ask


def page():
    from ui.frame import shell
    from ui.pages import ask

    shell.set_up()
    context = shell.enter()
    if context is not None:
        ask.show(context)


@pytest.fixture
def sample(home, root):
    shutil.copytree(root / "data" / "sample", home / "sample")
    return open_dataset(home / "sample")


def run():
    return AppTest.from_function(page, default_timeout=120).run()


def give(app, data, name="mine.wav"):
    return app.file_uploader[0].upload(name, data, "audio/wav").run()


def said(app):
    return "\n".join(element.value for kind in (app.markdown, app.caption, app.warning, app.info) for element in kind)


def cards(app):
    protos = [element.proto for element in app.get("bidi_component")]
    return next(json.loads(proto.json)[0] for proto in protos if proto.component_name == "earshot.neighbours")


def noise(seconds):
    file = io.BytesIO()
    samples = 0.1 * np.random.default_rng(2).standard_normal(round(seconds * 16_000))
    soundfile.write(file, samples, 16_000, format="WAV")
    return file.getvalue()


def test_without_a_sound_the_page_says_how_to_give_one(sample):
    app = run()
    assert not app.exception
    assert "Nothing asked yet" in said(app)


def test_a_clip_given_as_a_recording_finds_itself_first(sample):
    clip = sample.clip("train", 5)
    app = give(run(), wav_bytes(render(clip.media), SAMPLE_RATE))
    assert not app.exception
    assert cards(app)["lists"]["exact"][0] == clip.clip_id
    assert "LSH looked at" in said(app)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("memo.m4a", ("ipod", "aac")), ("browser.webm", ("webm", "libopus")), ("old.wma", ("asf", "wmav2"))],
)
def test_what_phones_and_browsers_record_is_taken_and_can_be_played(sample, name, kind):
    app = give(run(), by_ffmpeg(*kind, 48_000), name)
    assert not app.exception
    assert "LSH looked at" in said(app)
    (player,) = app.get("audio")
    assert player.proto.url.endswith(".m4a" if "m4a" in name else ".wav")


def test_a_run_puts_nothing_before_the_player_in_its_place_which_would_stop_its_sound(sample, monkeypatch):
    app = give(run(), noise(2))
    sent = []
    send = delta_generator._enqueue_message
    monkeypatch.setattr(delta_generator, "_enqueue_message", lambda message: (sent.append(message), send(message)))
    app.run()
    places = [(tuple(message.metadata.delta_path), message.delta.new_element.WhichOneof("type")) for message in sent]
    (player,) = [path for path, kind in places if kind == "audio"]
    assert [kind for path, kind in places if path == player] == ["audio"]


def test_the_page_says_that_a_file_is_cut(sample):
    data = noise(4)
    app = give(run(), data[: len(data) // 2])
    note = plain("Your sound is cut or damaged: its header promises 4.0 s; the 2.0 s that it holds are used.")
    assert note in said(app)
    assert "LSH looked at" in said(app)


def test_a_sound_that_hangs_the_decoder_is_refused_in_words_and_the_next_is_taken(sample, monkeypatch):
    with monkeypatch.context() as hanging:
        hanging.setattr(decoder_pool, "UPLOAD_S", 0.0)
        assert "takes too long to be decoded" in said(give(run(), noise(2)))
    assert "LSH looked at" in said(give(run(), noise(2)))


def test_a_small_collection_answers_with_exact_neighbours_and_lsh_on_request(sample, monkeypatch):
    monkeypatch.setattr(lens, "SMALL", sample.n_rows("train"))
    app = give(run(), noise(2))
    exact = cards(app)["lists"]
    assert set(exact) == {"exact"}
    assert "LSH" not in said(app)
    app.toggle(key="lens").set_value(True).run()
    assert cards(app)["lists"]["exact"] == exact["exact"]
    assert "LSH looked at" in said(app)


def test_a_recording_is_taken_like_a_file(sample):
    app = run()
    app.audio_input[0].upload("recording.wav", noise(2)).run()
    assert len(cards(app)["lists"]["exact"]) == 10


def test_moving_a_slider_searches_again_for_the_same_sound(sample):
    app = give(run(), noise(2))
    exact = cards(app)["lists"]["exact"]
    app.slider(key="K").set_value(24).run()
    assert cards(app)["lists"]["exact"] == exact
    assert len(cards(app)["lists"]["missed"]) > 0


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"MZ" + bytes(400), "cannot be decoded"),
        (wav_bytes(np.zeros(16_000), 16_000), "is silent"),
        (noise(0.001), "which is too short"),
        (noise(70), "at most 60 s"),
    ],
)
def test_a_file_that_is_no_usable_sound_is_refused_with_a_message(sample, data, words):
    app = give(run(), data)
    assert not app.exception
    assert words in said(app).replace("\\", "")


def test_without_the_model_a_collection_that_needs_it_says_what_to_do(home, collection, tmp_path, monkeypatch):
    shutil.copytree(collection, home / "sample")  # made by another embedder: only words lead there
    monkeypatch.setenv("EARSHOT_MODELS", str(tmp_path))
    monkeypatch.setattr(model_file, "ADDRESS", "http://127.0.0.1:9/yamnet.tflite")
    monkeypatch.setattr(remote, "_PAUSES_S", (0,))
    app = give(run(), noise(1))
    assert not app.exception
    assert "is not on this machine, and could not be downloaded" in said(app)
    (warning,) = app.warning
    assert len(warning.value) < 220
    assert warning.value.count(".") == 1
    assert app.expander[0].code[0].value.startswith("http://127.0.0.1:9/")


def test_behind_a_firewall_the_missing_model_is_reported_without_waiting_for_the_decoder(
    home, collection, tmp_path, monkeypatch
):
    shutil.copytree(collection, home / "sample")
    monkeypatch.setenv("EARSHOT_MODELS", str(tmp_path))
    monkeypatch.setattr(remote, "_QUICK_ANSWER_S", 0.2)
    monkeypatch.setattr(query, "shared_pool", None)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(model_file, "ADDRESS", f"http://127.0.0.1:{silent.getsockname()[1]}/yamnet.tflite")
        app = give(run(), noise(1))
    assert not app.exception
    assert "could not be downloaded" in said(app)


def test_a_sound_is_kept_while_another_page_is_open(sample):
    app = run()
    give(app, noise(2))
    exact = cards(app)["lists"]["exact"]
    again = run()
    for key in ("asked file", "asked sound"):
        again.session_state[key] = app.session_state[key]
    again.run()
    assert cards(again)["lists"]["exact"] == exact
    assert "mine.wav" in said(again).replace("\\", "")
    again.button[0].click().run()
    assert "Nothing asked yet" in said(again)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ((("Silence", 0.54), ("Dog", 0.2)), "**Heard:** Dog 20 %"),
        ((("Silence", 0.54), ("Dog", 0.02)), "**Heard:** Silence 54 %"),
    ],
)
def test_silence_is_named_only_where_nothing_else_was_heard(sample, monkeypatch, labels, words):
    shown = []
    monkeypatch.setattr(ask.st, "markdown", shown.append)
    ask._draw_labels(SoundQuery(np.zeros(1, np.float32), labels, 1.0))
    assert shown == [words]


def test_a_collection_that_cannot_be_asked_says_so_before_a_sound_is_given(home, collection, tmp_path, monkeypatch):
    shutil.copytree(collection, home / "sample")
    monkeypatch.setenv("EARSHOT_MODELS", str(tmp_path))
    (tmp_path / model_file.NAME).touch()
    monkeypatch.setattr(SoundEmbedder, "_label_names", ("Dog", "Cat"))
    app = run()
    assert not app.exception
    assert "cannot be asked" in said(app)
    assert not app.get("file_uploader")
    assert not app.button  # there is no sample beside it


def test_a_collection_of_other_features_says_that_names_are_compared_and_offers_the_sample(
    sample, home, collection, tmp_path, monkeypatch
):
    shutil.copytree(collection, home / "other")
    monkeypatch.setenv("EARSHOT_MODELS", str(tmp_path))  # without the model, which is not waited for
    monkeypatch.setattr(model_file, "ADDRESS", "http://127.0.0.1:9/yamnet.tflite")
    monkeypatch.setattr(remote, "_PAUSES_S", (0,))
    app = AppTest.from_function(page, default_timeout=120)
    app.query_params["dataset"] = "other"
    assert "found by its name" in said(app.run())
    give(app, noise(2))
    app.button(key="open sample").click().run()
    assert not app.exception
    assert app.query_params["dataset"] == ""
    assert "found by its name" not in said(app)
    assert len(cards(app)["lists"]["exact"]) == 10
    assert "open sample" not in [button.key for button in app.button]
