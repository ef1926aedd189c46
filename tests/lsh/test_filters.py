"""Searches among some of the vectors alone."""

import numpy as np
import pytest

from lsh import EncodedVectors, ExactSearch, LSHIndex, SketchIndex, recall_at_k
from lsh.errors import LSHError, ShapeError
from lsh.filters import Filter

N, DIM, K = 3000, 48, 7
METRICS = ["cosine", "euclidean"]
TABLES = {"n_tables": 4, "n_bits": 6, "n_probes": 2}
# Searches of which every candidate is ranked.
CASES = {
    "tables": (lambda metric: LSHIndex(metric, 6, 14).fit(VECTORS), TABLES),
    "tables with sketches": (
        lambda metric: LSHIndex(metric, 6, 14, sketches=True).fit(VECTORS),
        TABLES | {"n_reranked": N},
    ),
    "sketches": (lambda metric: SketchIndex(metric, 64).fit(VECTORS), {"n_probes": 1, "n_reranked": 800}),
}


def clustered(n, seed):
    centres = np.random.default_rng(0).standard_normal((30, DIM))
    rng = np.random.default_rng(seed)
    return (centres[rng.integers(0, 30, n)] + 0.7 * rng.standard_normal((n, DIM))).astype(np.float32)


VECTORS, QUERIES = clustered(N, 1), clustered(40, 2)


@pytest.fixture(scope="module", params=[(case, metric) for case in CASES for metric in METRICS], ids="-".join)
def searched(request):
    """Return an index, and the setting of its searches."""
    make, setting = CASES[request.param[0]]
    return make(request.param[1]), setting


def masks():
    """Return filters of many vectors and few, without regard to the queries, near them and far from them."""
    rng = np.random.default_rng(3)
    found = {f"random {share}": rng.random(N) < share for share in (0.9, 0.5, 0.3, 0.1, 0.01)}
    away = ExactSearch(VECTORS).search(QUERIES[:1], N).ids[0]
    for share in (0.5, 0.1):
        for name, ids in (("near", away[: int(share * N)]), ("far", away[-int(share * N) :])):
            found[f"{name} {share}"] = np.isin(np.arange(N), ids)
    return found


def same(a, b):
    return all(here.tobytes() == there.tobytes() for here, there in zip(a, b, strict=True))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("encoded", [False, True])
def test_exact_search_with_a_filter_is_exact_search_in_the_allowed_vectors(metric, encoded):
    stored = EncodedVectors.encode(VECTORS, np.uint8) if encoded else VECTORS
    exact = ExactSearch(stored, metric)
    for allowed in masks().values():
        ids = np.flatnonzero(allowed)
        alone = ExactSearch(np.asarray(stored[ids]), metric).search(QUERIES, K)
        found = exact.search(QUERIES, K, allowed=allowed)
        assert np.array_equal(found.ids, ids[alone.ids])
        assert found.distances.tobytes() == alone.distances.tobytes()
        assert (found.n_candidates == len(ids)).all()
        assert same(exact.search(QUERIES[:2], K, allowed=allowed), found.part(0, 2))


def test_exact_search_copies_the_allowed_vectors_block_by_block(monkeypatch):
    monkeypatch.setattr("lsh.filters.search._BLOCK_ROWS", 100)
    X = np.repeat(VECTORS[:250], 4, axis=0)  # ties, also between blocks
    allowed = np.arange(len(X)) % 3 > 0
    found = ExactSearch(X, "euclidean").search(QUERIES, 150, allowed=allowed)
    ids = np.flatnonzero(allowed)
    assert np.array_equal(found.ids, ids[ExactSearch(X[ids], "euclidean").search(QUERIES, 150).ids])


def test_every_allowed_vector_among_the_unfiltered_candidates_is_ranked(searched):
    index, setting = searched
    unfiltered = index.search(QUERIES, N, **setting)
    by_index = 0
    for name, allowed in masks().items():
        found = index.search(QUERIES, K, **setting, allowed=allowed)
        n_allowed = int(allowed.sum())
        wanted = np.minimum(np.maximum(unfiltered.n_candidates, K), n_allowed)
        assert (found.n_candidates >= wanted).all(), name
        by_index += int((found.n_candidates < n_allowed).sum())
        for q in range(len(QUERIES)):
            assert allowed[found.ids[q]].all()
            met = unfiltered.ids[q] >= 0
            pairs = zip(unfiltered.distances[q, met].tolist(), unfiltered.ids[q, met].tolist(), strict=True)
            ranked = sorted(pair for pair in pairs if allowed[pair[1]])[:K]
            nearest = list(zip(found.distances[q].tolist(), found.ids[q].tolist(), strict=True))
            assert all(pair in nearest or pair > nearest[-1] for pair in ranked), name
    assert by_index > 30  # of 360 answers some are not those of exact search


def test_the_recall_among_allowed_vectors_is_not_below_that_among_all(searched):
    index, setting = searched
    setting = setting | {"n_reranked": 20} if "n_reranked" in setting else setting
    without = recall_at_k(index.search(QUERIES, K, **setting), index.exact.search(QUERIES, K))
    assert without.mean() < 0.97
    for name, allowed in masks().items():
        found = index.search(QUERIES, K, **setting, allowed=allowed)
        gain = recall_at_k(found, index.exact.search(QUERIES, K, allowed=allowed)) - without
        assert gain.mean() >= -2 * gain.std(ddof=1) / np.sqrt(len(gain)), name


@pytest.mark.parametrize("metric", METRICS)
def test_a_promised_recall_is_kept_among_allowed_vectors(metric):
    index = LSHIndex(metric, 24, 14).fit(VECTORS)
    all_of_them = 0
    for name, allowed in masks().items():
        found = index.search(QUERIES, K, recall=0.8, allowed=allowed)
        assert found.promised == 0.8
        assert allowed[found.ids].all()
        all_of_them += (found.n_candidates == allowed.sum()).mean() / len(masks())
        recall = recall_at_k(found, index.exact.search(QUERIES, K, allowed=allowed))
        assert recall.mean() >= 0.8 - 2 * recall.std() / np.sqrt(len(recall)), name
    assert all_of_them < 0.9


def test_filters_may_be_masks_or_ids_of_all_queries_or_of_each(searched):
    index, setting = searched
    rng = np.random.default_rng(4)
    allowed = rng.random((len(QUERIES), N)) < rng.choice([0.01, 0.2, 0.6], (len(QUERIES), 1))
    expected = [index.search(Q[None], K, **setting, allowed=own) for Q, own in zip(QUERIES, allowed, strict=True)]
    ids = [np.flatnonzero(own) for own in allowed]
    for form in (
        allowed,
        list(allowed),
        tuple(ids),
        [own.tolist() for own in ids],
        allowed.__getitem__,
        ids.__getitem__,
    ):
        for n_threads in (1, 3):
            found = index.search(QUERIES, K, **setting, n_threads=n_threads, allowed=form)
            assert same(found, [np.concatenate(parts) for parts in zip(*expected, strict=True)])
    one = index.search(QUERIES, K, **setting, allowed=allowed[0])
    read_only = allowed[0].copy()
    read_only.flags.writeable = False
    lists = ids[0].tolist() * 2, allowed[0].tolist()
    for form in (Filter.of(ids[0], N), read_only, ids[0], ids[0][::-1].astype(np.uint16), *lists):
        assert same(index.search(QUERIES, K, **setting, n_threads=2, allowed=form), one)


def test_where_nothing_is_allowed_nothing_is_found_and_where_few_are_these(searched):
    index, setting = searched
    for allowed in ([], np.zeros(N, np.bool_), [4], [9, 4]):
        found = index.search(QUERIES, K, **setting, allowed=allowed)
        ids = np.flatnonzero(allowed) if len(allowed) == N else sorted(allowed)
        assert [sorted(row[row >= 0]) for row in found.ids] == [list(ids)] * len(QUERIES)
        assert np.array_equal(np.isinf(found.distances), found.ids < 0)
        assert (found.n_candidates == len(ids)).all()


@pytest.mark.parametrize(
    ("allowed", "message"),
    [
        (np.ones(N - 1, np.bool_), rf"allowed is bool of shape \({N - 1},\); expected \({N},\)"),
        (Filter(np.ones(N - 1, np.bool_)), rf"allowed is bool of shape \({N - 1},\)"),
        (np.ones((2, N - 1), np.bool_), rf"allowed\[0\] is bool of shape \({N - 1},\)"),
        (np.ones((3, N), np.bool_), "allowed holds 3 filters; expected one for each of 2 queries, or one for all"),
        ([[1, 2]], "allowed holds 1 filters; expected one for each of 2 queries"),
        ([0, N], f"allowed has ids from 0 to {N}; expected ids from 0 to {N - 1}"),
        ([[0], [-1]], r"allowed\[1\] has ids from -1 to -1"),
        (lambda q: [N + q], rf"allowed\(0\) has ids from {N}"),
        (
            np.ones(N, np.float32),
            rf"allowed has shape \({N},\) and dtype float32; expected bool\[{N}\], or a list of ids",
        ),
        (np.ones((2, 2, 2), np.int64), r"allowed has shape \(2, 2, 2\)"),
        (5, r"allowed has shape \(\)"),
        ({1, 2}, "allowed has shape"),
        (["a", "b"], "allowed has shape"),
        ([None, [1]], r"allowed\[0\] has shape"),
    ],
)
def test_what_is_no_filter_is_refused(searched, allowed, message):
    index, setting = searched
    with pytest.raises(ShapeError, match=message):
        index.search(QUERIES[:2], K, **setting, allowed=allowed)
    with pytest.raises(ShapeError, match=message):
        index.exact.search(QUERIES[:2], K, allowed=allowed)


def test_queries_of_one_filter_are_prepared_once(monkeypatch):
    exact, prepare, prepared = ExactSearch(VECTORS), ExactSearch.prepare_queries, []
    expected = exact.search(QUERIES, K, allowed=np.arange(2000))
    monkeypatch.setattr("lsh.filters.search._BLOCK_ROWS", 300)
    monkeypatch.setattr(ExactSearch, "prepare_queries", lambda self, Q: prepared.append(len(Q)) or prepare(self, Q))
    for given in (QUERIES, QUERIES.tolist()):
        assert same(exact.search(given, K, allowed=np.arange(2000)), expected)
    assert prepared == [len(QUERIES)] * 2
    assert same(exact.search(QUERIES[:2], K, allowed=np.arange(2000)), expected.part(0, 2))
    assert prepared == [len(QUERIES)] * 2 + [2]


@pytest.mark.parametrize("n_queries", [7, 3])
@pytest.mark.parametrize("each", [False, True])
@pytest.mark.parametrize("n_allowed", [0, 500, N])
def test_an_error_names_the_query_whatever_is_allowed(searched, n_queries, each, n_allowed):
    index, setting = searched
    allowed = np.arange(N) < n_allowed
    for value, expected in ((np.nan, "Q holds nan at row 2"), (0, "Q row 2 is all zeros")):
        Q = QUERIES[:n_queries].copy()
        Q[2] = value
        if value == 0 and index.exact.metric == "euclidean":
            continue
        with pytest.raises(LSHError, match=expected):
            index.search(Q, K, allowed=[allowed] * n_queries if each else allowed, **setting)
