"""Batches in chunks on several threads."""

import numpy as np
import pytest

from lsh import LSHIndex
from lsh.errors import ParameterError
from lsh.sketch_index import SketchIndex
from lsh.threads import in_chunks


@pytest.mark.parametrize("n_threads", [1, 2, 3, 16])
@pytest.mark.parametrize(("n_rows", "most"), [(0, 5), (1, 5), (5, 5), (6, 5), (100, 7)])
def test_chunks_cover_every_row_once_and_none_is_too_long(n_rows, most, n_threads):
    seen = []
    in_chunks(lambda first, last: seen.append(range(first, last)), n_rows, n_threads, most)
    assert sorted(row for run in seen for row in run) == list(range(n_rows))
    assert all(len(run) <= most for run in seen)


def test_an_error_in_a_thread_is_raised_to_the_caller():
    def fail(_first, _last):
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        in_chunks(fail, 10, 2)


@pytest.mark.parametrize("index", [LSHIndex, SketchIndex])
@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_any_number_of_threads_gives_the_same_answers(index, metric):
    rng = np.random.default_rng(0)
    X, Q = rng.standard_normal((500, 20)), rng.standard_normal((33, 20))
    built = index(metric).fit(X)
    one = built.search(Q)
    for n_threads in (2, 3, 7, 64):
        several = built.search(Q, n_threads=n_threads)
        assert np.array_equal(one.ids, several.ids)
        assert np.array_equal(one.distances, several.distances)
        assert np.array_equal(one.n_candidates, several.n_candidates)


@pytest.mark.parametrize("n_threads", [0, -1, 1.5, 10**6])
def test_a_number_of_threads_outside_its_range_is_refused(n_threads):
    index = LSHIndex().fit(np.eye(3))
    with pytest.raises(ParameterError, match="n_threads is"):
        index.search(np.eye(3), n_threads=n_threads)
