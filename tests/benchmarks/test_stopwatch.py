"""The command that measures the stopwatch's record afresh."""

import numpy as np
import pytest

from benchmarks import stopwatch
from data_prep.dataset import open_dataset
from lsh import LSHIndex, exact_search
from lsh.analysis.search_config import BUILT_BITS, BUILT_TABLES
from lsh.analysis.timing import SearchTimes
from tests.commands import runner
from tests.data_prep.small_datasets import write


@pytest.fixture
def small(tmp_path):
    return write(tmp_path / "small", n=90)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("seed", [0, 3])
def test_the_time_of_a_setting_is_printed_beside_that_of_exact_search(small, capsys, monkeypatch, metric, seed):
    def search_times(search, exact, Q, split):
        X = open_dataset(small).features("train")[:]
        np.testing.assert_array_equal(Q, open_dataset(small).features("validation"))
        index = LSHIndex(metric, BUILT_TABLES, BUILT_BITS, seed).fit(X)
        np.testing.assert_array_equal(search(Q).ids, index.search(Q, 10, n_tables=3, n_bits=4, n_probes=2).ids)
        np.testing.assert_array_equal(exact(Q).ids, exact_search(X, Q, 10, metric).ids)
        return SearchTimes(1.0, 3.0, 0.051, len(Q), split, 5, "Some processor")

    monkeypatch.setattr(stopwatch, "search_times", search_times)
    setting = ["--tables", 3, "--bits", 4, "--probes", 2, "--seed", seed]
    options = [*setting, "--metric", metric] if metric == "euclidean" else setting
    code, out, err = runner(stopwatch.main, capsys)(small, *options)
    assert code == 0, err
    first, *lines = out.splitlines()
    assert first.startswith(f"{metric}, ")
    assert lines == [
        "  time     1.000 ms per query (exact search: 3.000 ms, 3.00 times as long)",
        "  spread   5.1% between 5 rounds",
        "  queries  30 of the validation split, the 10 nearest of 30 clips",
        "  machine  Some processor",
    ]


def test_a_dataset_without_validation_clips_is_refused(tmp_path, capsys):
    folder = write(tmp_path / "small", n=30, split=["train"] * 29 + ["test"])
    code, _, err = runner(stopwatch.main, capsys)(folder)
    assert code == 2
    assert "has no clips in its validation split" in err
