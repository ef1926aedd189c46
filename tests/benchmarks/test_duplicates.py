"""The benchmark of duplicates: what it plants, and what it says that was found."""

import numpy as np
import pytest

from benchmarks.duplicates import PARTS, main, plant, shares
from lsh import ExactSearch, duplicates
from lsh.pairs.distances import distances_from


@pytest.mark.parametrize(("metric", "radius"), [("cosine", 0.05), ("euclidean", 1.5)])
def test_copies_are_planted_at_their_distances(metric, radius):
    X = np.random.default_rng(0).standard_normal((900, 16)).astype(np.float32)
    pairs, part = plant(X, radius, metric, np.random.default_rng(1))
    exact = ExactSearch(X, metric)
    measured = np.array([distances_from(exact, a, np.array([b]))[0] for a, b in pairs.tolist()])
    assert len(set(pairs.ravel().tolist())) == 2 * 9
    assert measured == pytest.approx(radius * np.array(PARTS)[part], rel=1e-3)


def test_the_share_found_is_counted_by_distance():
    X = np.random.default_rng(0).standard_normal((600, 16)).astype(np.float32)
    pairs, part = plant(X, 0.01, "cosine", np.random.default_rng(1))
    found = duplicates(X, 0.01, recall=0.9999)
    assert shares(found, pairs, part, 600) == [1, 1, 1]
    assert shares(found, np.where(part[:, None] == 1, [[0, 1]], pairs), part, 600) == [1, 0, 1]
    assert shares(found, np.array([[0, 1], [0, 2], [0, 3]]), np.arange(3), 600) == [0, 0, 0]


def test_the_command_prints_a_row_per_distance(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("benchmarks.search_problem.CACHE", tmp_path)
    assert main(["--rows", "3000", "--threads", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| 0.")]
    assert [(row[0], row[1]) for row in cells] == [(f"{part:g} of the radius", "10") for part in PARTS]
    assert all(float(row[2]) > 0.5 for row in cells)
    assert "FAISS" in lines[-1]
