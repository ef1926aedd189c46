"""Cluster of Dask on which indexes are: its failures raise `lsh.errors.ClusterError`."""

from collections.abc import Sequence
from typing import Any

from distributed import Client, Future

from earshot_common.dask_cluster import Cluster, large_arguments, stop
from lsh.errors import ClusterError

__all__ = ["connect", "errors_of_cluster", "gathered", "large_arguments", "local_client", "stop", "workers_of"]

_CLUSTER = Cluster(ClusterError, repeat="build the index again", parts="vectors")

connect, local_client, workers_of = _CLUSTER.connect, _CLUSTER.local_client, _CLUSTER.workers_of
gathered, errors_of_cluster = _CLUSTER.gathered, _CLUSTER.errors


def unbound(client: Client, futures: Sequence[Future[Any]]) -> None:
    """Let any worker compute futures again that were bound to some, when these are lost."""
    scheduler: Any = client.scheduler
    with errors_of_cluster():
        client.sync(scheduler.set_restrictions, worker={one.key: None for one in futures})
