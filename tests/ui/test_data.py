"""Data: what the collection is, and ways to more; only the owner of the machine may fill its disk."""

import shutil
from types import SimpleNamespace

import pytest
import soundfile
from streamlit.testing.v1 import AppTest

from data_prep.dataset import open_dataset
from data_prep.parcel import pack
from ui import hosting
from ui.jobs import jobs


def page():
    from ui import data, shell

    shell.set_up()
    room = shell.enter()
    if room is not None:
        data.show(room)


@pytest.fixture
def sample(home, collection, monkeypatch):
    shutil.copytree(collection, home / "sample")
    monkeypatch.delenv("EARSHOT_LOCAL", raising=False)
    monkeypatch.delenv("EARSHOT_DATASET", raising=False)
    jobs.clear()
    return open_dataset(home / "sample")


def run():
    return AppTest.from_function(page, default_timeout=120).run()


def said(app):
    kinds = (app.markdown, app.header, app.caption, app.warning, app.success)
    return "\n".join(element.value for kind in kinds for element in kind)


def test_the_page_says_what_the_collection_is(sample):
    app = run()
    assert not app.exception
    assert "Five kinds" in said(app)
    assert "16 numbers a clip" in said(app)
    assert app.table[0].value["count"].tolist() == ["400", "40", "30"]


def test_a_whole_collection_is_found_whole(sample):
    app = run()
    next(button for button in app.button if button.label == "Check every byte").click().run()
    assert "files are whole" in said(app)


def test_a_visitor_is_shown_commands_and_no_way_into_the_server(sample):
    app = run()
    assert not app.text_input
    assert [code.value.split()[3] for code in app.code] == ["audioset", "folder"]


def test_the_owner_brings_a_folder_and_it_becomes_a_collection(sample, home, tmp_path, monkeypatch, yamnet_here):
    monkeypatch.setenv("EARSHOT_LOCAL", "1")
    folder = tmp_path / "My Bells"
    folder.mkdir()
    soundfile.write(folder / "a.wav", [0.1, -0.1] * 8_000, 16_000)
    app = run()
    app.text_input[0].set_value(str(folder)).run()
    next(button for button in app.button if button.label.startswith("Listen to")).click().run()
    jobs().get(f"folder {folder}").wait()
    app.run()
    assert "1 files, 1 clips" in said(app).replace("\\", "")
    assert open_dataset(home / "my-bells").media == "file"


def test_a_folder_that_is_not_there_is_named(sample, monkeypatch):
    monkeypatch.setenv("EARSHOT_LOCAL", "1")
    app = run()
    app.text_input[0].set_value("/no/such folder").run()
    assert "There is no folder" in said(app)


@pytest.mark.parametrize(
    ("free", "said_so"),
    [(4_700_000_000, "the disk of this app has 4.7 GB free. Free 47 MB more first."), (5_000_000_000, None)],
)
def test_too_little_room_for_audioset_is_said_before_it_begins(sample, monkeypatch, free, said_so):
    monkeypatch.setenv("EARSHOT_LOCAL", "1")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    app = run()
    assert not app.warning
    app.radio[0].set_value("full").run()
    assert [said_so in warning.value for warning in app.warning] == ([True] if said_so else [])


def test_a_host_fetches_the_collection_it_was_told_to(sample, home, tmp_path, monkeypatch):
    sha256 = pack(sample.path, tmp_path / "made.zip")
    asked = []

    def fetch(addresses, target, **how):
        asked.append((addresses, how["sha256"]))
        shutil.copy(tmp_path / "made.zip", target)

    monkeypatch.setattr("data_prep.parcel.fetch_file", fetch)
    monkeypatch.setenv("EARSHOT_DATASET", f"https://a.example/made.zip#sha256={sha256}")
    app = run()
    assert not app.exception
    job = jobs().get("hosted collection")
    job.wait()
    assert job.error is None
    assert asked == [(["https://a.example/made.zip"], sha256)]
    assert open_dataset(home / "hosted").fingerprint == sample.fingerprint
    assert hosting.begin() is None


def test_a_collection_that_cannot_be_fetched_is_told_of_and_the_sample_serves(sample, monkeypatch):
    monkeypatch.setenv("EARSHOT_DATASET", "nonsense")
    run()
    jobs().get("hosted collection").wait()
    app = run()
    assert not app.exception
    assert "could not be fetched" in said(app)
    assert "Five kinds" in said(app)
