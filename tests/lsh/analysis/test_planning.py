"""Plans: the chosen configuration, its figures and the reasons."""

import functools
import re

import numpy as np
import pytest

from lsh import ExactSearch, LSHIndex, exact_search, plan, recall_at_k
from lsh.analysis import planning, trials
from lsh.analysis.trials import Target, all_trials
from lsh.errors import ParameterError, ShapeError

METRICS = ["cosine", "euclidean"]
KINDS = ["exact", "sketches", "tables", "graph"]


def made(n=600):
    rng = np.random.default_rng(0)
    centres = 2 * rng.standard_normal((30, 8))
    return (centres[rng.integers(0, 30, m)] + rng.standard_normal((m, 8)) for m in (n, 200, 400))


@functools.cache
def measured(metric, recall):
    """Return all trials that reach the recall: the slow part of a plan, which does not depend on times."""
    X, Q, _ = made()
    exact = ExactSearch(X, metric)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trials, "GRAPH_ROWS", range(600, 601))
        return all_trials(Target(exact, np.float32(Q), exact.search(Q, 5), recall), 3, lambda _: None)


@functools.cache
def chosen(kind, metric="cosine", recall=0.8):
    """Return the plan where this kind of index is the fastest, and the others are slower in turn."""
    order = [kind, *(other for other in KINDS if other != kind)]
    X, Q, _ = made()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trials, "all_trials", lambda target, *_: measured(metric, target.recall))
        patch.setattr(
            planning,
            "_interleaved_ms",
            lambda _, ts: ([2.0 ** order.index(t.config.kind) for t in ts], [0.1] * len(ts)),
        )
        return plan(X, Q, metric=metric, k=5, recall=recall, seed=3)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_kind_that_is_fastest_is_chosen_and_its_figures_are_those_of_its_search(metric, kind):
    X, Q, _ = made()
    p = chosen(kind, metric)
    found = p.search(Q)
    recalls = recall_at_k(found, exact_search(X, Q, 5, metric))
    assert (p.kind, p.k, p.wanted, p.ms) == (kind, 5, 0.8, 1.0)
    assert p.recall == pytest.approx(recalls.mean(), abs=1e-12)
    assert p.recall_error == pytest.approx(recalls.std() / np.sqrt(200), abs=1e-12)
    assert p.candidate_fraction == pytest.approx(found.n_candidates.mean() / 600)
    assert p.index_bytes > 0


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", ["sketches", "tables", "graph"])
@pytest.mark.parametrize("recall", [0.5, 0.8])
def test_the_chosen_recall_has_a_margin_for_chance_and_for_other_queries(metric, kind, recall):
    p = chosen(kind, metric, recall)
    assert 1 - p.recall + 2 * p.recall_error <= 0.9 * (1 - recall) + 1e-12


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", ["sketches", "tables", "graph"])
@pytest.mark.parametrize("recall", [0.5, 0.8])
def test_the_recall_promised_holds_for_queries_not_seen_before(metric, kind, recall):
    X, _, unseen = made()
    p = chosen(kind, metric, recall)
    recalls = recall_at_k(p.search(unseen), exact_search(X, unseen, 5, metric))
    assert recalls.mean() >= recall - 2 * recalls.std() / np.sqrt(len(unseen))


@pytest.mark.parametrize("kind", KINDS)
def test_a_search_of_the_plan_is_one_of_its_index_at_its_setting(kind):
    _, _, unseen = made()
    p = chosen(kind)
    for k in (None, 3):
        found, expected = p.search(unseen, k), p.index.search(unseen, k or 5, **p.setting)
        assert found.ids.tolist() == expected.ids.tolist()


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_lines_of_python_find_what_the_plan_finds(metric, kind):
    X, Q, _ = made()
    p = chosen(kind, metric)
    names = {"X": X, "Q": Q}
    exec(p.config.python(p.k), names)  # noqa: S102
    assert names["found"].ids.tolist() == p.search(Q).ids.tolist()


def test_of_configurations_as_fast_as_each_other_the_one_with_the_least_memory_is_chosen(monkeypatch):
    X, Q, _ = made()
    times = {"exact": 1.09, "sketches": 1.0, "tables": 1.0, "graph": 0.995}
    monkeypatch.setattr(trials, "all_trials", lambda target, *_: measured("cosine", target.recall))
    monkeypatch.setattr(
        planning, "_interleaved_ms", lambda _, ts: ([times[t.config.kind] for t in ts], [0.1] * len(ts))
    )
    assert plan(X, Q, k=5, recall=0.8).kind == "exact"
    times |= {"exact": 1.2, "tables": 1.2}
    assert plan(X, Q, k=5, recall=0.8).kind == "sketches"
    times |= {"graph": 0.9}
    p = plan(X, Q, k=5, recall=0.8)
    assert (p.kind, p.index_bytes) == ("graph", p.index.nbytes)
    assert f"{p.index_bytes / 1e6:.1f} MB without the vectors" in p.why


def test_only_exact_search_promises_recall_one():
    X, Q, _ = made()
    p = plan(X, Q, recall=1)
    assert (p.kind, p.config.family, p.recall, p.config.build, p.setting) == ("exact", None, 1.0, {}, {})
    assert "Only exact search can promise recall 1." in p.why


def test_the_family_is_named():
    assert chosen("exact").config.family is None
    assert chosen("graph").config.family is None
    assert chosen("tables").config.family == "hyperplanes"
    p = chosen("tables", "euclidean")
    assert p.config.family == p.config.build.get("family", "pstable")
    p = chosen("sketches")
    assert p.config.family == (None if p.config.build["n_buckets"] == 1 else p.config.build.get("family", "kmeans"))


def test_why_gives_the_figures_what_the_others_cost_and_the_time_of_exact_search():
    p = chosen("sketches")
    figures = f"recall {p.recall:.3f} ± {p.recall_error:.3f}, {p.candidate_fraction:.1%} of the collection looked at"
    for said in (str(p.config)[1:], figures, "200 validation queries", "hash tables, L = "):
        assert said in p.why
    assert f"Exact search takes {p.exact_ms:.3f} ms, {p.exact_ms:.1f} times as long" in p.why


def test_why_gives_the_cost_of_the_next_best_where_exact_search_is_the_cheapest():
    p = chosen("exact")
    assert p.why.startswith("Exact search, 1.000 ms per query, is the cheapest way to recall 0.8 here.")
    assert "2.000 ms" in p.why
    assert "Exact search takes" not in p.why


@pytest.mark.parametrize(
    ("rows", "left_out"),
    [
        (range(100, 600), "Hash tables, a scan of all sketches and a graph"),
        (range(100, 601), "Hash tables and a scan of all sketches"),
    ],
    ids=str,
)
def test_on_many_vectors_not_every_kind_is_built_and_why_says_so(monkeypatch, rows, left_out):
    monkeypatch.setattr(trials, "FEW_ROWS", 599)
    monkeypatch.setattr(trials, "GRAPH_ROWS", rows)
    X, Q, _ = made()
    said = []
    p = plan(X, Q, k=5, recall=0.8, progress=said.append)
    assert p.config.build.get("n_buckets") != 1
    assert not any("hash tables" in sentence or " 1 bucket(s)" in sentence for sentence in said)
    assert f" {left_out} were not tried on so many vectors." in p.why
    assert ("a graph: building" in said) == (600 in rows)
    assert ("a graph, " in p.why.lower()) == (600 in rows)


def test_why_says_that_a_graph_is_not_tried_on_few_vectors_unless_an_index_is_given(monkeypatch):
    X, Q, _ = made()
    said = " A graph was not tried on fewer than 100,000 vectors."
    assert plan(X, Q, k=5, recall=0.8).why.endswith(said)
    monkeypatch.setattr(trials, "GRAPH_ROWS", range(600, 601))
    assert "not tried" not in plan(X, Q, k=5, recall=0.8).why
    monkeypatch.setattr(trials, "FEW_ROWS", 599)
    index = LSHIndex(n_tables=32, n_bits=12).fit(X)
    assert "not tried" not in plan(index, Q, k=5, recall=0.5).why
    assert "not tried" not in plan(X, Q, k=5, recall=1).why


def test_exact_search_is_timed_apart_from_the_others_whose_caches_it_would_fill(monkeypatch):
    X, Q, _ = made()
    given, said = [], []

    def timing(groups, timed):
        given.append((groups, timed))
        ms = [1.0] * sum(map(len, groups))
        return ms, ms

    monkeypatch.setattr(planning, "ms_and_spread_in_turns", timing)
    plan(X, Q, k=5, recall=0.8, progress=said.append)
    [(([exact], others), timed)] = given
    assert f"timing {len(others)} settings that reach recall 0.8, interleaved with exact search" in said
    assert exact(timed).ids.tolist() == exact_search(X, timed, 5).ids.tolist()


def test_progress_names_each_index_that_is_built():
    X, Q, _ = made()
    said = []
    plan(X, Q, k=5, progress=said.append)
    assert said[0] == f"exact search for {len(Q)} queries among {len(X)} vectors"
    built = [sentence.removesuffix(": building") for sentence in said if sentence.endswith(": building")]
    assert built == [
        "sketches in 32 kmeans bucket(s)",
        "sketches in 64 kmeans bucket(s)",
        "sketches in 128 kmeans bucket(s)",
        "sketches in 64 hyperplanes bucket(s)",
        "sketches in 1 bucket(s)",
        "hash tables of hyperplanes",
    ]
    assert any("interleaved with exact search" in sentence for sentence in said)


@pytest.mark.parametrize("n", [1, 2, 5, 40])
def test_a_collection_of_a_few_vectors_can_be_planned_for(n):
    X, Q, _ = made()
    p = plan(list(X)[:n], Q, k=10, recall=0.9)
    assert p.recall >= 0.9


@pytest.mark.parametrize("recall", [0, -0.1, 1.0001, np.nan, "most", True])
def test_a_recall_outside_zero_to_one_is_refused(recall):
    X, Q, _ = made()
    with pytest.raises(ParameterError, match=r"recall is .*; expected a number above 0, at most 1"):
        plan(X, Q, recall=recall)


def test_no_queries_queries_of_another_width_and_impossible_k_are_refused():
    X, Q, _ = made()
    with pytest.raises(ShapeError, match="Q has no rows"):
        plan(X, Q[:0])
    with pytest.raises(ShapeError, match="Q has 7 features"):
        plan(X, Q[:, :7])
    with pytest.raises(ParameterError, match="k is 0"):
        plan(X, Q, k=0)
    with pytest.raises(ParameterError, match="metric is 'manhattan'"):
        plan(X, Q, metric="manhattan")


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("sketches", [False, True])
def test_a_built_index_gets_a_setting_of_its_own(metric, sketches):
    X, Q, unseen = made()
    index = LSHIndex(metric, 8, 10, seed=5, sketches=sketches).fit(X)
    p = plan(index, Q, k=5, recall=0.8)
    found = index.search(Q, 5, **p.setting)
    assert p.kind == "tables"
    assert p.recall == pytest.approx(recall_at_k(found, exact_search(X, Q, 5, metric)).mean(), abs=1e-12)
    assert p.search(unseen).ids.tolist() == index.search(unseen, 5, **p.setting).ids.tolist()
    assert p.index_bytes == p.index.nbytes_of(p.setting["n_tables"])
    assert sketches or p.index is index


@pytest.mark.parametrize(
    ("exact_ms", "said"),
    [(3.0, ", 3.0 times as long."), (0.5, ": at this recall and size it is"), (1.09, ": about the same.")],
)
def test_why_a_setting_of_a_built_index_was_chosen_compares_longer_keys_and_exact_search(monkeypatch, exact_ms, said):
    X, Q, _ = made()
    index = LSHIndex("cosine", 8, 10).fit(X)
    monkeypatch.setattr(
        planning, "_interleaved_ms", lambda _, ts: ([exact_ms, *[1.0] * (len(ts) - 1)], [0.1] * len(ts))
    )
    p = plan(index, Q, k=5, recall=0.8)
    assert (p.kind, p.exact_ms) == ("tables", exact_ms)
    assert p.why.startswith(f"Hash tables, L = {p.setting['n_tables']}, K = {p.setting['n_bits']}")
    assert f"Exact search takes {exact_ms:.3f} ms{said}" in p.why
    assert "others at this recall" not in p.why
    longer = re.search(r"One more bit would look at only ([\d.]+%), but find ([\d.]+)\.", p.why)
    if p.setting["n_bits"] == 10:
        assert longer is None
    else:
        found = index.search(Q, 5, **p.setting | {"n_bits": p.setting["n_bits"] + 1})
        recall = recall_at_k(found, exact_search(X, Q, 5)).mean()
        assert longer.groups() == (f"{found.n_candidates.mean() / 600:.1%}", f"{recall:.3f}")


def test_progress_on_a_built_index_names_each_number_of_probes():
    X, Q, _ = made()
    said = []
    plan(LSHIndex("cosine", 8, 10).fit(X), Q, k=5, progress=said.append)
    for n_probes in (1, 2, 4, 8):
        assert sum(f"with {n_probes} probe" in sentence for sentence in said) == 1


def test_a_recall_that_no_setting_of_a_built_index_reaches_is_refused():
    X, Q, _ = map(np.asarray, made())
    index = LSHIndex("euclidean", 1, 3, bucket_width=1.0).fit(X)
    highest = recall_at_k(index.search(Q, 100, 1, 1, 8), exact_search(X, Q, 100, "euclidean")).mean()
    said = rf"no setting reaches recall 0\.99 .*: {highest:.3f} is the highest recall of this index of 1 tables"
    with pytest.raises(ParameterError, match=said):
        plan(index, Q, k=100, recall=0.99)


def test_another_metric_than_that_of_a_built_index_is_refused():
    X, Q, _ = made()
    with pytest.raises(ParameterError, match="metric is 'euclidean'; the index given as X was built for 'cosine'"):
        plan(LSHIndex().fit(X), Q, metric="euclidean")
