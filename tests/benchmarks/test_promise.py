"""The benchmark of a promised recall: what is compared with what."""

import numpy as np
import pytest

from benchmarks import promise
from benchmarks.promise import PROMISES, Measured, _row, main, margin, measure, recalls_of, student_quantile
from data_prep.dataset import open_dataset
from lsh import ExactSearch, LSHIndex, recall_at_k
from lsh.analysis import timing
from tests.ui.apptest import write_small


def test_a_promise_is_compared_with_the_fastest_that_reaches_its_recall_and_with_the_fastest_of_the_promised_one():
    others = [Measured(0.85, 10, 20.0), Measured(0.93, 20, 50.0), Measured(0.97, 30, 40.0), Measured(0.99, 40, 90.0)]
    own = Measured(0.95, 123.4, 80.0)
    assert _row(0.9, own, others) == ["0.9", "0.950", "123", "80", "40", "2.00", "40", "2.00"]
    assert _row(0.8, own, others)[4:] == ["40", "2.00", "20", "4.00"]
    assert _row(0.98, Measured(0.995, 1, 1.0), others)[4:] == ["-", "-", "90", "0.01"]


def test_a_search_is_measured_with_its_recall_candidates_and_time():
    X = np.random.default_rng(0).standard_normal((300, 8)).astype(np.float32)
    index, exact = LSHIndex(n_tables=4, n_bits=6).fit(X), ExactSearch(X)
    true = exact.search(X[:20], 5)
    own, full = measure([lambda: index.search(X[:20], 5, 1, 6, 1), lambda: exact.search(X[:20], 5)], true, 2)
    assert (full.recall, full.candidates) == (1, 300)
    assert own.recall < 1
    assert own.candidates == index.search(X[:20], 5, 1, 6, 1).n_candidates.mean()
    assert min(own.microseconds, full.microseconds) > 0


def test_of_each_search_the_fastest_round_counts_in_alternating_order(monkeypatch):
    now, durations, order = [0.0], iter([9, 4, 2, 7, 8, 1]), []  # the first two calls are not timed
    true = ExactSearch(np.eye(4, dtype=np.float32)).search(np.eye(4, dtype=np.float32), 1)

    def search(name):
        order.append(name)
        now[0] += next(durations)
        return true

    monkeypatch.setattr(timing, "clock", lambda: now[0])
    found = measure([lambda: search("a"), lambda: search("b")], true, 2)
    assert order == ["a", "b", "a", "b", "b", "a"]
    assert [one.microseconds for one in found] == pytest.approx([1e6 * 1 / 4, 1e6 * 7 / 4])
    assert [one.recall for one in found] == [1, 1]


OUT = """
{metric}, 2 settings of the same 64 tables

| promised | recall | candidates | us per query | fastest of that recall | ratio | fastest of the promised one | ratio |
| ---      |    --: |        --: |          --: |                    --: |   --: |                         --: |   --: |
| 0.8      |  0.900 |      1,000 |           40 |                     60 |  0.67 |                          50 |  0.80 |
| 0.9      |  0.900 |      1,001 |           41 |                     60 |  0.68 |                          60 |  0.68 |
| 0.95     |  0.900 |      1,002 |           42 |                     60 |  0.70 |                           - |     - |
| 0.98     |  0.900 |      1,003 |           43 |                     60 |  0.72 |                           - |     - |
"""


def test_the_command_prints_a_row_per_promise_and_metric(tmp_path, capsys, monkeypatch):
    folder = write_small(tmp_path / "small", {"train": 300, "validation": 4, "test": 12})
    X, Q = (np.asarray(open_dataset(folder).features(split)[:]) for split in ("train", "test"))
    monkeypatch.setattr(promise, "SETTINGS", [{"n_tables": 4, "n_bits": 6}, {"n_tables": 64, "n_bits": 14}])
    monkeypatch.setattr(promise, "describe", dict)
    monkeypatch.setattr(promise, "on_machine", lambda _: "some machine")
    metrics = iter(("cosine", "euclidean"))

    def measure(searches, true, rounds):
        metric = next(metrics)
        index = LSHIndex(metric, 64, 16).fit(X)
        expected = [index.search(Q, 10, recall=recall) for recall in PROMISES]
        expected += [index.search(Q, 10, 4, 6), index.search(Q, 10, 64, 14)]
        for search, found in zip(searches, expected, strict=True):
            np.testing.assert_array_equal(search().ids, found.ids)
            np.testing.assert_array_equal(search().n_candidates, found.n_candidates)
        np.testing.assert_array_equal(true.ids, ExactSearch(X, metric).search(Q, 10).ids)
        assert rounds == 3
        own = [Measured(0.9, 1000 + i, 40 + i) for i in range(4)]
        return [*own, Measured(0.8, 9, 50), Measured(0.9, 9, 60)]

    monkeypatch.setattr(promise, "measure", measure)
    assert main([str(folder), "--rounds", "3"]) == 0
    parts = [OUT.replace("{metric}", metric) for metric in ("cosine", "euclidean")]
    assert capsys.readouterr().out == "Small: 300 clips, 12 queries; some machine\n" + "".join(parts)


TESTED = """
3 seeds; margin of the mean over seeds: one-sided, 99%

| distance | family      | promised | mean recall | margin | less the margin | lowest seed | kept |
| ---      | ---         |      --: |         --: |    --: |             --: |         --: |  --: |
| cosine   | hyperplanes |      0.8 |      0.8500 | 0.0402 |          0.8098 |      0.8400 |  yes |
| cosine   | hyperplanes |      0.9 |      0.9300 | 0.0402 |          0.8898 |      0.9200 |   no |
| cosine   | hyperplanes |     0.95 |      0.9600 | 0.0000 |          0.9600 |      0.9600 |  yes |
| cosine   | hyperplanes |     0.98 |      0.9900 | 0.0000 |          0.9900 |      0.9900 |  yes |
"""


def test_with_seeds_the_command_tells_which_promise_was_kept_and_fails_where_one_was_not(tmp_path, capsys, monkeypatch):
    folder = write_small(tmp_path / "small", {"train": 300, "validation": 4, "test": 12})
    recalls = np.array([[0.84, 0.92, 0.96, 0.99], [0.85, 0.93, 0.96, 0.99], [0.86, 0.94, 0.96, 0.99]])
    monkeypatch.setattr(promise, "SEARCHED", [("cosine", "hyperplanes")])
    monkeypatch.setattr(promise, "recalls_of", lambda X, Q, metric, family, n: recalls if n == 3 else recalls[[1, 1]])
    monkeypatch.setattr(promise, "describe", dict)
    monkeypatch.setattr(promise, "on_machine", lambda _: "some machine")
    assert main([str(folder), "--seeds", "3"]) == 1
    assert capsys.readouterr().out == "Small: 300 clips, 12 queries; some machine\n" + TESTED
    assert main([str(folder), "--seeds", "2"]) == 0


def test_the_recalls_are_those_of_an_index_of_each_seed(monkeypatch):
    monkeypatch.setattr(promise, "PROMISES", (0.6, 0.9))
    X = np.random.default_rng(0).standard_normal((300, 8)).astype(np.float32)
    found, true = recalls_of(X, X[:20], "euclidean", "pstable", 2), ExactSearch(X, "euclidean").search(X[:20], 10)
    for seed in range(2):
        index = LSHIndex("euclidean", 64, 16, seed, family="pstable").fit(X)
        expected = [recall_at_k(index.search(X[:20], 10, recall=recall), true).mean() for recall in (0.6, 0.9)]
        np.testing.assert_array_equal(found[seed], expected)
    assert found[0].tolist() != found[1].tolist()


@pytest.mark.parametrize(("freedom", "quantile"), [(1, 31.8205), (5, 3.3649), (19, 2.5395)])
def test_margins_are_those_of_student(freedom, quantile):
    assert student_quantile(0.99, freedom) == pytest.approx(quantile, rel=1e-4)
    values = np.arange(freedom + 1) / 10
    assert margin(values) == pytest.approx(quantile * values.std(ddof=1) / np.sqrt(len(values)), rel=1e-4)


def test_a_dataset_without_queries_is_refused(tmp_path, capsys):
    folder = write_small(tmp_path / "small", {"train": 30, "validation": 4, "test": 0})
    assert main([str(folder)]) == 2
    assert "has no test clips, which are the queries" in capsys.readouterr().err
