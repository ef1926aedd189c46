"""Comparison of hash families at equal budgets."""

import json

import numpy as np
import pytest

from lsh import LSHIndex, SketchIndex, compare, label_precision_at_k, recall_at_k
from lsh.errors import ParameterError
from tests import reference

K_MAX, L, T = 10, 4, 2


def data(n=400, dim=8, seed=0):
    return np.random.default_rng(seed).standard_normal((n, dim)).astype(np.float32)


def labels(n, seed):
    return reference.csr(np.random.default_rng(seed).integers(0, 5, (n, 1)).tolist())


def compared(indexes, **options):
    return compare(indexes, data(40, seed=1), labels(40, 1), labels(400, 2), k=5, **options)


def test_each_row_is_what_a_search_with_its_setting_gives():
    indexes = {"random": LSHIndex("cosine", 6, K_MAX).fit(data()), "kmeans": SketchIndex("cosine").fit(data())}
    result = compared(indexes, budgets=(0.1, 0.5), n_tables=L, n_probes=T)
    truth = indexes["random"].exact.search(data(40, seed=1), 5)
    precise = label_precision_at_k(truth.ids, labels(40, 1), labels(400, 2))
    assert result.exact_label_precision.value == precise.mean()
    assert {row.family for row in result.rows} == set(indexes)
    for row in result.rows:
        found = indexes[row.family].search(data(40, seed=1), 5, **row.setting)
        precision = label_precision_at_k(found.ids, labels(40, 1), labels(400, 2))
        recalls, shares = recall_at_k(found, truth), found.n_candidates / 400
        for mean, values in [
            (row.recall, recalls),
            (row.label_precision, precision),
            (row.gain, precision - precise),
            (row.candidate_fraction, shares),
        ]:
            assert (mean.value, mean.error) == (values.mean(), values.std() / np.sqrt(40))
        assert row.candidate_fraction.value <= row.budget


@pytest.mark.parametrize("family", ["hyperplanes", "itq"])
def test_hash_tables_get_the_bits_with_the_most_recall_within_the_budget(family):
    index = LSHIndex("cosine", 6, K_MAX, family=family).fit(data())
    truth = index.exact.search(data(40, seed=1), 5)
    rows = compared({"it": index}, budgets=(0.05, 0.2, 1.0), n_tables=L, n_probes=T).rows
    for row in rows:
        within = {}
        for bits in range(1, K_MAX + 1):
            found = index.search(data(40, seed=1), 5, L, bits, T)
            if found.n_candidates.mean() / 400 <= row.budget:
                within[bits] = recall_at_k(found, truth).mean()
        assert row.setting == {"n_tables": L, "n_bits": row.setting["n_bits"], "n_probes": T}
        assert row.recall.value == max(within.values())
    assert rows[-1].setting["n_bits"] == 1


def test_buckets_of_sketches_get_as_many_probes_as_the_budget_allows():
    index = SketchIndex("euclidean", n_buckets=16).fit(data())
    rows = compared({"kmeans": index}, budgets=(0.1, 0.3, 1.0)).rows
    assert len(rows) == 3
    for row in rows:
        n_probes = row.setting["n_probes"]
        one_more = index.search(data(40, seed=1), 5, min(n_probes + 1, index.n_buckets), 400).n_candidates.mean() / 400
        assert one_more > row.budget or n_probes == index.n_buckets


def test_the_tuning_queries_choose_and_the_others_evaluate():
    indexes = {"random": LSHIndex("cosine", 4, K_MAX).fit(data()), "kmeans": SketchIndex("cosine").fit(data())}
    near = data()[3:4].repeat(30, axis=0)
    chosen = compare(indexes, near, labels(30, 1), labels(400, 2), k=5, budgets=(0.1, 0.3)).rows
    found = compared(indexes, tuning=near, budgets=(0.1, 0.3)).rows
    assert [row.setting for row in found] == [row.setting for row in chosen]
    assert [row.setting for row in found] != [row.setting for row in compared(indexes, budgets=(0.1, 0.3)).rows]
    for row in found:
        searched = indexes[row.family].search(data(40, seed=1), 5, **row.setting)
        assert row.candidate_fraction.value == (searched.n_candidates / 400).mean()


def test_the_command_chooses_with_validation_clips_and_evaluates_with_test_clips(run, tiny, tiny_dataset, monkeypatch):
    given = {}

    def record(indexes, Q, *_, tuning, **__):
        given.update(Q=Q, tuning=tuning)
        raise ParameterError("enough")

    monkeypatch.setattr("lsh.__main__.compare", record)
    assert run("families", tiny, "--tables", 2)[0] == 2
    assert np.array_equal(given["Q"], tiny_dataset.features("test"))
    assert np.array_equal(given["tuning"], tiny_dataset.features("validation"))


def test_a_budget_that_nothing_keeps_has_no_row():
    indexes = {"random": LSHIndex("cosine", 1, 1).fit(data()), "kmeans": SketchIndex("cosine", n_buckets=2).fit(data())}
    assert compared(indexes, budgets=(0.001,)).rows == ()


def test_what_is_not_comparable_is_refused():
    index = LSHIndex("cosine", 2, 4).fit(data())
    with pytest.raises(ParameterError, match="there are no indexes"):
        compared({})
    with pytest.raises(ParameterError, match="a budget is 0"):
        compared({"it": index}, budgets=(0,))
    with pytest.raises(ParameterError, match="the index of other has another metric"):
        compared({"it": index, "other": LSHIndex("euclidean", 2, 4).fit(data())})


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_the_command_compares_every_family_of_the_metric_and_kmeans(run, tiny, metric):
    options = ("--metric", metric, "--queries", 20, "--tables", 4, "--probes", 2, "--split", "validation")
    code, out, err = run("families", tiny, *options, "--json")
    report = json.loads(out)
    assert (code, "error" in err) == (0, False)
    assert report["queries"] == 20
    families = {"hyperplanes", "itq", "grh", "kmeans"} | ({"pstable"} if metric == "euclidean" else set())
    assert {row["family"] for row in report["rows"]} == families
    code, table, _ = run("families", tiny, *options)
    assert code == 0
    for row in report["rows"]:
        assert any(row["family"] in line and f"{row['recall']['value']:.3f}" in line for line in table.splitlines())
