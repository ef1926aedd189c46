"""Linear algebra in a fixed order of operations."""

import numpy as np
import pytest

from lsh.kernels.linear_algebra import add_by_bucket, half_squares, multiply, orthonormalise, settle_close
from tests import reference

UNIT = float(np.finfo(np.float32).eps) / 2
DOUBLE = float(np.finfo(np.float64).eps) / 2


@pytest.mark.parametrize(("n", "d", "m"), [(0, 3, 2), (1, 1, 1), (4, 7, 3), (5, 2, 40)])
def test_multiply_agrees_with_its_reference_bit_for_bit(n, d, m):
    rng = np.random.default_rng([n, d, m])
    A, B, out = rng.standard_normal((n, d)), rng.standard_normal((d, m)), np.full((n, m), np.nan)
    multiply(A, B, out)
    assert np.array_equal(out, reference.multiply(A, B))


@pytest.mark.parametrize(("m", "n"), [(1, 1), (5, 1), (5, 3), (5, 5), (40, 33), (130, 128)])
def test_orthonormalise_gives_the_columns_of_lapack(m, n):
    A = np.random.default_rng([m, n]).standard_normal((m, n))
    expected = reference.orthonormalise(A)
    orthonormalise(A)
    assert np.allclose(A.T @ A, np.eye(n), rtol=0, atol=8 * m * DOUBLE)
    assert np.allclose(A, expected, rtol=0, atol=1e-9)  # both are near to the exact ones


@pytest.mark.parametrize("columns", [[0, 0, 1], [2, 2, 2], [0, 1, 1]])
def test_columns_that_depend_on_each_other_become_orthonormal_too(columns):
    A = np.ascontiguousarray(np.concatenate([np.eye(4)[:, :2], np.zeros((4, 1))], axis=1)[:, columns])
    orthonormalise(A)
    assert np.allclose(A.T @ A, np.eye(3), rtol=0, atol=32 * DOUBLE)


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_settle_close_leaves_the_nearest_centroid_whatever_the_order_of_additions(scale):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 6), dtype=np.float32) * np.float32(scale)
    groups = rng.standard_normal((10, 6)).repeat(4, axis=0) * scale  # four centroids that differ by rounding errors
    centroids = (groups * (1 + rng.integers(-2, 3, (40, 6)) * UNIT)).astype(np.float32)
    halves = np.empty(40, np.float32)
    half_squares(centroids, halves)
    expected = reference.settle_close(X, centroids, halves)
    changed = 0
    for order in (np.arange(6), np.arange(6)[::-1], np.array([3, 0, 5, 2, 4, 1])):
        closeness = reference.project(X[:, order], np.ascontiguousarray(centroids[:, order].T)) - halves
        nearest = closeness.argmax(axis=1)
        changed += (nearest != expected).sum()
        settle_close(X, centroids, halves, closeness, nearest)
        assert np.array_equal(nearest, expected)
    assert changed > 0  # rounding errors did decide before


def test_settle_close_changes_nothing_where_one_centroid_is_clearly_the_nearest():
    X, centroids = np.float32([[1, 0], [0, 5]]), np.float32([[0, 0], [2, 0], [0, 4]])
    halves = np.float32([0, 2, 8])
    nearest = np.array([0, 2])  # the first is a tie, to within rounding, of 0 and 1
    settle_close(X, centroids, halves, X @ centroids.T - halves, nearest)
    assert nearest.tolist() == [0, 2]


@pytest.mark.parametrize("n", [0, 1, 50])
def test_add_by_bucket_adds_to_what_is_there(n):
    rng = np.random.default_rng(n)
    X, bucket = rng.integers(-9, 10, (n, 3)).astype(np.float32), rng.integers(0, 4, n)  # sums are exact
    totals, sizes = np.ones((5, 3)), np.full(5, 2)
    add_by_bucket(X, bucket, totals, sizes)
    expected_totals, expected_sizes = reference.add_by_bucket(X, bucket, 5)
    assert np.array_equal(totals - 1, expected_totals)
    assert np.array_equal(sizes - 2, expected_sizes)


@pytest.mark.parametrize("dim", [1, 3, 128])
def test_half_squares_are_rounded_once(dim):
    X = np.random.default_rng(dim).standard_normal((9, dim), dtype=np.float32)
    out = np.full(9, np.nan, np.float32)
    half_squares(X, out)
    expected = reference.half_squares(X)
    assert (np.abs(out - expected) <= UNIT * (1 + 1e-6) * expected).all()
