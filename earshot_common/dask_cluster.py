"""Cluster of Dask: connection, results of tasks, and failures as one kind of error with a readable message.

The extra `dask` installs what this module imports.
"""

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass
from typing import Any

import dask
from distributed import Client, Future, KilledWorker, LocalCluster, wait
from distributed.client import ClosedClientError
from distributed.scheduler import NoValidWorkerError, NoWorkerError

NO_WORKERS_S = 60.0  # how long work waits for a worker when there is none
_CONNECT_S = 10
_POLL_S = 2.0
_AT_START = "start one with `dask scheduler`, and give the address that it prints, such as tcp://192.168.0.5:8786"


def local_cluster(n_workers: int, **options: Any) -> LocalCluster:
    """Return a cluster of workers of one thread on this machine, without a dashboard, and beside any others there.

    options: further ones of `LocalCluster`. (By default its scheduler takes port 8787, and warns where that is taken.)
    """
    scheduler = {"dashboard": False, "dashboard_address": ":0"}
    return LocalCluster(
        n_workers=n_workers, threads_per_worker=1, dashboard_address=None, scheduler_kwargs=scheduler, **options
    )


@dataclass(frozen=True, slots=True)
class Cluster:
    """What is done on a cluster, for its errors.

    error: the exception that is raised where the cluster fails. repeat: what to do when work is lost, such as "build
    the index again"; parts: what is spread, such as "vectors".
    """

    error: type[Exception]
    repeat: str
    parts: str

    def connect(self, address: str) -> Client:
        """Return a client of the scheduler at an address such as "tcp://192.168.0.5:8786".

        Raises the error when there is none, or it has no worker.
        """
        try:
            client = Client(address, timeout=_CONNECT_S, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            raise self.error(f"cannot reach a scheduler at {address!r} ({_first_line(error)}): {_AT_START}") from error
        with self.errors():
            if not self.workers_of(client):
                client.close()
                raise self.error(f"the scheduler at {address} has no workers: start some with `dask worker {address}`")
        return client

    def local_client(self) -> Client:
        """Return a client of a new cluster on this machine, with a process of one thread for each processor.

        The processes import the program that called this, so a script must call it under `if __name__ == "__main__":`.
        """
        with self.errors():
            cluster = local_cluster(os.cpu_count() or 1)
            return Client(cluster, set_as_default=False)

    def workers_of(self, client: Client) -> dict[str, int]:
        """Return the address of each worker, in a fixed order, and its number of threads."""
        workers = self._identity(client)["workers"]
        return {address: int(workers[address]["nthreads"]) for address in sorted(workers)}

    def gathered(self, client: Client, futures: Sequence[Future[Any]]) -> list[Any]:
        """Return the results of futures; raise their first exception, or the error where the cluster failed.

        While no worker works, because none is left, their memory is full or a part is bound to a worker that is lost,
        they are waited for, for a minute.
        """
        with self.errors():
            deadline = time.monotonic() + NO_WORKERS_S
            while futures:
                try:
                    with client.as_current():
                        wait(futures, timeout=_POLL_S)
                    break
                except TimeoutError:
                    workers, tasks = self._identity(client)["workers"], client.processing()
                    running = [address for address, worker in workers.items() if worker["status"] == "running"]
                    if any(tasks.get(address) for address in running):
                        deadline = time.monotonic() + NO_WORKERS_S
                    elif time.monotonic() > deadline:
                        raise self.error(self._why_nothing_works(client, workers, running)) from None
            found: list[Any] = client.gather(list(futures))
            return found

    @contextlib.contextmanager
    def errors(self) -> Iterator[None]:
        """Raise the error for what Dask raises when a process of the cluster is lost."""
        try:
            yield
        except KilledWorker as error:
            raise self.error(
                f"{error.allowed_failures + 1} workers died one after another while they worked on the same part, the "
                f"last at {error.last_worker.address}; most often their memory was too small: give workers more "
                f"memory, or divide the {self.parts} into more parts"
            ) from error
        except MemoryError as error:
            raise self.error(
                f"a worker has too little memory for a part: give workers more, or divide the {self.parts} into more "
                "parts"
            ) from error
        except (NoValidWorkerError, NoWorkerError) as error:
            raise self.error(f"no worker can do this ({_first_line(error)}): start more workers") from error
        except (CancelledError, ClosedClientError) as error:
            raise self.error(self._lost) from error
        except OSError as error:
            raise self.error(f"the cluster cannot be reached ({_first_line(error)}): {_AT_START}") from error

    @property
    def _lost(self) -> str:
        return (
            "the scheduler was lost, and what the cluster held with it: start the cluster again, connect to it, and "
            f"{self.repeat}"
        )

    def _identity(self, client: Client) -> dict[str, Any]:
        """Return what the scheduler says of itself and its workers; raise the error where it is gone."""
        identity: Any = client.scheduler_info(n_workers=-1)
        if not identity:  # the client tries to connect again, but a new scheduler would know nothing of the work
            raise self.error(self._lost)
        return dict(identity)

    def _why_nothing_works(self, client: Client, workers: dict[str, Any], running: list[str]) -> str:
        if running:
            return (
                f"no worker has worked for {NO_WORKERS_S:.0f} s, though results are missing, since those that could "
                f"were lost: {self.repeat}"
            )
        if workers:
            return (
                f"all workers have paused for {NO_WORKERS_S:.0f} s, because their memory is full: give them more, "
                f"start more workers, or divide the {self.parts} into more parts"
            )
        address = self._identity(client)["address"]
        return (
            f"the cluster has had no worker for {NO_WORKERS_S:.0f} s: start some with `dask worker {address}`, and "
            "try again"
        )


def stop(client: Client) -> None:
    """Stop the cluster that `local_client` started."""
    cluster: Any = client.cluster
    client.close()
    cluster.close()


@contextlib.contextmanager
def large_arguments() -> Iterator[None]:
    """Let arguments of tasks be large without a warning: they are sent once, and kept by the scheduler."""
    with dask.config.set({"distributed.admin.large-graph-warning-threshold": "100 GB"}):
        yield


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
