"""Search problems: vectors, queries and their true neighbours."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import search_problem
from benchmarks.audioset_like import clips, draw_model
from benchmarks.errors import BenchmarkError
from benchmarks.search_problem import prepare
from data_prep.dataset import open_dataset
from lsh.sampling import evenly_spaced_rows
from tests.data_prep.small_datasets import write

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


def test_a_number_that_is_not_finite_is_found_in_any_block(tmp_path, monkeypatch):
    monkeypatch.setattr(search_problem, "_BLOCK_ROWS", 7)
    problem_of(tmp_path, X)
    for row in (0, 6, 7, 39):
        base = X.copy()
        base[row, 5] = np.nan
        with pytest.raises(BenchmarkError, match="holds NaN or infinity"):
            problem_of(tmp_path, base)


def test_generated_vectors_are_kept_in_a_file_and_those_of_queries_are_others(tmp_path, monkeypatch):
    monkeypatch.setattr(search_problem, "CACHE", tmp_path / "new" / "folder")
    monkeypatch.setattr(search_problem, "MAX_VECTORS", 3)
    said, model = [], draw_model()
    monkeypatch.setattr(search_problem, "draw_model", lambda: model)
    for text, n in (("like:1", 1), ("like:3", 3), ("like:0_3", 3)):
        problem = prepare(text, 2, tmp_path, said.append)
        vectors, queries = problem.vectors()
        np.testing.assert_array_equal(vectors, next(clips(model, n, 3)))
        np.testing.assert_array_equal(queries, next(clips(model, 2, 777)))
        assert problem.name == f"{n} vectors like AudioSet's"
    folder = tmp_path / "new" / "folder"
    assert said == [f"generating {n} vectors like AudioSet's in {folder / f'like-{n}.npy'}" for n in (1, 3)]
    for text in ("like:4", "like:0", "like:", "like:²", "like:-1"):
        with pytest.raises(BenchmarkError, match=f"'{text}' gives no number of vectors; .*N from 1 to 3$"):
            prepare(text, 2, tmp_path, said.append)


def test_a_dataset_gives_its_vectors_and_evenly_spaced_test_clips(tmp_path):
    folder = write(tmp_path / "made", n=90)
    dataset = open_dataset(folder)
    problem = prepare(str(folder), 4, tmp_path, print)
    vectors, queries = problem.vectors()
    np.testing.assert_array_equal(vectors, dataset.features("train"))
    np.testing.assert_array_equal(queries, dataset.features("test")[evenly_spaced_rows(dataset.n_rows("test"), 4)])
    assert problem.name == dataset.title
    empty = write(tmp_path / "empty", n=30, split=["train"] * 29 + ["validation"])
    with pytest.raises(BenchmarkError, match="has no queries; expected at least one"):
        prepare(str(empty), 4, tmp_path, print)


def test_the_most_that_is_generated_is_20_million():
    with pytest.raises(BenchmarkError, match="from 1 to 20,000,000"):
        prepare("like:20000001", 2, Path(), print)
