"""Adding, removing, compacting and learning anew, against a plain list of rows."""

import os
import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import lsh
from lsh import EncodedVectors, ExactSearch, LSHIndex, SketchIndex
from lsh.errors import LSHError, ParameterError, ShapeError
from lsh.kernels import jit

DIM = 6
METRICS = ("cosine", "euclidean")
KINDS = ("tables", "filtered", "sketches", "exact")
Q = np.random.default_rng(99).standard_normal((5, DIM)).astype(np.float32)


def vectors(n, seed=0, dim=DIM):
    """Return vectors with duplicates among them, so that ties are broken by ids."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, dim)).astype(np.float32)
    X[n // 2 :: 3] = X[0] if n else 0
    return X


def fit(kind, metric, X, like=None):
    """Return an index of one of KINDS with the learned parts of another one, or its own."""
    if kind == "exact":
        return ExactSearch(X, metric)
    if kind == "sketches":
        return SketchIndex(metric, n_buckets=4).fit(X, like=like)
    return LSHIndex(metric, 4, 8, sketches=kind == "filtered").fit(X, like=like)


def started(kind, metric, X):
    """Return an index whose vectors are in the buckets with the nearest centroids, as added ones will be."""
    return fit(kind, metric, X, like=fit(kind, metric, X))


def searches(index, Q=Q, k=7):
    """Return all that a few searches give."""
    settings = {
        LSHIndex: [{}, {"n_tables": 2, "n_bits": 3}, {"n_bits": 5, "n_probes": 3}],
        SketchIndex: [{}, {"n_probes": 2, "n_reranked": 3}],
        ExactSearch: [{}],
    }[type(index)]
    if isinstance(index, LSHIndex) and index.params.sketches:
        settings = [*settings, {"n_bits": 2, "n_reranked": 3}]
    return [index.search(Q, k, **setting) for setting in settings]


def assert_same(found, wanted, ids):
    """Check answers, ids and candidates included; ids: those of the rows of the index that gave `wanted`."""
    for one, other in zip(found, wanted, strict=True):
        assert np.array_equal(one.ids, np.where(other.ids < 0, -1, ids[other.ids]))
        assert np.array_equal(one.distances, other.distances)
        assert np.array_equal(one.n_candidates, other.n_candidates)


def arrays(index):
    """Return the bytes of all arrays of an index that has one segment."""
    exact = index.exact
    own = [np.asarray(exact.X), exact.inverse_norms, exact.half_squares]
    if isinstance(index, LSHIndex):
        own += [*index.tables, *index.sketches[2:]]
    if isinstance(index, SketchIndex):
        own += [*index.buckets, index.gaps]
    return [array.tobytes() for array in own]


class Growth(RuleBasedStateMachine):
    """An index beside a plain list of rows, by id."""

    @initialize(n=st.integers(1, 30))
    def fit(self, n):
        self.seed = 0
        self.learned = started(self.kind, self.metric, vectors(n))
        self.index = started(self.kind, self.metric, vectors(n))
        self.rows = dict(enumerate(vectors(n)))
        self.next_id = n

    def expected(self):
        """Return the index that `fit` gives of the rows, with the learned parts of this one."""
        return fit(self.kind, self.metric, np.array(list(self.rows.values())), like=self.learned)

    @rule(n=st.integers(0, 12))
    def add(self, n):
        self.seed += 1
        X = vectors(n, self.seed)
        ids = self.index.add(X)
        assert ids.tolist() == list(range(self.next_id, self.next_id + n))
        self.rows |= dict(zip(ids.tolist(), X.copy(), strict=True))
        self.next_id += n
        X[:] = 0  # what was added is a copy

    @precondition(lambda self: len(self.rows) > 1)
    @rule(data=st.data())
    def remove(self, data):
        known = sorted(self.rows)
        ids = data.draw(st.lists(st.sampled_from(known), unique=True, max_size=len(known) - 1))
        self.index.remove(np.array(ids, np.int64))
        for gone in ids:
            del self.rows[gone]

    @rule()
    def remove_what_is_not_there(self):
        for wrong in ([self.next_id], [-1], [next(iter(self.rows))] * 2, sorted(self.rows)):
            with pytest.raises(LSHError):
                self.index.remove(wrong)

    @rule()
    def compact(self):
        assert self.index.compact().tolist() == sorted(self.rows)
        assert self.index.n_segments == 1
        assert arrays(self.index) == arrays(self.expected())

    @precondition(lambda self: self.kind != "exact")
    @rule()
    def refit(self):
        assert self.index.refit().tolist() == sorted(self.rows)
        fresh = fit(self.kind, self.metric, np.array(list(self.rows.values())))
        assert arrays(self.index) == arrays(fresh)
        assert self.index.drift == (0, 0)
        self.learned = fresh
        self.index.compact()  # into the buckets with the nearest centroids

    @precondition(lambda self: self.kind != "exact")
    @rule(options=st.sampled_from([{}, {"verify": False}, {"mapped": False}]))
    def save_and_load(self, options):
        path = self.folder / "index.lsh"
        lsh.save(self.index, path)
        data = path.read_bytes()
        self.index = lsh.load(path, **options)
        lsh.save(self.index, path)
        assert path.read_bytes() == data

    @rule()
    def pickle(self):
        self.index = pickle.loads(pickle.dumps(self.index))  # noqa: S301  # as Dask moves it

    @invariant()
    def answers_are_those_of_the_rows(self):
        ids, expected = np.array(list(self.rows)), self.expected()
        assert self.index.n == len(ids)
        assert np.array_equal(self.index.ids, ids)
        assert_same(searches(self.index), searches(expected), ids)
        exact = expected.exact.search(Q, 4)
        assert_same([self.index.exact.search(Q, 4)], [exact], ids)
        if isinstance(self.index, LSHIndex):
            assert np.array_equal(self.index.matches(Q[0], ids), expected.matches(Q[0], range(len(ids))))
        assert f"{len(ids):,}" in repr(self.index)


@pytest.fixture(autouse=True)
def _folder(tmp_path):
    Growth.folder = tmp_path


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", KINDS)
def test_an_index_that_changes_answers_as_one_that_is_built_of_the_same_rows(kind, metric):
    examples = int(os.environ.get("EARSHOT_TEST_EXAMPLES", "80")) // 8
    run_state_machine_as_test(
        type("Growth", (Growth,), {"kind": kind, "metric": metric}),
        settings=settings(
            deadline=None, derandomize=True, max_examples=examples, stateful_step_count=12, phases=[Phase.generate]
        ),
    )


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", KINDS)
def test_threads_that_search_see_the_index_before_a_change_or_after(kind, metric):
    """Every state of the index has its own answer, and each answer is that of one state."""
    X, done = vectors(3000, dim=DIM), threading.Event()
    index, learned = started(kind, metric, X[:1000]), started(kind, metric, X[:1000])
    states = [fit(kind, metric, X[:n], like=learned) for n in range(1000, 3001, 100)]
    allowed = {found.ids.tobytes() + found.distances.tobytes() for found in (one.search(Q, 20) for one in states)}
    answers, last = set(), states[-1].search(Q, 20)

    def wait_for(condition):
        deadline = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.001)

    def search():
        while not done.is_set():
            found = index.search(Q, 20)
            answers.add(found.ids.tobytes() + found.distances.tobytes())

    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(search) for _ in range(2)]
        try:
            wait_for(lambda: answers)
            for first in range(1000, 3000, 100):
                index.add(X[first : first + 100])
            index.compact()
            wait_for(lambda: last.ids.tobytes() + last.distances.tobytes() in answers)
        finally:
            done.set()
        for one in running:
            one.result()
    assert answers <= allowed
    assert len(answers) > 1


@pytest.mark.parametrize("kind", KINDS)
def test_threads_that_add_at_the_same_time_get_ids_of_their_own(kind):
    index = started(kind, "cosine", vectors(50))
    with ThreadPoolExecutor(4) as pool:
        given = list(pool.map(lambda seed: index.add(vectors(20, seed)), range(1, 9)))
    assert sorted(np.concatenate(given).tolist()) == list(range(50, 210))
    for seed, ids in zip(range(1, 9), given, strict=True):
        found = index.exact.search(vectors(20, seed)[:1], 1)
        assert found.ids[0, 0] == ids[0]


def test_segments_are_merged_so_that_there_are_few():
    index = started("tables", "cosine", vectors(4000))
    sizes = []
    for seed in range(300):
        index.add(vectors(1 + seed % 3, seed))
        sizes.append([len(segment.ids) for segment in index.growth.segments])
    assert all(before > 4 * after for one in sizes for before, after in pairwise(one))
    assert all(one[0] == 4000 for one in sizes)
    assert max(map(len, sizes)) > 2
    assert max(map(len, sizes)) <= 6


def test_an_index_that_never_grew_and_one_without_changes_have_no_segments_to_merge():
    index = LSHIndex("cosine", 4, 8).fit(vectors(50))
    assert index.growth is None
    assert index.add(np.empty((0, DIM))).tolist() == []
    assert index.growth is None
    assert index.n_segments == 1
    assert index.ids.tolist() == list(range(50))
    assert " of 50 x 6, " in repr(index)
    assert repr(index.exact) == "<ExactSearch, cosine, 50 vectors of 6 dimensions>"


def test_drift_is_the_share_added_and_how_far_the_mean_moved():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((1000, DIM)).astype(np.float32)
    index = LSHIndex("euclidean", 4, 8).fit(X)
    Y = X + np.float32(3)
    index.add(Y)
    spread = np.sqrt(((X - X.mean(axis=0)) ** 2).sum(axis=1).mean())
    assert index.drift.added == 0.5
    assert index.drift.moved == pytest.approx(1.5 * np.sqrt(DIM) / spread, rel=1e-4)
    assert "in 1 segment, 0 removed; since it was learned 50% were added, and the mean moved by 1.5" in repr(index)
    index.refit()
    assert index.drift == (0, 0)
    assert (
        index.hasher.centre.tolist() == LSHIndex("euclidean", 4, 8).fit(np.concatenate([X, Y])).hasher.centre.tolist()
    )


@pytest.mark.parametrize("kind", KINDS)
def test_arrays_of_an_index_in_several_segments_are_refused_in_words(kind):
    index = started(kind, "cosine", vectors(100))
    index.add(vectors(5, 1))
    with pytest.raises(ParameterError, match=r"has 2 segments, and 0 of its vectors .* call compact\(\) first"):
        _ = index.exact.X
    if kind != "exact":
        with pytest.raises(ParameterError, match=r"call compact\(\) first"):
            lsh.save(index, "unused", with_vectors=False)
    ids = index.compact()
    assert np.array_equal(index.exact.X, np.concatenate([vectors(100), vectors(5, 1)])[ids])


@pytest.mark.parametrize("kind", KINDS)
def test_vectors_that_do_not_fit_are_refused_and_nothing_changes(kind):
    index = started(kind, "cosine", vectors(30))
    for wrong in (vectors(3, dim=5), np.full((2, DIM), np.nan), np.zeros(DIM)):
        with pytest.raises(LSHError):
            index.add(wrong)
    with pytest.raises(ShapeError, match="X has 5 features per row; the indexed vectors have 6"):
        index.add(vectors(3, dim=5))
    assert index.growth is None


@pytest.mark.parametrize("dtype", ["uint8", "float16"])
def test_encoded_vectors_are_added_as_they_are_stored(dtype):
    X = EncodedVectors.encode(vectors(80), dtype)
    index = LSHIndex("cosine", 4, 8).fit(X)
    more = EncodedVectors(X.stored[:7].copy(), X.scale, X.offset)
    assert index.add(more).tolist() == list(range(80, 87))
    index.compact()
    assert isinstance(index.exact.X, EncodedVectors)
    assert np.array_equal(index.exact.X.stored, np.concatenate([X.stored, X.stored[:7]]))
    with pytest.raises(ParameterError, match="expected EncodedVectors with the same dtype, scale and offset"):
        index.add(vectors(3))
    plain = LSHIndex("cosine", 4, 8).fit(vectors(80))
    plain.add(more)
    plain.compact()
    assert np.array_equal(plain.exact.X[80:], X[:7])


def test_an_index_that_is_fitted_like_another_one_has_its_parameters():
    one = LSHIndex("cosine", 4, 8).fit(vectors(50))
    with pytest.raises(ParameterError, match="`like` has"):
        LSHIndex("cosine", 4, 9).fit(vectors(50), like=one)
    with pytest.raises(ParameterError, match="`like` has"):
        SketchIndex("cosine", 8).fit(vectors(50), like=SketchIndex("cosine").fit(vectors(50)))


def test_a_family_learned_from_labels_is_learned_anew_from_labels():
    labels = np.arange(51), np.arange(50, dtype=np.int16) % 3
    index = LSHIndex("cosine", 2, 4, family="grh").fit(vectors(50), labels)
    ids = index.add(vectors(6, 1))
    index.remove(ids[:2])
    with pytest.raises(ParameterError, match="learns from labels"):
        index.refit()
    assert index.n == 54
    index.refit(labels=(np.arange(55), np.arange(54, dtype=np.int16) % 3))
    assert index.ids.tolist() == [*range(50), *range(52, 56)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_filter_of_an_index_that_has_grown_is_of_its_ids(kind):
    index = started(kind, "cosine", vectors(400))
    index.remove(np.arange(0, 100, 3))
    added = index.add(vectors(60, 1))
    index.remove(added[::2])
    rng = np.random.default_rng(0)
    for share in (0.5, 0.02):
        mask = rng.random(460) < share
        left = np.intersect1d(np.flatnonzero(mask), index.ids)
        exact = ExactSearch(index.exact.growth.vectors(left)).search(Q, 5)
        wanted = np.where(exact.ids < 0, -1, left[exact.ids])
        settings = {"n_tables": 4, "n_bits": 1, "n_probes": 2} if kind in {"tables", "filtered"} else {}
        settings = {"n_probes": 4, "n_reranked": 400} if kind == "sketches" else settings
        for allowed in (mask, np.flatnonzero(mask), [mask] * len(Q), lambda _, mask=mask: mask):
            found = index.search(Q, 5, allowed=allowed, **settings)
            assert np.isin(found.ids[found.ids >= 0], left).all()
            assert np.array_equal(found.ids[:, : wanted.shape[1]], wanted)
    with pytest.raises(ShapeError, match=r"expected \(460,\)"):
        index.search(Q, 5, allowed=np.ones(400, bool))


@pytest.mark.parametrize("metric", METRICS)
def test_a_promised_recall_holds_for_an_index_that_has_grown(metric):
    X = np.random.default_rng(0).standard_normal((600, DIM)).astype(np.float32)
    index = LSHIndex(metric, 16, 12).fit(X[:400])
    index.add(X[400:])
    index.add(X[:20])
    index.remove(np.arange(0, 500, 2))
    found = index.search(X[:40], 5, recall=0.99)
    truth = index.exact.search(X[:40], 5)
    assert found.promised == 0.99
    assert lsh.recall_at_k(found, truth).mean() > 0.97
    assert np.isin(found.ids, index.ids).all()


@pytest.mark.parametrize("kind", ["tables", "sketches", "exact"])
def test_ranges_are_those_of_the_compacted_index_with_the_ids_of_the_vectors(kind):
    makers = {"tables": LSHIndex("cosine", 6, 8), "sketches": SketchIndex("cosine", 8), "exact": None}
    index = makers[kind].fit(vectors(90)) if makers[kind] else ExactSearch(vectors(90))
    index.compact()  # sketches into the buckets with the nearest centroids
    index.add(vectors(20, seed=3))
    index.remove(np.arange(0, 110, 7))
    assert index.n_segments > 1
    found = index.range_search(Q, 0.4)
    ids = index.compact()
    expected = index.range_search(Q, 0.4)
    assert len(found.ids) > len(Q)
    assert set(found.ids.tolist()) <= set(ids.tolist())
    for one, other in zip(found, expected, strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", KINDS)
def test_an_index_that_was_moved_or_merged_needs_no_other_compiled_code(kind, metric):
    """Kernels are compiled for read-only arrays in C order: others would take seconds at the first search."""
    index = fit(kind, metric, vectors(60))
    searches(index)
    compiled = n_compiled()
    index = pickle.loads(pickle.dumps(index))  # noqa: S301
    searches(index)
    index.add(vectors(50, 1))
    index.remove([3, 70])
    index.compact()
    searches(pickle.loads(pickle.dumps(index)))  # noqa: S301
    assert n_compiled() == compiled


def n_compiled():
    return sum(len(kernel.signatures) for kernel in jit._KERNELS)


def test_pickled_vectors_are_there_once_and_cannot_be_written_to():
    X = vectors(500, dim=64)
    for index in (ExactSearch(X), LSHIndex(n_tables=1, n_bits=4).fit(X)):
        data = pickle.dumps(index)
        assert len(data) < 1.5 * X.nbytes
        again = pickle.loads(data).exact  # noqa: S301
        assert np.array_equal(again.X, X)
        for array in (again.X, again.inverse_norms, again.half_squares):
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 1
    encoded = pickle.loads(pickle.dumps(ExactSearch(EncodedVectors.encode(X, np.uint8))))  # noqa: S301
    assert not encoded.X.stored.flags.writeable
