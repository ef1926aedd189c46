"""Trials, the target and the Pareto front."""

import itertools

import numpy as np
import pytest

from lsh import ExactSearch, LSHIndex, recall_at_k, recall_grid
from lsh.analysis import trials
from lsh.analysis.trials import Target, _geometric_steps, all_trials, pareto_front, table_trials

METRICS = ["cosine", "euclidean"]


def made_target(recall, metric="cosine", n_queries=100):
    rng = np.random.default_rng(0)
    centres = 2 * rng.standard_normal((30, 8))
    X, Q = (centres[rng.integers(0, 30, n)] + rng.standard_normal((n, 8)) for n in (500, n_queries))
    exact = ExactSearch(X, metric)
    return Target(exact, np.float32(Q), exact.search(Q, 5), recall)


def ignored(_):
    """Take a progress message."""


def test_few_rows_are_searched_in_more_ways_than_many(monkeypatch):
    monkeypatch.setattr(trials, "FEW_ROWS", 1024)
    learned = [{"n_buckets": n, "seed": 7} for n in (32, 64, 128)]
    others = [{"n_buckets": 64, "seed": 7, "family": "hyperplanes"}, {"n_buckets": 1, "seed": 7}]
    assert trials._sketch_builds(1024, 7) == [*learned, *others]
    assert trials._sketch_builds(1025, 7) == learned[:2]


@pytest.mark.parametrize("rows", [range(500, 501), range(501, 900), range(500)], ids=str)
def test_a_graph_is_built_of_neither_few_nor_very_many_rows(monkeypatch, rows):
    monkeypatch.setattr(trials, "GRAPH_ROWS", rows)
    target = made_target(0.9)
    graphs = [trial for group in all_trials(target, 0, ignored) for trial in group if trial.config.kind == "graph"]
    assert len(graphs) == (500 in rows)
    for trial in graphs:
        assert trial.index_bytes == trial.index.nbytes > 500 * 1408
        assert target.satisfied_by(trial)
        steps = _geometric_steps(5, 320, per_doubling=4)
        fewer = steps[steps.index(trial.config.setting["n_kept"]) - 1]
        config = type(trial.config)("graph", "cosine", trial.config.build, {"n_kept": fewer})
        assert not target.satisfied_by(target.measure(config, trial.index))


@pytest.mark.parametrize("metric", METRICS)
def test_every_trial_satisfies_the_target_and_with_fewer_re_ranked_would_not(metric):
    target = made_target(0.9, metric)
    groups = all_trials(target, 0, ignored)
    assert groups
    for trial in (t for group in groups for t in group):
        assert target.satisfied_by(trial)
        config = trial.config
        steps = _geometric_steps(5, 320, per_doubling=4)
        n_reranked = config.setting.get("n_reranked", 5)
        if n_reranked > 5:
            fewer = dict(config.setting, n_reranked=steps[steps.index(n_reranked) - 1])
            smaller = type(config)(config.kind, metric, config.build, fewer)
            assert not target.satisfied_by(target.measure(smaller, trial.index))


def test_of_one_index_more_probes_are_kept_only_where_fewer_are_re_ranked():
    for group in all_trials(made_target(0.95), 0, ignored):
        settings = [t.config.setting for t in group if t.config.kind == "sketches"]
        probes = [s["n_probes"] for s in settings]
        reranked = [s["n_reranked"] for s in settings]
        assert probes == sorted(set(probes))
        assert reranked == sorted(set(reranked), reverse=True)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("n_queries", [30, 400])
def test_the_trials_of_a_built_index_have_the_figures_of_its_searches(metric, n_queries):
    target = made_target(0.8, metric, n_queries)
    index = LSHIndex(metric, 8, 10).fit(target.exact.X)
    trials = list(table_trials(target, index, ignored))
    assert 1 <= len(trials) <= 4
    for trial in trials:
        found = index.search(target.Q, 5, **trial.config.setting)
        assert trial.recall == pytest.approx(recall_at_k(found, target.truth).mean(), abs=1e-12)
        assert trial.candidate_fraction == pytest.approx(found.n_candidates.mean() / index.n, abs=1e-12)
        assert trial.index is index
        assert target.satisfied_by(trial)


def test_an_index_with_sketches_is_tried_with_and_without_re_ranking():
    target = made_target(0.8)
    index = LSHIndex("cosine", 8, 10, sketches=True).fit(target.exact.X)
    trials = list(table_trials(target, index, ignored))
    assert {"n_reranked" in t.config.setting for t in trials} == {True, False}
    for trial in trials:
        assert ("n_reranked" in trial.config.setting) == trial.config.build.get("sketches", False)
        found = index.search(target.Q, 5, **trial.config.setting)
        assert trial.recall == pytest.approx(recall_at_k(found, target.truth).mean(), abs=1e-12)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("recall", [0.3, 0.7, 0.9])
@pytest.mark.parametrize("errors", [0, 1])
def test_the_pareto_front_holds_each_setting_that_no_other_beats_in_lookups_and_candidates(metric, recall, errors):
    target = made_target(recall, metric, 30)
    index = LSHIndex(metric, 6, 8).fit(target.exact.X)
    grids = {n_probes: recall_grid(index, target.Q, 5, n_probes) for n_probes in (1, 2, 4)}
    reaching = []
    for n_probes, L, K in itertools.product(grids, range(1, 7), range(1, 9)):
        found, error = grids[n_probes].recall[L - 1, K - 1], grids[n_probes].recall_error[L - 1, K - 1]
        if found - errors * error >= recall:
            reaching.append((L * n_probes, grids[n_probes].at(L, K)[1], L, K, n_probes))
    costs = {cost[:2] for cost in reaching}
    best = {a for a in costs if not any(b != a and b[0] <= a[0] and b[1] <= a[1] for b in costs)}
    front = [(s["n_tables"], s["n_bits"], s["n_probes"]) for s in pareto_front(grids, recall, errors)]
    assert set(front) <= {cost[2:] for cost in reaching}
    assert [next(cost[:2] for cost in reaching if cost[2:] == setting) for setting in front] == sorted(best)


@pytest.mark.parametrize("low", [1, 3, 10])
@pytest.mark.parametrize("high", [1, 2, 10, 11, 1000])
@pytest.mark.parametrize("per_doubling", [1, 2, 4])
def test_geometric_steps_rise_from_low_to_high_by_no_more_than_their_ratio(low, high, per_doubling):
    steps = _geometric_steps(low, high, per_doubling)
    assert steps[0] == low
    assert steps[-1] == max(low, high)
    assert all(a < b <= max(a + 1, a * 2 ** (1 / per_doubling) + 1) for a, b in itertools.pairwise(steps))
