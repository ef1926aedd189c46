"""Search on a Dask cluster of 1, 2 and 4 workers beside the plain index: `python -m benchmarks.scale_out DATASET`.

Every cluster is started on this machine with workers of one thread, so that more workers than processors cannot be
faster: what the table shows then is what dividing and merging cost.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.errors import BenchmarkError
from benchmarks.machine import describe
from benchmarks.markdown import table
from data_prep.dataset import Dataset, open_dataset
from data_prep.errors import DataError
from earshot_common import command_line
from earshot_common.command_line import whole_number
from lsh.analysis.search_config import DIVIDED_KINDS, SearchConfig
from lsh.arrays import Float32Array
from lsh.errors import LSHError
from lsh.result import SearchResult
from lsh.sampling import evenly_spaced_rows
from lsh.sketches.partition import default_buckets
from lsh.warm import warm

_K = 10
_WORKERS = (1, 2, 4)
_ROUNDS = 3
_SINGLE = 100  # queries that are sent alone

Search = Callable[[Float32Array], SearchResult]


class Measured(NamedTuple):
    """Figures of one index; ms: of each query that was sent alone; per_s: queries in one batch, the fastest round."""

    name: str
    build_s: float
    per_s: float
    ms: list[float]
    payload: float


def main(arguments: list[str] | None = None) -> int:
    """Print a table of throughput and latency; return the exit code."""
    options = _parser().parse_args(arguments)
    return command_line.run(lambda: _run(open_dataset(options.dataset), options), (DataError, LSHError, BenchmarkError))


def _run(dataset: Dataset, options: argparse.Namespace) -> None:
    from distributed import Client

    from earshot_common.dask_cluster import local_cluster
    from lsh.distributed import DistributedIndex

    warm()
    X, n = dataset.features("train"), dataset.n_rows("test")
    if not n:
        raise BenchmarkError(f"{options.dataset} has no clips in its test split, which are the queries")
    Q = np.asarray(dataset.features("test")[evenly_spaced_rows(n, options.queries)])
    config = _config(options.kind, dataset.metric, len(X))
    start = time.perf_counter()
    plain = config.fit(X)
    build_s = time.perf_counter() - start
    config = config.completed(plain)
    expected = config.search(plain, Q, _K)
    rows = [_measured("plain index", build_s, _searching(config, plain), Q, 0)]
    for n_workers in options.workers or _WORKERS:
        command_line.log(f"starting {n_workers} workers")
        with (
            local_cluster(n_workers) as cluster,
            Client(cluster, set_as_default=False) as client,
        ):
            client.run(warm)
            start = time.perf_counter()
            index = DistributedIndex(config.kind, config.metric, **config.build).fit(X, client=client)
            build_s = time.perf_counter() - start
            found = config.search(index, Q, _K)
            if not (np.array_equal(found.ids, expected.ids) and np.array_equal(found.distances, expected.distances)):
                raise BenchmarkError(f"{n_workers} workers answer otherwise than one machine: that is a defect")
            name = f"{n_workers} worker{'s' * (n_workers > 1)}"
            rows.append(_measured(name, build_s, _searching(config, index), Q, _payload(index, config, Q)))
    _print(dataset, config, len(X), len(Q), rows)


def _config(kind: str, metric: str, n: int) -> SearchConfig:
    if kind == "exact":
        return SearchConfig.exact(metric)
    if kind == "tables":
        return SearchConfig.tables(metric, 0, {}, {})
    return SearchConfig("sketches", metric, {"n_buckets": default_buckets(n)}, {"n_probes": 8, "n_reranked": 40})


def _searching(config: SearchConfig, index: Any) -> Search:
    return lambda queries: config.search(index, queries, _K)


def _measured(name: str, build_s: float, search: Search, Q: Float32Array, payload: float) -> Measured:
    batches, singles = [], []
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        search(Q)
        batches.append(time.perf_counter() - start)
    for q in range(min(_SINGLE, len(Q))):
        start = time.perf_counter()
        search(Q[q : q + 1])
        singles.append(1e3 * (time.perf_counter() - start))
    return Measured(name, build_s, len(Q) / min(batches), singles, payload)


def _payload(index: Any, config: SearchConfig, Q: Float32Array) -> float:
    """Return the bytes of arrays that one query sends to all shards and receives from them, without Dask's messages."""
    return float(index.payload_bytes(Q[:_SINGLE], _K, **config.setting) / len(Q[:_SINGLE]))


def _print(dataset: Dataset, config: SearchConfig, n: int, nq: int, rows: list[Measured]) -> None:
    machine, plain = describe(), rows[0]
    print(f"{config.metric}, {config}: the {_K} nearest of {n:,} clips of {dataset.title!r}; {nq:,} test queries")
    print(f"{machine['cpu']}, {machine['cores']} processors, load {machine['load']}\n")
    cells = [
        [
            row.name,
            f"{row.build_s:.2f}",
            f"{row.per_s:,.0f}",
            f"{np.median(row.ms):.2f}",
            f"{np.quantile(row.ms, 0.99):.2f}",
            *(
                ("-", "-", "-")
                if row is plain
                else (
                    f"{row.payload:,.0f}",
                    f"{np.median(row.ms) - np.median(plain.ms):.2f}",
                    f"{row.per_s / plain.per_s:.2g}",
                )
            ),
        ]
        for row in rows
    ]
    names = ["index", "built in s", "queries/s in one batch", "ms alone, median", "ms alone, p99", "bytes per query"]
    names += ["overhead alone in ms", "times the plain index's queries/s"]
    print(table(names, cells))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scale_out",
        description=(
            "Start clusters of Dask on this machine, compare their answers with those of the plain index, and time "
            "both: many queries in one batch, and one query at a time."
        ),
    )
    parser.add_argument("dataset", type=Path, metavar="DATASET", help="folder of a prepared dataset")
    kinds = "kind of index: hash tables, sketches in buckets, or exact search (default: %(default)s)"
    parser.add_argument("--kind", choices=DIVIDED_KINDS, default="sketches", help=kinds)
    workers = f"numbers of workers to measure (default: {' '.join(map(str, _WORKERS))})"
    parser.add_argument("--workers", type=whole_number(1, 64), nargs="+", metavar="N", help=workers)
    queries = "maximum number of queries in the batch (default: %(default)s)"
    parser.add_argument("--queries", type=whole_number(1, 10**6), default=1000, metavar="N", help=queries)
    return parser


if __name__ == "__main__":
    sys.exit(main())
