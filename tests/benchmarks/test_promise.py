"""The benchmark of a promised recall: what is compared with what."""

import re

import numpy as np

from benchmarks.promise import PROMISES, Measured, _row, main, measure
from lsh import ExactSearch, LSHIndex


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


def test_the_command_prints_a_row_per_promise_and_metric(root, capsys):
    assert main([str(root / "data" / "sample"), "--queries", "20", "--rounds", "1"]) == 0
    out = capsys.readouterr().out
    assert re.findall(r"^\| +(0\.\d+) +\|", out, re.MULTILINE) == [f"{p:g}" for p in PROMISES] * 2
