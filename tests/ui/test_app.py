"""The app as a whole: what it does when another page opens, and what its first page does not wait for."""

import os
import subprocess
import sys

import streamlit as st
from streamlit.runtime.fragment import MemoryFragmentStorage
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData

from tests.ui.apptest import words, write_small
from ui import paths
from ui.model import visits
from ui.server import hosting

# Modules that take long to import, and what the first page of a collection of videos does without.
NOT_AT_FIRST = [
    *("pandas", "requests", "tensorflow", "soundfile", "av", "rapidfuzz"),
    *("data_prep.audioset", "data_prep.download", "data_prep.sample", "data_prep.sounds", "ui.figures"),
    *(
        "ui.pages.ask",
        "ui.pages.crate",
        "ui.pages.tune",
        "ui.pages.race",
        "ui.pages.inside",
        "ui.pages.map",
        "ui.pages.learn",
    ),
    "ui.pages.data",
]
FIRST_PAGE = f"""
import sys
from streamlit.testing.v1 import AppTest
from ui.server import kernels

kernels.is_warm = lambda: True
page = AppTest.from_file({str(paths.ROOT / "app.py")!r}, default_timeout=120)
page.query_params.update({{"dataset": "videos", "lens": "on"}})
page.run()
assert not page.exception and page.title[0].value == "Hear what sounds alike"
assert len(page.metric) == 4
print(*sys.modules)
"""


def test_the_first_page_of_videos_imports_nothing_that_it_does_not_need(tmp_path):
    write_small(tmp_path / "videos", {"train": 200, "validation": 20, "test": 20}, media="youtube")
    environment = {**os.environ, "EARSHOT_DATA": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    command = [sys.executable, "-c", FIRST_PAGE]
    done = subprocess.run(command, cwd=paths.ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    imported = done.stdout.split()
    assert {"numba", "pyarrow", "ui.pages.listen"} <= set(imported)
    assert [name for name in NOT_AT_FIRST if name in imported] == []


def test_an_event_of_the_page_before_that_waits_is_dropped_when_another_page_opens(sounds, app, monkeypatch):
    """Streamlit would run it after the page, under the page before, and the browser would empty the page."""
    run, looked_up = [], []
    carry_link, lookup = visits.carry_link, MemoryFragmentStorage.lookup

    def carry_while_an_event_comes(page, *, by_back):
        context = get_script_run_ctx()
        if not run:
            context.script_requests.request_rerun(RerunData(fragment_id="late", page_script_hash="the page before"))
        run.append(page)
        return carry_link(page, by_back=by_back)

    def note(self, fragment_id):
        looked_up.append(fragment_id)
        return lookup(self, fragment_id)

    monkeypatch.setattr(visits, "carry_link", carry_while_an_event_comes)
    monkeypatch.setattr(MemoryFragmentStorage, "lookup", note)
    app.session_state["page"] = "ask"
    app.run()
    assert not app.exception
    assert "Hear what sounds alike" in words(app)
    assert run == ["", ""]
    assert "late" not in looked_up


def test_a_page_that_is_drawn_since_its_query_changed_is_drawn_once(sounds, app, monkeypatch):
    drawn = []

    def carry(page, *, by_back):
        drawn.append(page)
        return carry_link(page, by_back=by_back)

    carry_link = visits.carry_link
    monkeypatch.setattr(visits, "carry_link", carry)
    app.session_state["moved"] = True
    app.run()
    assert not app.exception
    assert len(drawn) == 1


def test_without_a_dataset_to_download_the_secrets_are_not_read(monkeypatch):
    monkeypatch.delenv("EARSHOT_DATASET", raising=False)
    monkeypatch.setattr(st, "secrets", None)
    assert hosting.requested_dataset() is None
    assert not hosting.is_requested()
