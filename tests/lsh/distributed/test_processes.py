"""Worker processes: they give the answers of one machine, and a process that is lost costs no answer."""

import json
import os
import signal
import time

import numpy as np
import pytest
from distributed import Client

from lsh import ExactSearch, SketchIndex
from lsh.analysis import evaluation
from lsh.distributed import DistributedIndex, cluster, connect, shards
from lsh.errors import ClusterError
from tests.lsh.distributed.conftest import parts_of
from tests.lsh.distributed.test_index import assert_same, clustered
from tests.stress import stress

SETTING = {"n_probes": 4, "n_reranked": 12}
pytestmark = pytest.mark.timeout(600)


def pid_of(client, number):
    """Return the process number of one of the workers."""
    return sorted(client.run(os.getpid).items())[number][1]


def wait_for(client, n_workers):
    client.wait_for_workers(n_workers, timeout=120)


def killing_after(monkeypatch, pid, n_batches):
    """Kill a process when the answers of some batches of queries have been merged."""
    merged, seen = shards.merged_best, []

    def merge(*arguments):
        seen.append(arguments)
        if len(seen) == n_batches:
            os.kill(pid, signal.SIGKILL)
        return merged(*arguments)

    monkeypatch.setattr("lsh.distributed.index.merged_best", merge)
    return seen


def test_a_worker_that_is_killed_in_the_middle_of_a_batch_costs_no_answer(processes, tmp_path, monkeypatch):
    X, Q = clustered(1500), clustered(300, seed=1)
    expected = SketchIndex().fit(X).search(Q, 10, **SETTING)
    workers = [processes.worker() for _ in range(2)]
    with connect_when(processes, 2) as client:
        index = DistributedIndex("sketches").fit(parts_of(tmp_path, X, [400, 800, 1100]), client=client)
        assert len({min(holder) for holder in client.who_has(list(index.exact.futures)).values()}) == 2
        assert_same(index.search(Q, 10, **SETTING), expected)
        monkeypatch.setattr(shards, "_BATCH", 20)
        seen = killing_after(monkeypatch, workers[0].pid, 2)
        assert_same(index.search(Q, 10, **SETTING), expected)
        assert len(seen) == 15
        assert workers[0].wait(60) == -signal.SIGKILL
        assert {len(holder) for holder in client.who_has(list(index.exact.futures)).values()} == {1}

        processes.worker()  # one joins and is used
        wait_for(client, 2)
        index.rebalance()
        assert len({min(holder) for holder in client.who_has(list(index.exact.futures)).values()}) == 2
        assert_same(index.search(Q, 10, **SETTING), expected)

        processes.scheduler.kill()
        processes.scheduler.wait()
        with pytest.raises(ClusterError, match="the scheduler was lost, and the index with it"):
            index.search(Q, 10)


def connect_when(processes, n_workers):
    """Return a client of a cluster whose workers have all started."""
    client = Client(processes.address, set_as_default=False)
    wait_for(client, n_workers)
    return client


def test_the_command_line_searches_and_evaluates_on_a_cluster_as_on_one_machine(processes, run, tiny, monkeypatch):
    processes.worker()
    connect_when(processes, 1).close()
    spread = ["--scheduler", processes.address]
    monkeypatch.setattr(evaluation, "REMOTE_QUERIES", 2)
    arguments = "search", tiny, "--clip", "clip-3"
    code, out, err = run(*arguments, *spread, "--json")
    assert (code, "on the cluster at tcp://" in err) == (0, True)
    here, there = json.loads(run(*arguments, "--json")[1]), json.loads(out)
    assert there == here | {"scheduler": processes.address, "shards": 1}
    arguments = "evaluate", tiny, "--index", "sketches", "--reranked", 5
    code, out, _ = run(*arguments, *spread)
    assert code == 0
    assert f", 1 shard of the cluster at {processes.address}: " in out
    assert "time on the clock  " in out
    expected = run(*arguments)[1].splitlines()
    assert out.splitlines()[1:4] == expected[1:4]  # recall, label precision and candidates
    processes.stop()
    code, out, err = run("search", tiny, "--clip", "clip-3", *spread)
    assert (code, out) == (2, "")
    assert err.splitlines()[-1].startswith(f"error: cannot reach a scheduler at '{processes.address}'")


def test_without_a_client_a_cluster_on_this_machine_is_started_and_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    X, Q = clustered(300, 8), clustered(4, 8, seed=1)
    with DistributedIndex("exact") as index:
        index.fit(parts_of(tmp_path, X, [100]))
        pid = pid_of(index.exact.client, 0)
        assert_same(index.search(Q), ExactSearch(X).search(Q))
    while os.path.exists(f"/proc/{pid}"):  # noqa: PTH110
        time.sleep(0.1)


def test_an_address_without_a_scheduler_is_named(monkeypatch):
    monkeypatch.setattr(cluster, "_CONNECT_S", 1)
    with pytest.raises(ClusterError, match=r"cannot reach a scheduler at 'tcp://127.0.0.1:9' .*: start one with"):
        connect("tcp://127.0.0.1:9")


def test_a_scheduler_without_workers_is_refused(processes):
    with pytest.raises(ClusterError, match=r"has no workers: start some with `dask worker tcp://127.0.0.1:\d+`"):
        connect(processes.address)


def test_a_search_does_not_wait_for_ever_when_no_worker_is_left(processes, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "NO_WORKERS_S", 1.0)
    X = clustered(300, 8)
    worker = processes.worker()
    with connect_when(processes, 1) as client:
        index = DistributedIndex("exact").fit(parts_of(tmp_path, X, [100]), client=client)
        worker.kill()
        with pytest.raises(ClusterError, match=r"the cluster has had no worker for 1 s: start some with `dask worker"):
            index.search(X[:3])


@stress
def test_a_worker_with_too_little_memory_writes_shards_to_its_disk_and_answers_as_before(processes, tmp_path):
    rng = np.random.default_rng(0)
    X, Q = rng.standard_normal((600_000, 128), np.float32), rng.standard_normal((20, 128), np.float32)
    processes.worker("--nanny", "--memory-limit", "400MB")
    expected = ExactSearch(X).search(Q)
    with connect_when(processes, 1) as client:
        index = DistributedIndex("exact").fit(parts_of(tmp_path, X, range(30_000, 600_000, 30_000)), client=client)
        assert_same(index.search(Q), expected)
        metrics = next(iter(client.scheduler_info(n_workers=-1)["workers"].values()))["metrics"]
        assert metrics["spilled_bytes"]["disk"] > 0


@stress
def test_a_part_that_is_too_large_for_every_worker_is_an_error_that_says_so(processes, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "NO_WORKERS_S", 5.0)
    np.save(tmp_path / "large.npy", np.ones((3_000_000, 128), np.float16))
    processes.worker("--nanny", "--memory-limit", "400MB")
    with (
        connect_when(processes, 1) as client,
        pytest.raises(
            ClusterError, match=r"their memory was too small: give workers more|because their memory is full"
        ),
    ):
        DistributedIndex("exact").fit([tmp_path / "large.npy"], client=client)
