"""Data on a hosted app: a collection made of a visitor's own file is seen by that session alone, and goes with it."""

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_prep.dataset import open_dataset
from tests.ui.apptest import alone, said
from ui.model import loading
from ui.pages.data import vectors
from ui.server import uploads
from ui.server.jobs import jobs

OPEN = "mine\\: your own embeddings"  # the heading of the page, where it is the open collection


@pytest.fixture(autouse=True)
def hosted(sounds, monkeypatch):
    """A hosted app with one collection."""
    monkeypatch.delenv("EARSHOT_LOCAL", raising=False)
    monkeypatch.delenv("EARSHOT_DATASET", raising=False)
    jobs.clear()
    vectors._preview.clear()
    yield
    uploads.sweep(now=float("inf"))


def table(**columns):
    """Return a Parquet file of 60 vectors as bytes."""
    rows = np.random.default_rng(0).standard_normal((60, 4)).tolist()
    file = io.BytesIO()
    pq.write_table(pa.table({"v": rows, "id": [f"k{n}" for n in range(60)], **columns}), file)
    return file.getvalue()


def give(data, name="mine.parquet"):
    """Return the page after a visitor gave a file."""
    app = alone("data").run()
    return app.file_uploader(key="given vectors").upload(name, data, "application/octet-stream").run()


def made(data, name="mine.parquet"):
    """Return the page after a collection was made of a file, and the folder of that collection."""
    app = give(data, name)
    next(button for button in app.button if button.label == "Make the collection").click().run()
    (job,) = [jobs().get(name) for name in jobs()._jobs]
    job.thread.join()
    assert job.error is None, job.error
    app.run()
    assert not app.exception
    (folder,) = (folder.path for folder in uploads._folders.values())
    return app, folder / uploads.NAME


def test_a_collection_of_a_visitor_is_seen_by_that_session_alone():
    app, path = made(table())
    assert "mine: your own embeddings" in app.selectbox(key="dataset").options
    app.selectbox(key="dataset").set_value(uploads.NAME).run()
    assert OPEN in [header.value for header in app.header]
    assert "a file that you gave; you alone see it" in said(app)
    assert str(path.parent) not in said(app)
    other = alone("data", dataset=uploads.NAME).run()
    assert not other.exception
    assert "mine" not in str(other.selectbox(key="dataset").options)
    assert OPEN not in [header.value for header in other.header]
    assert uploads.NAME not in loading.datasets()


def test_a_collection_of_a_visitor_is_deleted_with_the_session():
    app, path = made(table())
    app.selectbox(key="dataset").set_value(uploads.NAME).run()
    dataset = open_dataset(path)
    name = loading.name_in_urls(dataset)
    assert loading.opened(name) is not None
    uploads.sweep()
    assert path.exists()
    token = app.session_state["upload"]
    uploads.sweep(now=float("inf"))
    assert not path.parent.exists()
    assert loading.opened(name) is None
    assert jobs().get(f"upload {token}") is None
    app.run()
    assert not app.exception
    assert OPEN not in [header.value for header in app.header]


def test_another_file_takes_the_place_of_the_one_before():
    app, path = made(table())
    app.file_uploader(key="given vectors").upload("other.parquet", table(), "application/octet-stream").run()
    assert not path.parent.exists()
    assert len(uploads._folders) == 1


def test_paths_in_a_file_that_was_given_lead_to_no_file_of_the_server(tmp_path):
    secret = tmp_path / "secret.wav"
    secret.write_bytes(b"RIFF")
    app, path = made(table(audio_path=[str(secret)] * 60))
    assert "audio: files are not played here, only addresses of http or https" in said(app).replace("\\", "")
    dataset = open_dataset(path)
    assert dataset.manifest.get("media_folder") is None
    assert set(dataset.clips("train")["media"].to_pylist()) == {""}


def test_sounds_at_addresses_are_played():
    _, path = made(table(url=[f"https://example.org/{n}.mp3" for n in range(60)]))
    assert open_dataset(path).media == "url"


@pytest.mark.parametrize("name", ["../../evil.parquet", "C:\\a\\evil.parquet", "/etc/evil.parquet"])
def test_no_name_of_a_file_leads_out_of_the_folder(name):
    give(table(), name)
    (folder,) = (folder.path for folder in uploads._folders.values())
    (stored,) = (path for path in folder.rglob("*") if path.is_file())
    assert stored.parent == folder / "given-0"


def test_more_visitors_than_fit_are_told_so(monkeypatch):
    monkeypatch.setattr(uploads, "MAX_FOLDERS", 0)
    app = give(table())
    assert "Try again in some minutes" in app.warning[0].value
    assert not app.exception


def test_a_file_that_cannot_be_stored_leaves_nothing_and_is_explained(monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(uploads, "write_file", full)
    app = give(table())
    assert "could not be stored here" in app.warning[0].value
    assert not uploads._folders
    assert not app.exception


def test_without_a_file_the_command_for_ones_own_machine_is_shown():
    app = alone("data").run()
    assert "vectors" not in [field.key for field in app.text_input]
    assert "python -m data_prep vectors embeddings.parquet --out data/embeddings" in [code.value for code in app.code]
