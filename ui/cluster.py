"""Cluster of Dask on which the app searches its collections, named by `EARSHOT_SCHEDULER`; and the indexes there."""

import os
from typing import Any

import streamlit as st

from data_prep.dataset import Dataset
from earshot_common import extras
from lsh.analysis.search_config import SearchConfig
from lsh.errors import ClusterError


def scheduler() -> str | None:
    """Return the address of the scheduler on whose workers collections are searched; None to search here."""
    return os.environ.get("EARSHOT_SCHEDULER") or None


def index_of(dataset: Dataset, config: SearchConfig, address: str) -> Any:
    """Return a `lsh.distributed.DistributedIndex` of a dataset, made once for all visitors.

    Raises ClusterError where the cluster fails, or has no worker left.
    """
    key = f"{dataset.fingerprint} {config!r} {address}"
    index = _index(key=key, _dataset=dataset, _config=config, _address=address)
    if not index.n_workers:
        raise ClusterError(f"the cluster has no worker left: start some with `dask worker {address}`")
    return index


def forget() -> None:
    """Leave the cluster, so that the next page connects to it anew and spreads its collection again."""
    _index.clear()


@st.cache_resource(
    max_entries=3,
    show_spinner="Spreading the clips over the cluster…",
    on_release=lambda index: index.exact.client.close(),
)
def _index(key: str, _dataset: Dataset, _config: SearchConfig, _address: str) -> Any:  # noqa: ARG001
    try:
        from lsh.distributed import DistributedIndex, connect
    except ModuleNotFoundError as error:
        raise ClusterError(extras.advice(error.name or "") or str(error)) from error
    index, client = DistributedIndex(_config.kind, _config.metric, **_config.build), connect(_address)
    return index.fit(_dataset.features("train"), client=client)
