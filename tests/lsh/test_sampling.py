"""Samples of rows."""

import numpy as np
import pytest

from earshot_common.encoded_vectors import EncodedVectors
from lsh import sampling
from lsh.sampling import evenly_spaced, evenly_spaced_marked, evenly_spaced_rows, first_rows, some_rows


@pytest.mark.parametrize("n", [1, 2, 3, 9, 10, 11, 1000])
@pytest.mark.parametrize("most", [1, 2, 10])
def test_evenly_spaced_rows_are_distinct_ascending_and_include_both_ends(n, most):
    X = np.arange(n, dtype=np.float32)[:, None]
    rows = evenly_spaced(X, most).ravel()
    assert len(rows) == min(n, most)
    assert (np.diff(rows) > 0).all()
    assert rows[0] == 0
    assert most == 1 or rows[-1] == n - 1
    assert np.ptp(np.diff(rows)) <= 1 if len(rows) > 1 else True


@pytest.mark.parametrize("most", [1, 7])
def test_a_sample_of_no_rows_is_empty(most):
    rows = evenly_spaced_rows(0, most)
    assert (rows.dtype, rows.tolist()) == (np.int64, [])


@pytest.mark.parametrize("most", [1, 2, 9, 40, 1000])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 1.0])
def test_marked_rows_are_spaced_evenly_among_themselves_whatever_the_blocks(monkeypatch, most, share):
    marks = np.random.default_rng(1).random(203) < share
    monkeypatch.setattr(sampling, "_BLOCK_ROWS", 16)
    rows = np.flatnonzero(marks)
    chosen = evenly_spaced_marked(marks, most)
    assert chosen.dtype == np.int64
    assert chosen.tolist() == rows[evenly_spaced_rows(len(rows), most)].tolist()


def test_the_first_rows_stay_as_they_are_stored_and_are_not_copied():
    X = np.arange(12, dtype=np.uint8).reshape(4, 3)
    few = first_rows(EncodedVectors(X, 0.5, 1), 2)
    assert isinstance(few, EncodedVectors)
    assert np.shares_memory(few.stored, X)
    assert few[:].tolist() == [[1, 1.5, 2], [2.5, 3, 3.5]]
    plain = X.astype(np.float32)
    assert np.shares_memory(first_rows(plain, 2), plain)
    assert first_rows(plain, 2).shape == (2, 3)


def test_some_rows_stay_as_they_are_stored():
    X = np.arange(12, dtype=np.uint8).reshape(4, 3)
    few = some_rows(EncodedVectors(X, 0.5, 1), np.array([3, 1]))
    assert isinstance(few, EncodedVectors)
    assert few[:].tolist() == [[5.5, 6, 6.5], [2.5, 3, 3.5]]
    assert some_rows(X.astype(np.float32), np.array([3, 1])).tolist() == [[9, 10, 11], [3, 4, 5]]
