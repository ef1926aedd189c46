"""Concurrent searches and builds."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from lsh import LSHIndex, recall_grid
from lsh.errors import ParameterError
from lsh.sketch_index import SketchIndex

THREADS = 8
METRICS = ["cosine", "euclidean"]


def at_once(work, arguments):
    """Run work(argument) in a thread for each argument, all beginning together."""
    start = threading.Barrier(len(arguments))

    def run(argument):
        start.wait()
        return work(argument)

    with ThreadPoolExecutor(len(arguments)) as pool:
        return list(pool.map(run, arguments))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("n_probes", [1, 4])
def test_threads_that_search_one_index_get_the_same_answers_as_one_thread(metric, n_probes):
    rng = np.random.default_rng(0)
    X, Q = rng.standard_normal((3000, 16)), rng.standard_normal((THREADS, 40, 16))
    index = LSHIndex(metric, 12, 16).fit(X)

    def work(block):
        return [index.search(block, 10, n_tables, 8, n_probes) for n_tables in (1, 5, 12)]

    serial = [work(block) for block in Q]
    for _ in range(5):
        for alone, beside in zip(serial, at_once(work, Q), strict=True):
            for a, b in zip(alone, beside, strict=True):
                assert np.array_equal(a.ids, b.ids)
                assert np.array_equal(a.distances, b.distances)
                assert np.array_equal(a.n_candidates, b.n_candidates)


@pytest.mark.parametrize("metric", METRICS)
def test_threads_may_call_every_method_of_one_index_at_the_same_time(metric):
    rng = np.random.default_rng(0)
    X, Q = rng.standard_normal((800, 8)), rng.standard_normal((THREADS, 6, 8))
    index = LSHIndex(metric, 6, 8).fit(X)

    def work(block):
        measured, exact = recall_grid(index, block), index.exact.search(block, 5)
        return measured.hits, measured.looked_at, index.matches(block[0], range(50)), exact.ids, exact.distances

    serial = [work(block) for block in Q]
    for alone, beside in zip(serial, at_once(work, Q), strict=True):
        for a, b in zip(alone, beside, strict=True):
            assert np.array_equal(a, b)


def test_indexes_built_at_the_same_time_are_equal():
    X = np.random.default_rng(0).standard_normal((500, 8))
    built = at_once(lambda _: LSHIndex("euclidean", 6, 8).fit(X).tables, range(THREADS))
    for tables in built[1:]:
        assert tables.keys.tobytes() == built[0].keys.tobytes()
        assert tables.ids.tobytes() == built[0].ids.tobytes()


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", [LSHIndex, SketchIndex])
@pytest.mark.parametrize("n_queries", [0, 1, 7, 2500])
def test_a_batch_shared_among_threads_gets_the_same_answers_as_on_one_thread(metric, kind, n_queries):
    rng = np.random.default_rng(0)
    X, Q = rng.standard_normal((600, 8)), rng.standard_normal((n_queries, 8))
    index = kind(metric).fit(X)
    alone = index.search(Q, 5)
    for n_threads in (2, 3, 16):
        shared = index.search(Q, 5, n_threads=n_threads)
        assert np.array_equal(alone.ids, shared.ids)
        assert np.array_equal(alone.distances, shared.distances)
        assert np.array_equal(alone.n_candidates, shared.n_candidates)


@pytest.mark.parametrize("kind", [LSHIndex, SketchIndex])
@pytest.mark.parametrize("n_threads", [0, -1, 1.0, None, True])
def test_an_invalid_number_of_threads_is_refused(kind, n_threads):
    with pytest.raises(ParameterError, match="n_threads is"):
        kind().fit(np.eye(4)).search(np.eye(4), n_threads=n_threads)
