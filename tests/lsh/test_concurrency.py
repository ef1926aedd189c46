"""Concurrent searches and builds."""

import resource
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from lsh import LSHIndex, recall_grid
from lsh.errors import ParameterError
from lsh.sketch_index import SketchIndex
from tests.stress import stress

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


@stress
@pytest.mark.parametrize("kind", ["tables", "tables with sketches", "sketches", "promised"])
def test_32_threads_of_1000_queries_each_get_the_same_answers_as_one_thread(kind):
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((40, 32))
    X, Q = (centres[rng.integers(0, 40, n)] + rng.standard_normal((n, 32)) for n in (20_000, 32_000))
    if kind == "sketches":
        index = SketchIndex("cosine", 128).fit(X)
        search = partial(index.search, k=10, n_probes=8, n_reranked=40)
    else:
        index = LSHIndex("cosine", 12, 16, sketches=kind == "tables with sketches").fit(X)
        given = {"n_reranked": 60} if index.params.sketches else {"recall": 0.9} if kind == "promised" else {}
        search = partial(index.search, k=10, **given)

    def work(block):
        return [search(block[i : i + 1]) for i in range(len(block))]

    blocks = Q.reshape(32, 1000, 32)
    expected = search(Q)
    for block, found in zip(range(32), at_once(work, blocks), strict=True):
        part = expected.part(1000 * block, 1000 * (block + 1))
        for name in ("ids", "distances", "n_candidates"):
            assert np.array_equal(np.concatenate([getattr(one, name) for one in found]), getattr(part, name))


@stress
@pytest.mark.parametrize("kind", ["tables", "sketches", "exact"])
def test_memory_does_not_grow_over_100_000_searches(kind):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((5000, 32)).astype(np.float32)
    index = SketchIndex("cosine", 64).fit(X) if kind == "sketches" else LSHIndex("cosine", 8, 12).fit(X)
    search = index.exact.search if kind == "exact" else index.search
    statm, files, threads = Path("/proc/self/statm"), Path("/proc/self/fd"), threading.active_count()

    def resident():
        return int(statm.read_text().split()[1]) * resource.getpagesize()

    for i in range(2000):
        search(X[i : i + 1], 10)
    before, open_before = resident(), len(list(files.iterdir()))
    for i in range(100_000):
        search(X[i % 5000 : i % 5000 + 1], 10)
    assert resident() - before < 5e6
    assert len(list(files.iterdir())) == open_before
    assert threading.active_count() == threads


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
