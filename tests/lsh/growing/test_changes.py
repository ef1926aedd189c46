"""Adding, removing, compacting and learning anew, against a plain list of rows."""

import os
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import lsh
from lsh import EncodedVectors, ExactSearch, LSHIndex, SketchIndex
from lsh.errors import LSHError, ParameterError, ShapeError

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

    @initialize(kind=st.sampled_from(KINDS), metric=st.sampled_from(METRICS), n=st.integers(1, 30))
    def fit(self, kind, metric, n):
        self.kind, self.metric, self.seed = kind, metric, 0
        self.learned = started(kind, metric, vectors(n))
        self.index = started(kind, metric, vectors(n))
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
        self.index = pickle.loads(pickle.dumps(self.index))

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
        assert f"{len(ids):,} vectors of {DIM} dimensions" in repr(self.index)


@pytest.fixture(autouse=True)
def _folder(tmp_path):
    Growth.folder = tmp_path


def test_an_index_that_changes_answers_as_one_that_is_built_of_the_same_rows():
    from hypothesis.stateful import run_state_machine_as_test

    examples = int(os.environ.get("EARSHOT_TEST_EXAMPLES", "40"))
    run_state_machine_as_test(
        Growth, settings=settings(deadline=None, derandomize=True, max_examples=examples, stateful_step_count=12)
    )
