"""Downloads: what a press makes is there while pages are drawn anew, and is deleted later."""

import pytest
import streamlit as st
from streamlit.runtime import Runtime, get_instance, media_file_manager
from streamlit.runtime.media_file_storage import MediaFileStorageError
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage

from tests.event_loop import finish
from ui.server import downloads, preload


@pytest.fixture
def now(monkeypatch):
    """Return the time, in seconds, as a list of one number that a test changes."""
    time = [100.0]
    monkeypatch.setattr(downloads.time, "monotonic", lambda: time[0])
    return time


@pytest.fixture
def session(monkeypatch):
    """Return the id of the session that draws, as a list of one that a test changes."""
    drawing = ["a"]
    monkeypatch.setattr(media_file_manager, "_get_session_id", lambda: drawing[0])
    return drawing


@pytest.fixture
def storage():
    return MemoryMediaFileStorage("/media")


@pytest.fixture
def files(storage):
    return downloads.KeptFiles(media_file_manager.MediaFileManager(storage))


def name_of(url):
    return url.removeprefix("/media/")


def served(storage, url):
    try:
        return storage.get_file(name_of(url)).content
    except MediaFileStorageError:
        return None


def press(files, button):
    try:
        return files.execute_deferred(button)
    except MediaFileStorageError:
        return None


def test_a_press_is_answered_while_its_page_waits_and_another_visitor_s_page_is_drawn(files, session, storage, now):
    button = files.add_deferred(lambda: b"rank,clip", "text/csv", "1.2")
    files.clear_session_refs()  # this visitor's run begins, and waits for its turn
    session[0] = "b"
    for _ in range(3):
        files.clear_session_refs()
        files.remove_orphaned_files()
        now[0] += downloads.KEPT_S / 3 - 1
    assert served(storage, press(files, button)) == b"rank,clip"


def test_a_press_is_answered_that_was_on_its_way_when_the_page_had_been_drawn_anew(files, session, storage):
    old = files.add_deferred(lambda: b"old", "text/csv", "1.2")
    files.clear_session_refs()
    new = files.add_deferred(lambda: b"new", "text/csv", "1.2")
    files.remove_orphaned_files()
    assert [served(storage, press(files, one)) for one in (old, new)] == [b"old", b"new"]


def test_the_file_of_a_press_is_there_for_a_while_however_many_pages_are_drawn(files, session, storage, now):
    url = press(files, files.add_deferred(lambda: b"rank,clip", "text/csv", "1.2"))
    for seconds in (0, 10, downloads.KEPT_S - 11, 0.5):
        now[0] += seconds
        files.remove_orphaned_files()
        files.remove_orphaned_files()
        assert served(storage, url) == b"rank,clip"
    now[0] += 0.5
    files.remove_orphaned_files()
    assert served(storage, url) is None


def test_the_same_file_made_again_is_kept_as_long_as_the_first(files, session, storage, now):
    button = files.add_deferred(lambda: b"rank,clip", "text/csv", "1.2")
    press(files, button)
    files.remove_orphaned_files()
    now[0] += downloads.KEPT_S + 1
    url = press(files, button)
    files.remove_orphaned_files()
    assert served(storage, url) == b"rank,clip"


def test_what_nobody_can_press_any_more_is_deleted_and_what_somebody_can_is_not(files, session, now):
    gone = files.add_deferred(lambda: b"gone", "text/csv", "1.2")
    files.clear_session_refs("a")
    session[0] = "b"
    there = files.add_deferred(lambda: b"there", "text/csv", "1.2")
    for _ in range(2):
        files.remove_orphaned_files()
        now[0] += 10 * downloads.KEPT_S
    assert press(files, gone) is None
    assert press(files, there)
    assert list(files._deferred_ids_by_session) == ["b"]
    assert not files._orphans.keys() & {gone, there}


def test_the_time_begins_anew_when_a_file_was_shown_in_between(files, session, storage, now):
    url = files.add(b"sound", "audio/wav", "1.1")
    files.clear_session_refs()
    files.remove_orphaned_files()
    now[0] += downloads.KEPT_S - 1
    files.add(b"sound", "audio/wav", "1.1")
    files.remove_orphaned_files()
    files.clear_session_refs()
    now[0] += 2
    files.remove_orphaned_files()
    assert served(storage, url) == b"sound"


def test_the_server_keeps_files_from_its_start(tmp_path, monkeypatch):
    monkeypatch.setattr(Runtime, "_instance", None)
    monkeypatch.setattr(preload, "load", lambda page: None)
    (tmp_path / "app.py").touch()
    server = st.App(tmp_path / "app.py")._create_runtime()
    storage = server.media_file_mgr._storage

    async def serve():
        async with preload.lifespan("a.page")(None):
            assert get_instance() is server
            assert isinstance(server.media_file_mgr, downloads.KeptFiles)
            assert server.media_file_mgr._storage is storage  # where the routes of Streamlit look

    finish(serve())
