"""Connection to a Dask cluster, and its failures as one kind of error with a readable message."""

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from typing import Any

import dask
from distributed import Client, Future, KilledWorker, LocalCluster, wait
from distributed.client import ClosedClientError
from distributed.scheduler import NoValidWorkerError, NoWorkerError

from lsh.errors import ClusterError

NO_WORKERS_S = 60.0  # how long a search waits for a worker when there is none
_CONNECT_S = 10
_POLL_S = 2.0
_AT_START = "start one with `dask scheduler`, and give the address that it prints, such as tcp://192.168.0.5:8786"

_LOST = (
    "the scheduler was lost, and the index with it: start the cluster again, connect to it, and build the index again"
)


def connect(address: str) -> Client:
    """Return a client of the scheduler at an address such as "tcp://192.168.0.5:8786".

    Raises ClusterError when there is none, or it has no worker.
    """
    try:
        client = Client(address, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise ClusterError(f"cannot reach a scheduler at {address!r} ({_first_line(error)}): {_AT_START}") from error
    with errors_of_cluster():
        if not workers_of(client):
            client.close()
            raise ClusterError(f"the scheduler at {address} has no workers: start some with `dask worker {address}`")
    return client


def local_client() -> Client:
    """Return a client of a new cluster on this machine, with a process of one thread for each processor.

    The processes import the program that called this, so a script must call it under `if __name__ == "__main__":`.
    """
    with errors_of_cluster():
        cluster = LocalCluster(n_workers=os.cpu_count(), threads_per_worker=1, dashboard_address=None)
        return Client(cluster, set_as_default=False)


def stop(client: Client) -> None:
    """Stop the cluster that `local_client` started."""
    cluster: Any = client.cluster
    client.close()
    cluster.close()


def workers_of(client: Client) -> dict[str, int]:
    """Return the address of each worker, in a fixed order, and its number of threads."""
    workers = _identity(client)["workers"]
    return {address: int(workers[address]["nthreads"]) for address in sorted(workers)}


def address_of(client: Client) -> str:
    """Return the address of a client's scheduler."""
    return str(_identity(client)["address"])


def _identity(client: Client) -> dict[str, Any]:
    """Return what the scheduler says of itself and its workers; raise ClusterError where it is gone."""
    identity: Any = client.scheduler_info(n_workers=-1)
    if not identity:  # the client tries to connect again, but a new scheduler would know nothing of the index
        raise ClusterError(_LOST)
    return dict(identity)


def gathered(client: Client, futures: Sequence[Future[Any]]) -> list[Any]:
    """Return the results of futures; raise their first exception, or ClusterError where the cluster failed.

    While no worker works, because none is left, their memory is full or a part is bound to a worker that is lost, they
    are waited for, for a minute.
    """
    with errors_of_cluster():
        deadline = time.monotonic() + NO_WORKERS_S
        while futures:
            try:
                with client.as_current():
                    wait(futures, timeout=_POLL_S)
                break
            except TimeoutError:
                workers, tasks = _identity(client)["workers"], client.processing()
                running = [address for address, worker in workers.items() if worker["status"] == "running"]
                if any(tasks.get(address) for address in running):
                    deadline = time.monotonic() + NO_WORKERS_S
                elif time.monotonic() > deadline:
                    raise ClusterError(_why_nothing_works(client, workers, running)) from None
        found: list[Any] = client.gather(list(futures))
        return found


def _why_nothing_works(client: Client, workers: dict[str, Any], running: list[str]) -> str:
    if running:
        return (
            f"no worker has worked for {NO_WORKERS_S:.0f} s, though results are missing, since those that could were "
            "lost: build the index again"
        )
    if workers:
        return (
            f"all workers have paused for {NO_WORKERS_S:.0f} s, because their memory is full: give them more, start "
            "more workers, or divide the vectors into more parts"
        )
    return (
        f"the cluster has had no worker for {NO_WORKERS_S:.0f} s: start some with `dask worker {address_of(client)}`, "
        "and search again"
    )


def unbound(client: Client, futures: Sequence[Future[Any]]) -> None:
    """Let any worker compute futures again that were bound to some, when these are lost."""
    scheduler: Any = client.scheduler
    with errors_of_cluster():
        client.sync(scheduler.set_restrictions, worker={one.key: None for one in futures})


@contextlib.contextmanager
def large_arguments() -> Iterator[None]:
    """Let arguments of tasks be large without a warning: what was learned is sent once, and kept by the scheduler."""
    with dask.config.set({"distributed.admin.large-graph-warning-threshold": "100 GB"}):
        yield


@contextlib.contextmanager
def errors_of_cluster() -> Iterator[None]:
    """Raise ClusterError for what Dask raises when a process of the cluster is lost."""
    try:
        yield
    except KilledWorker as error:
        raise ClusterError(
            f"{error.allowed_failures + 1} workers died one after another while they worked on the same part, the last "
            f"at {error.last_worker.address}; most often their memory was too small: give workers more memory, or "
            "divide the vectors into more parts"
        ) from error
    except MemoryError as error:
        raise ClusterError(
            "a worker has too little memory for a part: give workers more, or divide the vectors into more parts"
        ) from error
    except (NoValidWorkerError, NoWorkerError) as error:
        raise ClusterError(f"no worker can do this ({_first_line(error)}): start more workers") from error
    except (CancelledError, ClosedClientError) as error:
        raise ClusterError(_LOST) from error
    except OSError as error:
        raise ClusterError(f"the cluster cannot be reached ({_first_line(error)}): {_AT_START}") from error


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
