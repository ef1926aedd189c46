"""The benchmark of growing indexes: the segments that it makes, and the tables that it prints."""

import numpy as np
import pytest

from benchmarks.growing.__main__ import SEGMENTS, add_segments, main
from lsh import LSHIndex


@pytest.mark.parametrize("count", SEGMENTS)
def test_vectors_are_added_in_as_many_segments_as_are_measured(count):
    X = np.random.default_rng(0).standard_normal((260_000, 2)).astype(np.float32)
    index = LSHIndex("cosine", 1, 4).fit(X[:200_000])
    add_segments(index, X[200_000:], count)
    assert index.n_segments == count


def test_the_command_prints_a_row_per_index(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("benchmarks.search_problem.CACHE", tmp_path)
    monkeypatch.setattr("benchmarks.growing.__main__.SEGMENTS", (1, 3))
    monkeypatch.setattr("benchmarks.growing.__main__._BATCH", 100)
    assert main(["--rows", "3000"]) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| hash")]
    assert [len(row) for row in rows] == [6, 4]
    assert all(float(cell.replace(",", "")) > 0 for row in rows for cell in row[1:])
