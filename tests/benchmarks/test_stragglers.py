"""Simulation of slow shards, compared with what probability theory says, and with a simulation query by query."""

import numpy as np
import pytest

from benchmarks import stragglers
from benchmarks.stragglers import main, simulate
from tests.commands import runner


def test_the_more_shards_a_query_waits_for_the_slower_it_is_and_hedging_helps():
    plain = [simulate(n, 4000, hedged=False) for n in (1, 10, 100)]
    hedged = [simulate(n, 4000, hedged=True) for n in (1, 10, 100)]
    assert plain[0].p50 < plain[1].p50 < plain[2].p50
    assert plain[0].p50 == pytest.approx(1.0, abs=0.03)  # the unit of time
    # Of 100 shards at least one is slow in 1 - 0.99^100 = 63 % of queries, so the median is a slow answer.
    assert plain[2].p50 > 5
    assert all(one.p99 < other.p99 for one, other in zip(hedged[1:], plain[1:], strict=True))
    assert [one.extra for one in plain] == [0, 0, 0]
    assert hedged[2].extra == pytest.approx(0.05, abs=0.005)  # sent after the time by which 95 % have answered


def times(rng, *shape):
    """Return log-normal times, a hundredth of them ten times as long, one in 10,000 noticed after 100 more."""
    usual, is_slow, is_failed = np.exp(0.2 * rng.standard_normal(shape)), rng.random(shape), rng.random(shape)
    return usual * np.array([1, 10])[(is_slow < 0.01).astype(int)] + 100 * (is_failed < 1e-4)


def simulated(n_shards, n_queries, seed, hedged):
    """Return the cells of a row: quantiles of the last answers, and the share of further requests."""
    rng = np.random.default_rng([seed, n_shards])
    after, last, more = np.quantile(times(rng, 9000), 0.95), [], 0
    for size in (50, n_queries - 50):
        for own, other in zip(times(rng, size, n_shards), times(rng, size, n_shards), strict=True):
            late = own > after
            more += late.sum() if hedged else 0
            last.append(max(np.where(late & (after + other < own), after + other, own) if hedged else own))
    return [*(f"{np.quantile(last, q):.2f}" for q in (0.5, 0.99, 0.999)), f"{more / (n_queries * n_shards):.1%}"]


def test_the_command_prints_a_row_per_number_of_shards_without_and_with_hedging(capsys, monkeypatch):
    monkeypatch.setattr(stragglers, "_BLOCK", 50)
    monkeypatch.setattr(stragglers, "_USUAL", 9000)
    code, out, _ = runner(main, capsys)("--queries", 80, "--seed", 4)
    assert code == 0
    title, _, *table = out.splitlines()
    assert title == (
        "80 queries; times in median times of one shard; 1% of answers take 10 times as long, 0.01% fail, which is "
        "noticed after 100 median times"
    )
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    assert cells == [
        ["shards", "hedged", "p50", "p99", "p99.9", "requests more"],
        ["--:", "---", "--:", "--:", "--:", "--:"],
        *(
            [f"{n:,}", "yes" if hedged else "no", *simulated(n, 80, 4, hedged)]
            for n in (1, 10, 100, 1000)
            for hedged in (False, True)
        ),
    ]
