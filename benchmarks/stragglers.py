"""Simulation of slow and failed shards, with and without hedged requests: `python -m benchmarks.stragglers`.

A query is answered when its last shard has answered. Each answer takes the median time of a shard times a log-normal
factor, and with a small probability many times as long: another program runs there, memory is cleaned up, a disk is
read. A shard that fails answers only after it has been noticed, and its part was asked of another worker. A hedged
request is sent to a second replica when the first has not answered by the time by which 95 % usually have, and the
earlier answer counts (J. Dean, L. A. Barroso, "The tail at scale", CACM 2013).
"""

import argparse
import sys
from typing import NamedTuple

import numpy as np

from benchmarks.markdown import table
from earshot_common import command_line
from earshot_common.command_line import whole_number
from lsh.arrays import Float64Array

_SHARDS = (1, 10, 100, 1000)
_SPREAD = 0.2  # standard deviation of the logarithm of a usual time
_SLOW, _SLOW_FACTOR = 0.01, 10.0  # how often an answer is slow, and how many times as long it takes
_FAILED, _NOTICED = 1e-4, 100.0  # how often a shard fails, and after how many median times that is noticed
_HEDGED_AFTER = 0.95  # of the answers have usually arrived
_BLOCK = 1000  # queries simulated at a time
_USUAL = 1_000_000  # answers from which the usual times are taken


class Simulated(NamedTuple):
    """Times of queries in median times of one shard; extra: additional requests as a fraction of all."""

    p50: float
    p99: float
    p999: float
    extra: float


def simulate(n_shards: int, n_queries: int, *, hedged: bool, seed: int = 0) -> Simulated:
    """Return the times of queries that are sent to all shards and answered by the last."""
    rng = np.random.default_rng([seed, n_shards])
    after = float(np.quantile(_times(rng, (_USUAL,)), _HEDGED_AFTER))
    slowest, repeated = np.empty(n_queries), 0
    for first in range(0, n_queries, _BLOCK):
        shape = min(_BLOCK, n_queries - first), n_shards
        times, others = _times(rng, shape), _times(rng, shape)
        if hedged:
            repeated += int((times > after).sum())
            times = np.minimum(times, np.where(times > after, after + others, np.inf))
        slowest[first : first + shape[0]] = times.max(axis=1)
    p50, p99, p999 = np.quantile(slowest, [0.5, 0.99, 0.999]).tolist()
    return Simulated(p50, p99, p999, repeated / (n_queries * n_shards))


def _times(rng: np.random.Generator, shape: tuple[int, ...]) -> Float64Array:
    times = np.exp(_SPREAD * rng.standard_normal(shape))
    times *= np.where(rng.random(shape) < _SLOW, _SLOW_FACTOR, 1.0)
    return np.asarray(times + np.where(rng.random(shape) < _FAILED, _NOTICED, 0.0))


def main(arguments: list[str] | None = None) -> int:
    """Print a table of times by the number of shards; return the exit code."""
    options = _parser().parse_args(arguments)
    return command_line.run(lambda: _run(options), ())


def _run(options: argparse.Namespace) -> None:
    rows = []
    for n_shards in _SHARDS:
        for hedged in (False, True):
            found = simulate(n_shards, options.queries, hedged=hedged, seed=options.seed)
            times = (f"{value:.2f}" for value in (found.p50, found.p99, found.p999))
            rows.append([f"{n_shards:,}", "yes" if hedged else "no", *times, f"{found.extra:.1%}"])
    print(
        f"{options.queries:,} queries; times in median times of one shard; {_SLOW:.0%} of answers take "
        f"{_SLOW_FACTOR:.0f} times as long, {_FAILED:.2%} fail, which is noticed after {_NOTICED:.0f} median times\n"
    )
    print(table(["shards", "hedged", "p50", "p99", "p99.9", "requests more"], rows, text_columns=(1,)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.stragglers",
        description="Simulate queries that wait for the slowest of many shards, with and without hedged requests.",
    )
    queries = "number of queries to simulate (default: %(default)s)"
    parser.add_argument("--queries", type=whole_number(1, 10**7), default=20_000, metavar="N", help=queries)
    seeds = whole_number(0, 2**31 - 1)
    parser.add_argument("--seed", type=seeds, default=0, help="seed of the simulation (default: %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
