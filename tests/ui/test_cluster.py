"""The app over a cluster of real worker processes: it searches there and says so, and a loss is a sentence."""

import os
import signal
from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from data_prep.dataset import Dataset
from earshot_common import dask_cluster
from tests.lsh.distributed.conftest import Processes
from tests.ui.apptest import component, words
from ui import cluster
from ui.model.answer import _answered, _exact

LINK = {"L": "4", "K": "9", "probes": "2", "lens": "on"}
LOST = "The other machines do not answer"


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """Return a cluster of two worker processes."""
    started = Processes(tmp_path_factory.mktemp("cluster"))
    started.workers = [started.worker() for _ in range(2)]
    started.wait_for(2)
    yield started
    started.stop()


@pytest.fixture
def spread(processes: Processes, sounds: Dataset, monkeypatch: pytest.MonkeyPatch) -> Iterator[Dataset]:
    """Let the app search on the cluster; return its collection."""
    monkeypatch.setattr(dask_cluster, "NO_WORKERS_S", 5.0)
    monkeypatch.setenv("EARSHOT_SCHEDULER", processes.address)
    forget()
    yield sounds
    forget()


def forget() -> None:
    cluster.forget()
    _answered.clear()
    _exact.clear()


def opened(app: AppTest, page: str = "listen", **link: str) -> AppTest:
    again = AppTest.from_file(app._script_path, default_timeout=300)
    for key, value in (LINK | link).items():
        again.query_params[key] = value
    again._page_hash = "" if page == "listen" else calc_hash(page)
    return again.run()


def lists(app: AppTest) -> dict[str, object]:
    """Return what a page shows of the answer."""
    assert not app.exception, app.exception
    data = component(app, "neighbours")
    return {name: data[name] for name in ("lists", "cards", "summary", "query")}


def test_a_collection_is_searched_on_the_cluster_with_the_answers_of_one_machine(spread, app, monkeypatch):
    there = opened(app)
    assert "Searched on a cluster: 400 clips in 2 parts, on 2 workers." in words(there)
    assert "On the cluster lies one index" in words(there)
    numbers = [metric.value for metric in there.metric][:2]  # recall, and the share looked at
    assert there.slider(key="L").set_value(7).run().slider(key="L").value == 7
    moved = lists(there)
    for page in ("tune", "race", "inside", "learn"):
        elsewhere = opened(app, page)
        assert not elsewhere.exception
        assert "Only on one machine" in words(elsewhere)
        assert "400 clips lie on other machines" in words(elsewhere)
    on_map = opened(app, "map")
    assert not on_map.exception
    assert on_map.toggle(key="candidates").disabled
    shown = lists(opened(app))
    monkeypatch.delenv("EARSHOT_SCHEDULER")
    forget()
    here = opened(app)
    assert lists(here) == shown
    assert [metric.value for metric in here.metric][:2] == numbers
    assert lists(here.slider(key="L").set_value(7).run()) == moved != shown


def test_lost_workers_and_a_lost_scheduler_are_sentences_on_the_page(spread, processes, app, monkeypatch):
    monkeypatch.setenv("EARSHOT_LOCAL", "1")
    there = opened(app)
    before = lists(there)
    processes.workers[0].kill()  # its part is built again on the other one
    processes.workers[0].wait()
    _answered.clear()
    assert lists(there.run()) == before
    assert "on 1 worker." in words(there)

    os.kill(processes.workers[1].pid, signal.SIGKILL)
    processes.workers[1].wait()
    assert_lost(there.run(), "the cluster has no worker left: start some with `dask worker tcp://127.0.0.1:")
    with monkeypatch.context() as hosted:
        hosted.delenv("EARSHOT_LOCAL")
        assert_lost(there.run(), "the search is set up again as soon as the machines are back")
        assert "tcp://" not in words(there)
    processes.worker()
    processes.wait_for(1)
    assert lists(try_again(there)) == before

    processes.scheduler.kill()
    processes.scheduler.wait()
    _answered.clear()
    _exact.clear()
    assert_lost(there.run(), "")  # the client may first see that the workers are gone
    monkeypatch.setattr(dask_cluster, "_CONNECT_S", 1)
    assert_lost(try_again(there), "cannot reach a scheduler at 'tcp://127.0.0.1:")


def assert_lost(app: AppTest, message: str) -> None:
    assert not app.exception
    assert LOST in words(app)
    assert message in words(app).replace("\\", "")


def try_again(app: AppTest) -> AppTest:
    return next(button for button in app.button if button.label == "Try again").click().run()
