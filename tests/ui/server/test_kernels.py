"""The app while its search kernels are compiled by another process."""

import os
import sys

import pytest

from lsh import exact_search
from lsh.warm import SEARCHABLE, WAITING
from tests.ui.apptest import component
from ui.server import jobs, kernels


@pytest.fixture(autouse=True)
def _new_machine(monkeypatch, tmp_path):
    """Let nothing be compiled yet, and forget the compilation after the test."""
    monkeypatch.setattr(kernels, "is_warm", lambda: False)
    monkeypatch.setattr(kernels, "CACHE_FOLDER", tmp_path)
    jobs.jobs.clear()
    yield
    job = jobs.jobs().get(kernels._NAME)
    if job is not None:
        job.thread.join()
    jobs.jobs.clear()


@pytest.fixture
def compiler(monkeypatch, tmp_path):
    """Replace the compiling process by one that prints a text and then waits; return the function that ends it."""
    fifo = tmp_path / "fifo"  # the process waits until it has been opened and closed
    os.mkfifo(fifo)
    released = []

    def release():
        released.append(fifo.write_text(""))
        jobs.jobs().get(kernels._NAME).thread.join()

    def start(first, last=SEARCHABLE):
        code = f"print({first!r}, flush=True); open({str(fifo)!r}).read(); print({last!r})"
        monkeypatch.setattr(kernels, "COMMAND", (sys.executable, "-c", code))
        return release

    yield start
    if not released:
        release()


def finish():
    """Start the compilation and wait for its end."""
    kernels.preparation()
    jobs.jobs().get(kernels._NAME).thread.join()


def progress(app):
    return [element.proto.text for element in app.get("progress")]


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_player_and_exact_neighbours_are_there_before_the_kernels_and_lsh_after(sounds, app, compiler, metric):
    release = compiler("12 of 48 kernels")
    app.query_params.update({"metric": metric, "L": "9", "K": "7"})
    app.run()
    assert not app.exception
    query = sounds.find_clip(component(app, "query")["clip"]["id"])
    nearest = exact_search(sounds.features("train"), sounds.features(query.split)[[query.row]], 10, metric).ids[0]
    lists = component(app, "neighbours")["lists"]
    assert lists == {"exact": [sounds.clip("train", row).clip_id for row in nearest.tolist()]}
    assert not app.metric
    assert not app.slider
    assert len(progress(app)) == 1
    release()
    app.run()
    assert component(app, "query")["clip"]["id"] == query.clip_id
    assert component(app, "neighbours")["lists"]["exact"] == lists["exact"]
    assert {"found", "missed"} < set(component(app, "neighbours")["lists"])
    assert len(app.metric) == 4
    assert (app.slider(key="L").value, app.slider(key="K").value) == (9, 7)
    assert not progress(app)


def test_a_neighbour_becomes_the_query_before_the_kernels_are_there(sounds, app, compiler):
    compiler("12 of 48 kernels")
    first = component(app.run(), "query")["clip"]["id"]
    wanted = component(app, "neighbours")["lists"]["exact"][3]
    app.session_state["carried"] = {**app.session_state["carried"], "clip": wanted, "trail": first}
    query = component(app.run(), "query")
    assert query["clip"]["id"] == wanted
    assert [step["id"] for step in query["trail"]] == [first]
    lists = component(app, "neighbours")["lists"]
    assert wanted not in lists["exact"]
    assert len(lists["exact"]) == 10


def test_the_progress_counts_kernels(compiler):
    compiler("12 of 48 kernels")
    job = kernels.preparation()
    while job.activity == "starting":
        job.thread.join(0.01)
    assert (job.share, job.activity) == (0.25, "12 of 48 parts ready")
    assert kernels.preparation() is job


def test_another_process_that_compiles_is_waited_for(compiler):
    release = compiler(WAITING, "")
    job = kernels.preparation()
    while job.activity == "starting":
        job.thread.join(0.01)
    assert "another server" in job.activity
    release()
    assert kernels.preparation() is None


@pytest.mark.parametrize("command", [("no such command",), (sys.executable, "-c", "raise SystemExit(3)")])
def test_if_the_process_cannot_compile_this_one_does(monkeypatch, command):
    counts = []

    def warm(report):
        report(5, 50)
        counts.append(jobs.jobs().get(kernels._NAME).activity)

    monkeypatch.setattr(kernels, "COMMAND", command)
    monkeypatch.setattr(kernels, "warm", warm)
    finish()
    assert kernels.preparation() is None
    assert counts == [
        "5 of 50 parts ready, by the app itself, since the process for it failed; it may respond slowly meanwhile"
    ]


def test_without_a_folder_for_compiled_code_no_process_is_started(monkeypatch):
    monkeypatch.setattr(kernels, "CACHE_FOLDER", None)
    monkeypatch.setattr(kernels, "COMMAND", ())  # no process can be started from it
    monkeypatch.setattr(kernels, "warm", lambda report: None)
    finish()
    assert kernels.preparation() is None


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_if_nothing_can_be_compiled_the_page_says_so_and_shows_the_exact_neighbours(sounds, app, monkeypatch):
    monkeypatch.setattr(kernels, "COMMAND", ("no such command",))
    monkeypatch.setattr(kernels, "warm", lambda report: 1 / 0)
    finish()
    app.run()
    assert not app.exception
    assert "cannot be prepared on this machine" in app.warning[0].value
    assert len(component(app, "neighbours")["lists"]["exact"]) == 10


def test_compiled_kernels_start_no_process(monkeypatch):
    monkeypatch.setattr(kernels, "is_warm", lambda: True)
    assert kernels.preparation() is None
    assert jobs.jobs().get(kernels._NAME) is None
