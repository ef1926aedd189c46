import numpy as np
import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.search_problem import prepare
from lsh.sampling import evenly_spaced_rows

X = np.random.default_rng(0).standard_normal((40, 6)).astype(np.float32)
Q = np.random.default_rng(1).standard_normal((25, 6))


def problem_of(folder, base, n_queries=10):
    np.save(folder / "base.npy", base)
    np.save(folder / "queries.npy", Q)
    (folder / "new").mkdir(exist_ok=True)
    text = f"{folder / 'base.npy'}, {folder / 'queries.npy'}"
    return prepare(text, n_queries, folder / "new", lambda _: None)


@pytest.mark.parametrize(
    ("base", "is_as_it_is"),
    [(X, True), (np.asfortranarray(X), False), (X.astype(np.float64), False), (X.astype(np.float16), False)],
)
def test_vectors_of_a_file_become_float32_in_c_order_which_other_libraries_take(tmp_path, base, is_as_it_is):
    problem = problem_of(tmp_path, base)
    assert (problem.base == tmp_path / "base.npy") == is_as_it_is
    vectors, queries = problem.vectors()
    assert vectors.dtype == queries.dtype == np.float32
    assert vectors.flags.c_contiguous
    np.testing.assert_array_equal(vectors, base.astype(np.float32))
    np.testing.assert_array_equal(queries, Q[evenly_spaced_rows(25, 10)].astype(np.float32))


def test_there_are_no_more_queries_than_the_file_has(tmp_path):
    assert len(problem_of(tmp_path, X, n_queries=26).vectors()[1]) == 25


@pytest.mark.parametrize(
    ("base", "reason"),
    [
        (X[:0], "expected one vector of floats per row"),
        (X[0], "expected one vector of floats per row"),
        (X.astype(np.int32), "expected one vector of floats per row"),
        (X[:, :5], "has 5 features"),
        (np.vstack([X, np.full((1, 6), np.inf, np.float32)]), "holds NaN or infinity"),
    ],
)
def test_a_file_without_vectors_to_search_is_refused_with_the_reason(tmp_path, base, reason):
    with pytest.raises(BenchmarkError, match=reason):
        problem_of(tmp_path, base)


def test_a_single_vector_can_be_generated(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.search_problem.CACHE", tmp_path)
    assert prepare("like:1", 2, tmp_path, lambda _: None).vectors()[0].shape == (1, 128)
