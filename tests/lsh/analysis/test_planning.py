import functools

import numpy as np
import pytest

from lsh import ExactSearch, exact_search, plan, recall_at_k
from lsh.analysis import planning
from lsh.analysis.trials import Wish, contenders
from lsh.errors import ParameterError, ShapeError

METRICS = ["cosine", "euclidean"]
KINDS = ["exact", "sketches", "tables"]


def made(n=600):
    rng = np.random.default_rng(0)
    centres = 2 * rng.standard_normal((30, 8))
    return (centres[rng.integers(0, 30, m)] + rng.standard_normal((m, 8)) for m in (n, 200, 400))


@functools.cache
def contending(metric, recall):
    """Return all settings that reach the recall: the long part of a plan, and the same whichever is the fastest."""
    X, Q, _ = made()
    exact = ExactSearch(X, metric)
    return contenders(Wish(exact, np.float32(Q), exact.search(Q, 5), recall, seed=3), lambda _: None)


@functools.cache
def chosen(kind, metric="cosine", recall=0.8):
    """Return the plan where this kind of index is the fastest, and the others are slower in turn."""
    order = [kind, *(other for other in KINDS if other != kind)]
    X, Q, _ = made()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planning, "contenders", lambda wish, _: contending(metric, wish.recall))
        patch.setattr(planning, "_in_turns", lambda _, ways, __: [2.0 ** order.index(c.way.kind) for c in ways])
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
    assert p.candidates == pytest.approx(found.n_candidates.mean() / 600)
    assert p.index_bytes > 0


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", ["sketches", "tables"])
@pytest.mark.parametrize("recall", [0.5, 0.9])
def test_what_is_chosen_leaves_room_for_chance_and_for_other_queries(metric, kind, recall):
    p = chosen(kind, metric, recall)
    assert 1 - p.recall + 2 * p.recall_error <= 0.9 * (1 - recall) + 1e-12


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", ["sketches", "tables"])
@pytest.mark.parametrize("recall", [0.5, 0.9])
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
    exec(p.python, names)  # noqa: S102
    assert names["found"].ids.tolist() == p.search(Q).ids.tolist()


def test_of_ways_as_fast_as_each_other_the_one_with_the_least_memory_is_chosen(monkeypatch):
    X, Q, _ = made()
    times = {"exact": 1.09, "sketches": 1.0, "tables": 1.0}
    monkeypatch.setattr(planning, "contenders", lambda wish, _: contending("cosine", wish.recall))
    monkeypatch.setattr(planning, "_in_turns", lambda _, finalists, __: [times[c.way.kind] for c in finalists])
    assert plan(X, Q, k=5, recall=0.8).kind == "exact"
    times |= {"exact": 1.2, "tables": 1.2}
    assert plan(X, Q, k=5, recall=0.8).kind == "sketches"


def test_recall_one_is_promised_by_exact_search_alone():
    X, Q, _ = made()
    p = plan(X, Q, recall=1)
    assert (p.kind, p.family, p.recall, p.build, p.setting) == ("exact", None, 1.0, {}, {})
    assert "Recall 1 is what exact search alone can promise." in p.why


def test_the_family_is_named():
    assert chosen("exact").family is None
    assert chosen("tables").family == "hyperplanes"
    p = chosen("tables", "euclidean")
    assert p.family == p.build.get("family", "pstable")
    p = chosen("sketches")
    assert p.family == (None if p.build["n_buckets"] == 1 else p.build.get("family", "kmeans"))


def test_why_says_the_figures_what_the_others_cost_and_whether_it_pays():
    p = chosen("sketches")
    figures = f"recall {p.recall:.3f} ± {p.recall_error:.3f}, {p.candidates:.1%} of the collection looked at, 1.000 ms"
    for said in (str(p.way)[1:], figures, "200 validation queries", "hash tables, L = "):
        assert said in p.why
    assert f"exact search takes {p.exact_ms:.3f} ms, {p.exact_ms:.1f} times as long" in p.why


def test_why_says_so_when_exact_search_is_the_cheapest_and_what_the_next_best_would_cost():
    p = chosen("exact")
    assert p.why.startswith("Exact search, 1.000 ms a query, is the cheapest way to recall 0.8 here.")
    assert "2.000 ms" in p.why
    assert "It pays" not in p.why


def test_on_many_vectors_neither_tables_nor_a_scan_of_all_sketches_are_built_and_why_says_so(monkeypatch):
    monkeypatch.setattr("lsh.analysis.trials.FEW_ROWS", 599)
    monkeypatch.setattr("lsh.analysis.plan_words.FEW_ROWS", 599)
    X, Q, _ = made()
    said = []
    p = plan(X, Q, k=5, recall=0.8, progress=said.append)
    assert p.kind in {"exact", "sketches"}
    assert p.build.get("n_buckets") != 1
    assert not any("hash tables" in sentence or " 1 bucket(s)" in sentence for sentence in said)
    assert "not tried on so many vectors" in p.why


def test_progress_is_told_of_each_index_that_is_built():
    X, Q, _ = made()
    said = []
    plan(X, Q, k=5, progress=said.append)
    built = [sentence.removesuffix(": building") for sentence in said if sentence.endswith(": building")]
    assert built == [
        "sketches in 32 kmeans bucket(s)",
        "sketches in 64 kmeans bucket(s)",
        "sketches in 128 kmeans bucket(s)",
        "sketches in 64 hyperplanes bucket(s)",
        "sketches in 1 bucket(s)",
        "hash tables of hyperplanes",
    ]
    assert any("in turns with exact search" in sentence for sentence in said)


@pytest.mark.parametrize("n", [1, 2, 5, 40])
def test_a_collection_of_a_few_vectors_can_be_planned_for(n):
    X, Q, _ = made()
    p = plan(list(X)[:n], Q, k=10, recall=0.9)
    assert p.recall >= 0.9


@pytest.mark.parametrize("recall", [0, -0.1, 1.0001, np.nan, "most", True])
def test_a_recall_that_is_no_share_is_refused(recall):
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
