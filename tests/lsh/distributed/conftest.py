"""Clusters of Dask: workers as threads of this process, and as processes of their own."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from distributed import Client

from earshot_common.dask_cluster import local_cluster

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def client():
    """Return a client of three workers in this process."""
    with (
        local_cluster(3, processes=False) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


class Processes:
    """A scheduler and workers as processes of their own, started as on a real cluster."""

    def __init__(self, folder):
        self._folder, self._started = folder, []
        self.file = folder / "scheduler.json"
        arguments = ["--scheduler-file", str(self.file), "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
        self.scheduler = self.start("scheduler", *arguments)
        while not self.file.exists():
            assert self.scheduler.poll() is None
            time.sleep(0.05)
        with Client(scheduler_file=str(self.file), set_as_default=False) as client:
            self.address = client.scheduler_info(n_workers=0)["address"]

    def start(self, name, *arguments):
        """Start `dask NAME` and return its process."""
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        environment = {**os.environ, "PYTHONPATH": path, "DASK_DISTRIBUTED__ADMIN__LOG_LENGTH": "0"}
        command = [sys.executable, "-m", "dask", name, *arguments]
        with (self._folder / f"{name}-{len(self._started)}.log").open("w") as log:
            process = subprocess.Popen(command, cwd=self._folder, env=environment, stdout=log, stderr=log)
        self._started.append(process)
        return process

    def worker(self, *arguments):
        """Start a worker of one thread, without a process that starts it anew, and return its process."""
        folder = self._folder / f"worker-{len(self._started)}"
        where = "--host", "127.0.0.1", "--local-directory", str(folder), "--no-dashboard"
        return self.start("worker", self.address, "--nthreads", "1", *where, *(arguments or ["--no-nanny"]))

    def wait_for(self, n_workers):
        """Wait until the scheduler has so many workers."""
        with Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(n_workers, timeout=300)

    def stop(self):
        """End all processes."""
        for process in self._started:
            process.kill()
        for process in self._started:
            process.wait()


@pytest.fixture(scope="module")
def processes(tmp_path_factory):
    """Return a scheduler as a process, to which workers can be added."""
    started = Processes(tmp_path_factory.mktemp("cluster"))
    yield started
    started.stop()


def threads(n_workers):
    """Return a cluster of its own whose workers are threads of this process, reachable by TCP."""
    return local_cluster(n_workers, processes=False, protocol="tcp://")


def parts_of(folder, X, bounds):
    """Save the rows of X between bounds as .npy files and return their paths."""
    paths = []
    for number, (first, last) in enumerate(zip([0, *bounds], [*bounds, len(X)], strict=True)):
        np.save(folder / f"{number}.npy", X[first:last])
        paths.append(folder / f"{number}.npy")
    return paths
