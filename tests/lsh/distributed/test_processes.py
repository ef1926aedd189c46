"""Worker processes: they give the answers of one machine, and a process that is lost costs no answer."""

import json
import os
import re
import signal
import time
from functools import partial

import numpy as np
import pytest
from distributed import Client, LocalCluster, Status

from earshot_common import dask_cluster
from lsh import ExactSearch, LSHIndex, SketchIndex
from lsh.analysis import evaluation
from lsh.distributed import DistributedIndex, cluster, connect, shards
from lsh.errors import ClusterError
from lsh.growing import merging
from tests.lsh.distributed.conftest import Processes, parts_of, threads
from tests.lsh.distributed.test_index import assert_same, clustered
from tests.stress import IS_STRESS, stress

SETTING = {"n_probes": 4, "n_reranked": 12}
pytestmark = pytest.mark.timeout(600)


def pid_of(client, number):
    """Return the process number of one of the workers."""
    return sorted(client.run(os.getpid).items())[number][1]


def wait_for(client, n_workers):
    client.wait_for_workers(n_workers, timeout=120)


def killing_after(monkeypatch, pid, n_batches):
    """Kill a process when the answers of some batches of queries have been merged."""
    merged, seen = merging.merged_best, []

    def merge(*arguments):
        seen.append(arguments)
        if len(seen) == n_batches:
            os.kill(pid, signal.SIGKILL)
        return merged(*arguments)

    monkeypatch.setattr("lsh.distributed.index.merged_best", merge)
    return seen


def connect_when(processes, n_workers):
    """Return a client of a cluster whose workers have all started."""
    client = Client(processes.address, set_as_default=False, timeout=2)  # also for connecting again when it is lost
    wait_for(client, n_workers)
    return client


@pytest.fixture(scope="module")
def two_workers(processes):
    """Return a cluster of two worker processes."""
    processes.workers = [processes.worker() for _ in range(2)]
    return processes


def test_the_command_line_searches_and_evaluates_on_a_cluster_as_on_one_machine(two_workers, run, tiny, monkeypatch):
    connect_when(two_workers, 2).close()
    spread = ["--scheduler", two_workers.address]
    monkeypatch.setattr(evaluation, "REMOTE_QUERIES", 2)
    arguments = "search", tiny, "--clip", "clip-3"
    code, out, err = run(*arguments, *spread, "--json")
    assert (code, "on the cluster at tcp://" in err) == (0, True)
    here, there = json.loads(run(*arguments, "--json")[1]), json.loads(out)
    assert there == here | {"scheduler": two_workers.address, "shards": 2}
    arguments = "evaluate", tiny, "--index", "sketches", "--reranked", 5
    code, out, _ = run(*arguments, *spread)
    assert code == 0
    assert f", 2 shards of the cluster at {two_workers.address}: " in out
    assert "time on the clock  " in out
    expected = run(*arguments)[1].splitlines()
    assert out.splitlines()[1:4] == expected[1:4]  # recall, label precision and candidates


def test_filters_and_radii_reach_worker_processes(two_workers, tmp_path):
    X, Q = clustered(1500), clustered(30, seed=1)
    allowed = np.random.default_rng(0).random((len(Q), len(X))) < 0.4
    with connect_when(two_workers, 2) as client:
        for kind, build in (("sketches", {"n_buckets": 32}), ("tables", {"n_tables": 3, "n_bits": 8})):
            index = DistributedIndex(kind, **build).fit(parts_of(tmp_path, X, [400]), client=client)
            one = (SketchIndex if kind == "sketches" else LSHIndex)(**build).fit(X)
            for form in (allowed[0], allowed):
                assert_same(index.search(Q, 10, n_probes=2, allowed=form), one.search(Q, 10, n_probes=2, allowed=form))
            assert_same(index.range_search(Q, 0.3, n_probes=2), one.range_search(Q, 0.3, n_probes=2))
        assert index.subset([3, 700]).search(X[[700]], 1).ids.tolist() == [[1]]


def test_a_worker_that_is_killed_in_the_middle_of_a_batch_costs_no_answer(two_workers, tmp_path, monkeypatch):
    X, Q = clustered(1500), clustered(300, seed=1)
    expected = SketchIndex().fit(X).search(Q, 10, **SETTING)
    with connect_when(two_workers, 2) as client:
        killed = two_workers.workers[0]
        index = DistributedIndex("sketches").fit(parts_of(tmp_path, X, [400, 800, 1100]), client=client)
        assert len({min(holder) for holder in client.who_has(list(index.exact.futures)).values()}) == 2
        assert_same(index.search(Q, 10, **SETTING), expected)
        monkeypatch.setattr(shards, "_BATCH", 20)
        seen = killing_after(monkeypatch, killed.pid, 2)
        assert_same(index.search(Q, 10, **SETTING), expected)
        assert len(seen) == 15
        assert killed.wait(60) == -signal.SIGKILL
        assert {len(holder) for holder in client.who_has(list(index.exact.futures)).values()} == {1}

        two_workers.worker()  # one joins and is used
        wait_for(client, 2)
        index.rebalance()
        assert len({min(holder) for holder in client.who_has(list(index.exact.futures)).values()}) == 2
        assert_same(index.search(Q, 10, **SETTING), expected)

        two_workers.scheduler.kill()
        two_workers.scheduler.wait()
        with pytest.raises(
            ClusterError,
            match=r"the scheduler was lost, .*: start the cluster again, connect to it, and build the index again",
        ):
            index.search(Q, 10)


def test_without_a_client_a_cluster_on_this_machine_is_started_and_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    if not IS_STRESS:  # a process of its own takes seconds to start
        monkeypatch.setattr(dask_cluster, "LocalCluster", partial(LocalCluster, processes=False))
    X, Q = clustered(300, 8), clustered(4, 8, seed=1)
    with DistributedIndex("exact") as index:
        index.fit(parts_of(tmp_path, X, [100]))
        client, pid = index.exact.client, pid_of(index.exact.client, 0)
        assert_same(index.search(Q), ExactSearch(X).search(Q))
    assert (client.status, client.cluster.status) == ("closed", Status.closed)
    while IS_STRESS and os.path.exists(f"/proc/{pid}"):  # noqa: PTH110
        time.sleep(0.1)


def test_an_address_without_a_scheduler_is_named(run, tiny, monkeypatch):
    monkeypatch.setattr(dask_cluster, "_CONNECT_S", 1)
    code, out, err = run("search", tiny, "--clip", "clip-3", "--scheduler", "tcp://127.0.0.1:9")
    assert (code, out) == (2, "")
    assert re.match(r"error: cannot reach a scheduler at 'tcp://127.0.0.1:9' .*: start one with", err.splitlines()[-1])


def test_a_scheduler_without_workers_is_refused():
    message = r"has no workers: start some with `dask worker tcp://127.0.0.1:\d+`"
    with threads(0) as local, pytest.raises(ClusterError, match=message):
        connect(local.scheduler_address)


def leave(local, client):
    """End all workers of a cluster."""
    local.scale(0)
    while client.scheduler_info(n_workers=0)["n_workers"]:
        time.sleep(0.02)


def test_a_search_does_not_wait_for_ever_when_no_worker_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr(dask_cluster, "NO_WORKERS_S", 1.0)
    X = clustered(300, 8)
    with threads(1) as local, connect(local.scheduler_address) as client:
        index = DistributedIndex("exact").fit(parts_of(tmp_path, X, [100]), client=client)
        lost = next(iter(client.scheduler_info()["workers"]))
        leave(local, client)
        message = r"the cluster has had no worker for 1 s: start some with `dask worker"
        with pytest.raises(ClusterError, match=message):
            index.search(X[:3])
        local.scale(1)
        wait_for(client, 1)
        bound = client.submit(len, [], workers=lost, pure=False)  # to a worker that does not come back
        with pytest.raises(ClusterError, match=r"no worker has worked for 1 s, .*: build the index again"):
            cluster.gathered(client, [bound])


def test_shards_that_were_moved_are_built_again_when_all_workers_are_lost(tmp_path, monkeypatch):
    monkeypatch.setattr(dask_cluster, "NO_WORKERS_S", 5.0)
    X = clustered(300, 8)
    with threads(1) as local, connect(local.scheduler_address) as client:
        index = DistributedIndex("exact").fit(parts_of(tmp_path, X, [100, 200]), client=client)
        local.scale(2)
        wait_for(client, 2)
        index.rebalance()
        assert len({min(holder) for holder in client.who_has(list(index.exact.futures)).values()}) == 2
        leave(local, client)
        local.scale(1)
        assert_same(index.search(X[:3]), ExactSearch(X).search(X[:3]))


@pytest.fixture
def one(tmp_path):
    """Return a scheduler as a process for one test alone."""
    started = Processes(tmp_path)
    yield started
    started.stop()


@stress
def test_a_worker_with_too_little_memory_writes_shards_to_its_disk_and_answers_as_before(one, tmp_path):
    rng = np.random.default_rng(0)
    X, Q = rng.standard_normal((600_000, 128), np.float32), rng.standard_normal((20, 128), np.float32)
    one.worker("--nanny", "--memory-limit", "400MB")
    expected = ExactSearch(X).search(Q)
    with connect_when(one, 1) as client:
        index = DistributedIndex("exact").fit(parts_of(tmp_path, X, range(30_000, 600_000, 30_000)), client=client)
        assert_same(index.search(Q), expected)
        metrics = next(iter(client.scheduler_info(n_workers=-1)["workers"].values()))["metrics"]
        assert metrics["spilled_bytes"]["disk"] > 0


@stress
def test_a_part_that_is_too_large_for_every_worker_is_an_error_that_says_so(one, tmp_path, monkeypatch):
    monkeypatch.setattr(dask_cluster, "NO_WORKERS_S", 5.0)
    np.save(tmp_path / "large.npy", np.ones((3_000_000, 128), np.float16))
    one.worker("--nanny", "--memory-limit", "400MB")
    with (
        connect_when(one, 1) as client,
        pytest.raises(
            ClusterError, match=r"their memory was too small: give workers more|because their memory is full"
        ),
    ):
        DistributedIndex("exact").fit([tmp_path / "large.npy"], client=client)
