import itertools
import re

import numpy as np
import pytest

from lsh import LSHIndex, recall_at_k, recall_grid, tune
from lsh.errors import ParameterError, ShapeError

METRICS = ["cosine", "euclidean"]
PROBES = (1, 2, 4)


def made(metric, L=8, K=10):
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((30, 6)) * 3
    X, Q = (centres[rng.integers(0, 30, n)] + rng.standard_normal((n, 6)) for n in (400, 30))
    return LSHIndex(metric, L, K).fit(X), Q


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("recall", [0.3, 0.7, 0.9])
def test_the_choice_reaches_the_recall_and_a_search_at_it_gives_its_figures(metric, recall):
    index, Q = made(metric)
    choice = tune(index, Q, 5, recall, PROBES)
    found = index.search(Q, 5, choice.n_tables, choice.n_bits, choice.n_probes)
    assert choice.recall >= recall
    assert choice.recall == pytest.approx(recall_at_k(found, index.exact.search(Q, 5)).mean(), abs=1e-12)
    assert choice.candidates == pytest.approx(found.n_candidates.mean() / index.n, abs=1e-12)
    assert choice.n_probes in PROBES


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("recall", [0.3, 0.7, 0.9])
def test_no_setting_that_reaches_the_recall_beats_the_choice_in_lookups_and_candidates(metric, recall):
    index, Q = made(metric)
    choice = tune(index, Q, 5, recall, PROBES)
    lookups = choice.n_tables * choice.n_probes
    for n_probes in PROBES:
        measured = recall_grid(index, Q, 5, n_probes)
        for n_tables, n_bits in itertools.product(range(1, 9), range(1, 11)):
            reached, candidates = measured.at(n_tables, n_bits)
            if reached >= recall:
                cheaper = n_tables * n_probes <= lookups and candidates <= choice.candidates
                equal = n_tables * n_probes == lookups and candidates == choice.candidates
                assert not cheaper or equal, (n_tables, n_bits, n_probes)


def test_a_recall_out_of_reach_is_refused_with_the_most_there_is():
    rng = np.random.default_rng(0)
    index = LSHIndex("cosine", 1, 3).fit(rng.standard_normal((400, 6)))  # without clusters a plane parts neighbours
    Q = rng.standard_normal((30, 6))
    most = recall_grid(index, Q, 20).recall.max()
    assert most < 1
    with pytest.raises(ParameterError, match=rf"no setting reaches recall 1: {most:.3f} is the most .* 1 tables"):
        tune(index, Q, 20, 1.0, (1,))


@pytest.mark.parametrize("recall", [0, -0.1, 1.0001, np.nan])
def test_a_recall_that_is_no_share_is_refused(recall):
    index, Q = made("cosine")
    with pytest.raises(ParameterError, match=r"recall is .*; expected a number above 0, at most 1"):
        tune(index, Q, 5, recall)


def test_tuning_without_any_number_of_probes_is_refused():
    index, Q = made("cosine")
    with pytest.raises(ParameterError, match="probes is empty"):
        tune(index, Q, probes=())


def test_tuning_on_no_queries_is_refused():
    with pytest.raises(ShapeError, match="Q has no rows"):
        tune(made("cosine")[0], np.empty((0, 6)))


def test_why_says_the_setting_the_recall_the_candidates_and_both_times():
    index, Q = made("cosine")
    choice = tune(index, Q, 5, 0.8, PROBES)
    assert f"L = {choice.n_tables}, K = {choice.n_bits}" in choice.why
    assert f"recall {choice.recall:.3f}" in choice.why
    assert f"{choice.candidates:.1%} of the collection" in choice.why
    assert f"{choice.ms:.2f} ms a query" in choice.why
    assert f"Exact search takes {choice.exact_ms:.2f} ms" in choice.why
    assert "30 validation queries" in choice.why


def test_why_says_what_one_more_bit_would_lose():
    index, Q = made("cosine")
    choice = tune(index, Q, 5, 0.8, PROBES)
    said = re.search(r"One more bit would look at only ([\d.]+%), but find ([\d.]+)\.", choice.why)
    if choice.n_bits == 10:
        assert said is None
    else:
        recall, candidates = recall_grid(index, Q, 5, choice.n_probes).at(choice.n_tables, choice.n_bits + 1)
        assert said.groups() == (f"{candidates:.1%}", f"{recall:.3f}")


def test_whether_it_beats_exact_search_is_a_matter_of_the_two_times():
    index, Q = made("cosine")
    choice = tune(index, Q, 5, 0.8, (1,))
    assert choice.beats_exact == (choice.ms < choice.exact_ms)
    assert ("times as long" in choice.why) == choice.beats_exact


def test_progress_is_told_in_sentences_once_a_number_of_probes_and_more():
    index, Q = made("cosine")
    said = []
    tune(index, Q, 5, 0.8, PROBES, said.append)
    for n_probes in PROBES:
        assert sum(f"with {n_probes} probe(s)" in sentence for sentence in said) == 1
    assert len(said) > len(PROBES)
