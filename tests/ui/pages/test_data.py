"""Data: what the collection is, and ways to more; only the owner of the machine may fill its disk."""

import shutil
from dataclasses import replace
from threading import Event
from types import SimpleNamespace

import pytest
import soundfile
import streamlit as st
from streamlit import config
from streamlit.runtime.secrets import Secrets
from streamlit.testing.v1 import AppTest

from data_prep.__main__ import main
from data_prep.audioset import disk_space
from data_prep.audioset.fetch import SUBSETS
from data_prep.dataset import open_dataset
from data_prep.dataset.writer import write_dataset
from data_prep.download.packed_dataset import pack
from data_prep.download.progress import Progress
from data_prep.errors import DownloadError
from tests.data_prep import small_datasets
from tests.ui.apptest import interrupted_once
from ui.model import loading
from ui.pages.data import folder as data_folder
from ui.pages.data import page as data_page
from ui.server import hosting
from ui.server.jobs import jobs


def page():
    from ui.frame import shell
    from ui.pages.data import page as data_page

    shell.set_up()
    context = shell.enter()
    if context is not None:
        data_page.show(context)


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
    kinds = (app.markdown, app.header, app.caption, app.warning, app.info)
    return "\n".join(element.value for kind in kinds for element in kind)


def with_a_sound(folder, name="a.wav"):
    folder.mkdir(parents=True, exist_ok=True)
    soundfile.write(folder / name, [0.1, -0.1] * 8_000, 16_000)
    return folder


def add(app, folder):
    """Add a folder as a person does, and wait until it has been listened to."""
    app.text_input[0].set_value(str(folder)).run()
    next(button for button in app.button if button.label.startswith("Listen to")).click().run()
    jobs().get(f"folder {folder}").thread.join()
    app.run()


def test_the_page_says_what_the_collection_is(sample):
    app = run()
    assert not app.exception
    assert "Five kinds" in said(app)
    assert "16 numbers per clip" in said(app)
    assert app.table[0].value["count"].tolist() == ["400", "40", "30"]


def test_the_page_says_how_features_are_stored_and_where_definitions_are_from(sample, home):
    shutil.rmtree(home / "sample")
    labels = [replace(small_datasets.LABELS[0], definition="What it means."), *small_datasets.LABELS[1:]]
    about = replace(small_datasets.ABOUT, definitions={"source": "a book *", "licence": "CC BY-SA 4.0"})
    write_dataset(home / "sample", about, labels, [small_datasets.batch(n=100)], dtype="uint8")
    text = said(run())
    assert "8 numbers of 8 bits per clip" in text
    assert "**Definitions of labels** a book \\*; CC BY" in text


def test_a_collection_with_labels_of_audioset_links_to_their_definitions(sample, home):
    link = "[AudioSet's ontology](https://research.google.com/audioset/ontology/index.html)"
    assert link not in said(run())
    shutil.rmtree(home / "sample")
    labels = [replace(label, mid=f"/m/{i}") for i, label in enumerate(small_datasets.LABELS)]
    about = replace(small_datasets.ABOUT, media="youtube")
    write_dataset(home / "sample", about, labels, [small_datasets.batch(n=100)])
    assert link in said(run())


def test_an_undamaged_collection_verifies_even_if_a_message_interrupts_it(sample, monkeypatch):
    monkeypatch.setattr(data_page, "verify_dataset", interrupted_once(data_page.verify_dataset))
    app = run()
    next(button for button in app.button if button.label == "Verify files").click().run()
    assert "files are undamaged" in said(app)
    sample.indexes.mkdir()
    (sample.indexes / "mine.lsh").write_bytes(b"")
    next(button for button in app.button if button.label == "Verify files").click().run()
    assert "has a name that no index has: remove it" in said(app).replace("\\", "")


def test_a_remote_visitor_sees_commands_and_no_controls_of_the_server(sample):
    app = run()
    assert not app.text_input
    assert [code.value.split()[3] for code in app.code] == ["audioset", "folder", "vectors"]


def test_a_folder_added_by_the_owner_becomes_a_collection(sample, home, tmp_path, monkeypatch, yamnet_here):
    monkeypatch.setenv("EARSHOT_LOCAL", "1")
    app = run()
    add(app, with_a_sound(tmp_path / "My Bells"))
    assert "1 file, 1 clip" in said(app).replace("\\", "")
    assert open_dataset(home / "my-bells").media == "file"


@pytest.mark.parametrize(("share", "percent"), [(0.42, 42), (None, 0)])
def test_the_progress_of_a_running_job_is_drawn(sample, monkeypatch, share, percent):
    reported, seen = Event(), Event()

    def work(report, _should_stop):
        report(share, "part *one*")
        reported.set()
        seen.wait(60)
        return "done"

    monkeypatch.setenv("EARSHOT_LOCAL", "1")
    job = jobs().start("audioset balanced", work)
    assert reported.wait(60)
    try:
        (bar,) = run().get("progress")
    finally:
        seen.set()
        job.thread.join()
    assert (bar.proto.value, bar.proto.text) == (percent, "part \\*one\\*")


def test_a_folder_that_is_not_there_is_named(sample, monkeypatch):
    monkeypatch.setenv("EARSHOT_LOCAL", "1")
    app = run()
    app.text_input[0].set_value("/no/such folder").run()
    assert "/no/such folder" in said(app).replace("\\", "")


@pytest.mark.parametrize("typed", ["~nosuchuser/x", "a" * 300, "a\0b", "/dev/null", "round/and/round"])
def test_a_path_that_is_no_usable_folder_is_refused_with_a_message(sample, tmp_path, monkeypatch, typed):
    monkeypatch.setenv("EARSHOT_LOCAL", "1")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "round").symlink_to(tmp_path / "round")
    app = run()
    app.text_input[0].set_value(typed).run()
    assert not app.exception
    assert len(app.warning) == 1
    assert not [button for button in app.button if button.label.startswith("Listen to")]


def test_two_folders_of_one_name_become_two_collections(sample, home, tmp_path, monkeypatch, yamnet_here):
    monkeypatch.setenv("EARSHOT_LOCAL", "1")
    first, second = (with_a_sound(tmp_path / "f" / "small"), with_a_sound(tmp_path / "f" / "other" / "small"))
    app = run()
    for folder in (first, second):
        add(app, folder)
        assert "1 file, 1 clip" in said(app).replace("\\", "")
    made = {name: open_dataset(home / name).manifest["media_folder"] for name in ("small", "small-2")}
    assert made == {"small": str(first), "small-2": str(second)}
    listed = next(box for box in app.selectbox if box.label == "Collection").options
    assert {"small · small: your own sounds", "small-2 · small: your own sounds"} < set(listed)


def test_a_folder_added_again_brings_its_collection_up_to_date(sample, home, tmp_path, monkeypatch, yamnet_here):
    monkeypatch.setenv("EARSHOT_LOCAL", "1")
    folder = with_a_sound(tmp_path / "f" / "small")
    app = run()
    add(app, folder)
    (home / "small").rename(home / "mine")
    with_a_sound(folder, "b.wav")
    assert [button.label for button in app.button if button.label.startswith("Listen to")] == ["Listen to what is new"]
    add(app, folder)
    assert "2 files, 2 clips" in said(app).replace("\\", "")
    assert open_dataset(home / "mine").n_rows("train") == 2
    assert not (home / "small").exists()


@pytest.mark.parametrize(
    ("folder", "place"),
    [("AudioSet", "audioset-2"), ("Sample", "sample-2"), ("日本", "sounds"), (f"{'long ' * 50}", "long-" * 12)],
)
def test_a_folder_gets_no_reserved_name_and_none_too_long(sample, home, folder, place):
    with data_folder.place_for(folder, lambda: None) as out:
        assert out == home / place.strip("-")


def test_two_folders_of_one_name_prepared_at_once_get_two_paths(sample, home):
    with data_folder.place_for("small", lambda: None) as one, data_folder.place_for("small", lambda: None) as other:
        assert (one, other) == (home / "small", home / "small-2")
    with data_folder.place_for("small", lambda: None) as later:
        assert later == one


def test_a_file_in_the_place_of_audioset_is_reported(sample, home, monkeypatch):
    monkeypatch.setenv("EARSHOT_LOCAL", "1")
    (home / "audioset").mkdir()
    app = run()
    assert "is in the way" in said(app)
    assert not [button for button in app.button if button.label == "Download and prepare"]


@pytest.mark.parametrize(("lacking", "said_so"), [(46_500_000, " GB free. Free 47 MB more first."), (0, None)])
def test_too_little_disk_space_for_audioset_is_reported_before_the_download(sample, monkeypatch, lacking, said_so):
    monkeypatch.setenv("EARSHOT_LOCAL", "1")
    free = sum(disk_space.published_bytes("full")) - lacking
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    app = run()
    assert not app.warning
    app.radio[0].set_value("full").run()
    assert [said_so in warning.value for warning in app.warning] == ([True] if said_so else [])


def test_a_hosted_app_downloads_the_configured_collection(sample, home, tmp_path, monkeypatch):
    sha256 = pack(sample.path, tmp_path / "made.zip")
    asked = []

    def fetch(addresses, target, **how):
        asked.append((addresses, how["sha256"]))
        shutil.copy(tmp_path / "made.zip", target)

    monkeypatch.setattr("data_prep.download.packed_dataset.fetch_file", fetch)
    monkeypatch.setenv("EARSHOT_DATASET", f"https://a.example/made.zip#sha256={sha256}")
    app = run()
    assert not app.exception
    job = jobs().get("hosted collection")
    job.thread.join()
    assert job.error is None
    assert asked == [(["https://a.example/made.zip"], sha256)]
    assert open_dataset(home / "hosted").fingerprint == sample.fingerprint
    assert hosting.start(loading.datasets()) is None


def test_a_failed_download_is_reported_and_the_sample_is_served(sample, monkeypatch):
    monkeypatch.setenv("EARSHOT_DATASET", "nonsense")
    run()
    jobs().get("hosted collection").thread.join()
    app = run()
    assert not app.exception
    assert "Could not download the dataset. Retrying in 5 minutes." in said(app)
    assert "Five kinds" in said(app)


def hosted(monkeypatch, tmp_path, path, name):
    """Tell the app to fetch a dataset, which the network then gives."""
    sha256 = pack(path, tmp_path / name)
    monkeypatch.setattr(
        "data_prep.download.packed_dataset.fetch_file", lambda _, target, **__: shutil.copy(tmp_path / name, target)
    )
    monkeypatch.setenv("EARSHOT_DATASET", f"https://a.example/{name}#sha256={sha256}")


def test_a_new_hosted_address_replaces_the_first_collection(sample, home, tmp_path, monkeypatch):
    hosted(monkeypatch, tmp_path, sample.path, "one.zip")
    hosting.start(loading.datasets()).thread.join()
    other = open_dataset(small_datasets.write(tmp_path / "made"))
    hosted(monkeypatch, tmp_path, other.path, "two.zip")
    hosting.start(loading.datasets()).thread.join()
    assert open_dataset(home / "hosted").fingerprint == other.fingerprint != sample.fingerprint
    assert hosting.start(loading.datasets()) is None


def test_what_failed_is_tried_again_some_minutes_later(sample, home, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise DownloadError("the network is away")

    hosted(monkeypatch, tmp_path, sample.path, "one.zip")
    with monkeypatch.context() as away:
        away.setattr("data_prep.download.packed_dataset.fetch_file", fail)
        failed = hosting.start(loading.datasets())
        failed.thread.join()
        assert hosting.start(loading.datasets()) is failed
    monkeypatch.setattr(hosting, "RETRY_AFTER_S", 0)
    hosting.start(loading.datasets()).thread.join()
    assert open_dataset(home / "hosted").fingerprint == sample.fingerprint


def test_invalid_secrets_are_reported_in_the_sidebar(sample, tmp_path, monkeypatch):
    secrets = tmp_path / "secrets.toml"
    secrets.write_text('EARSHOT_DATASET = "audioset-balanced')
    monkeypatch.setattr(st, "secrets", Secrets())
    before = st.get_option("secrets.files")
    config.set_option("secrets.files", [str(secrets)])
    try:
        run()
        jobs().get("hosted collection").thread.join()
        app = run()
    finally:
        config.set_option("secrets.files", before)
    assert not app.exception
    assert "secrets cannot be read" in "".join(caption.value for caption in app.sidebar.caption)
    assert "Five kinds" in said(app)


@pytest.mark.parametrize(
    ("progress", "words"),
    [
        (Progress("starting", 0, None), "starting"),
        (
            Progress("x responds with 500; trying again", 2_000_000, 8_000_000),
            "x responds with 500; trying again, 2.0 MB of 8.0 MB",
        ),
        (Progress("loading", 3_000_000, None), "loading, 3.0 MB"),
        (Progress("loading", 8_000_000, 8_000_000, 5, 1e6), "loading, 8.0 MB of 8.0 MB, 5 clips, 1.0 MB/s"),
        (Progress("loading", 6_000_000, 8_000_000, 0, 1e6), "loading, 6.0 MB of 8.0 MB, 1.0 MB/s, 2 s left"),
    ],
)
def test_the_progress_of_a_download_is_described(progress, words):
    heard = []
    hosting.report_progress(lambda share, doing: heard.append((share, doing)), progress)
    share = progress.done / progress.total if progress.total else None
    assert heard == [(share, words)]


def test_the_command_and_the_page_use_the_same_folder(sample, home, collection, tmp_path, monkeypatch):
    monkeypatch.setenv("EARSHOT_LOCAL", "1")
    asked = []

    def download(subset, out, **_):
        asked.append(out)
        raise DownloadError("not today")

    monkeypatch.setattr("data_prep.audioset.fetch.download_audioset", download)
    for subset in SUBSETS:
        main(["audioset", "--subset", subset])
    for out in asked:
        shutil.copytree(collection, home / out.name)
    app = run()
    assert [str(out.parent) for out in asked] == ["data", "data"]
    for subset in SUBSETS:
        app.radio[0].set_value(subset).run()
        assert "It is here: choose it as your collection" in said(app)
