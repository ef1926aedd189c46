"""LSHNeighbors, the estimator for scikit-learn."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.cluster import DBSCAN
from sklearn.neighbors import KNeighborsClassifier, KNeighborsTransformer, NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

from lsh.errors import ParameterError
from lsh.sklearn import LSHNeighbors, complete
from tests.laws.random_collections import collections, examples

METRICS = ["cosine", "euclidean"]


def blobs(n=300, dim=8, n_blobs=3):
    rng = np.random.default_rng(n)
    labels = rng.integers(0, n_blobs, n)
    return (6 * rng.standard_normal((n_blobs, dim))[labels] + rng.standard_normal((n, dim))).astype(np.float32), labels


@pytest.mark.parametrize("metric", METRICS)
def test_the_estimator_passes_the_checks_of_scikit_learn(metric):
    done = check_estimator(LSHNeighbors(n_tables=8, metric=metric), on_skip=None, on_fail=None)
    failed = {check["check_name"]: str(check["exception"]) for check in done if check["status"] == "failed"}
    assert failed == {}


@examples
@given(collections(), st.integers(1, 5))
def test_kneighbors_are_k_distinct_ids_with_their_exact_distances_and_no_farther_than_those_of_a_search(
    collection, n_tables
):
    index = collection.index(n_tables)
    k = min(collection.k, index.n)
    found, searched = complete(index, collection.Q, k), index.search(collection.Q, k)
    true = index.exact.search(collection.Q, index.n)
    for q in range(len(collection.Q)):
        assert len(set(found.ids[q].tolist())) == k
        assert found.ids[q].min() >= 0
        distance_of = dict(zip(true.ids[q].tolist(), true.distances[q].tolist(), strict=True))
        assert [distance_of[i] for i in found.ids[q].tolist()] == found.distances[q].tolist()
        assert found.distances[q].tolist() == sorted(found.distances[q].tolist())
    assert (found.distances <= searched.distances).all()


def test_a_query_far_from_all_vectors_has_k_neighbours():
    X, _ = blobs()
    neighbours = LSHNeighbors().fit(X)
    far = np.full((1, 8), 1e4, np.float32)
    assert neighbours.index_.search(far, 5).n_found[0] < 5
    distances, ids = neighbours.kneighbors(far)
    assert ids.min() >= 0
    assert np.isfinite(distances).all()
    assert len(set(neighbours.kneighbors(far, n_neighbors=300, return_distance=False)[0])) == 300


@pytest.mark.parametrize("metric", METRICS)
def test_the_answers_have_the_form_and_nearly_the_content_of_those_of_scikit_learn(metric):
    X, _ = blobs()
    own, theirs = LSHNeighbors(metric=metric).fit(X), NearestNeighbors(metric=metric).fit(X)
    radius = float(np.median(theirs.kneighbors(X)[0]))
    for queries in (None, X[:50] + np.float32(0.01)):
        for a, b in zip(own.kneighbors(queries), theirs.kneighbors(queries), strict=True):
            assert a.shape == b.shape
        assert (
            np.mean(
                [
                    np.isin(a, b).mean()
                    for a, b in zip(own.kneighbors(queries)[1], theirs.kneighbors(queries)[1], strict=True)
                ]
            )
            > 0.85
        )
        near, true = own.radius_neighbors(queries, radius), theirs.radius_neighbors(queries, radius)
        assert near[0].shape == true[0].shape
        assert all(set(a) <= set(b) for a, b in zip(near[1], true[1], strict=True))
        assert sum(map(len, near[1])) > 0.8 * sum(map(len, true[1]))
        for mode in ("distance", "connectivity"):
            a, b = own.kneighbors_graph(queries, 3, mode), theirs.kneighbors_graph(queries, 3, mode)
            assert (a.shape, a.nnz) == (b.shape, b.nnz)
            graph = own.radius_neighbors_graph(queries, radius, mode)
            assert graph.nnz == sum(map(len, near[1]))
    ids = own.kneighbors(return_distance=False)
    assert not (ids == np.arange(len(X))[:, None]).any()


def test_transform_is_that_of_a_kneighborstransformer():
    X, _ = blobs()
    for mode in ("distance", "connectivity"):
        own = LSHNeighbors(4, mode=mode, recall=0.9999).fit_transform(X)
        theirs = KNeighborsTransformer(n_neighbors=4, mode=mode).fit_transform(X)
        assert (own.shape, own.nnz) == (theirs.shape, theirs.nnz)
        assert np.allclose(own.toarray(), theirs.toarray(), atol=1e-3)


def test_it_works_in_pipelines_with_dbscan_and_a_classifier():
    X, labels = blobs()
    clusters = make_pipeline(LSHNeighbors(20), DBSCAN(eps=3.5, metric="precomputed")).fit_predict(X)
    for label in range(3):
        values, counts = np.unique(clusters[(labels == label) & (clusters >= 0)], return_counts=True)
        assert counts.max() > 0.9 * (labels == label).sum(), values
    classifier = make_pipeline(LSHNeighbors(10), KNeighborsClassifier(5, metric="precomputed"))
    assert classifier.fit(X[::2], labels[::2]).score(X[1::2], labels[1::2]) > 0.97


def test_the_same_state_gives_the_same_answers_also_after_pickling_and_cloning():
    X, _ = blobs()
    first = LSHNeighbors(random_state=3, metric="cosine", n_jobs=-1).fit(X)
    again = pickle.loads(pickle.dumps(first))  # noqa: S301
    cloned = clone(first).fit(X)
    assert cloned.get_params() == first.get_params()
    for other in (again, cloned):
        assert all((a == b).all() for a, b in zip(first.kneighbors(X), other.kneighbors(X), strict=True))


def test_a_query_of_zeros_is_equally_far_from_all_rows_under_cosine():
    X, _ = blobs()
    X[4] = 0
    neighbours = LSHNeighbors(metric="cosine").fit(X)
    distances, ids = neighbours.kneighbors(X[3:5], 4)
    assert (distances[1].tolist(), ids[1].tolist()) == ([1.0] * 4, [0, 1, 2, 3])
    assert ids[0, 0] == 3
    assert 4 not in neighbours.kneighbors(n_neighbors=5, return_distance=False)[4]


def test_wrong_parameters_are_refused():
    X, _ = blobs()
    neighbours = LSHNeighbors().fit(X)
    for call in (
        lambda: neighbours.kneighbors(n_neighbors=300),
        lambda: neighbours.kneighbors(X, 301),
        lambda: neighbours.kneighbors_graph(mode="both"),
        lambda: neighbours.radius_neighbors(radius=-1),
        lambda: LSHNeighbors(n_jobs=0).fit(X).kneighbors(X),
        lambda: LSHNeighbors(mode="both").fit(X),
        lambda: LSHNeighbors(metric="manhattan").fit(X),
    ):
        with pytest.raises(ParameterError):
            call()


def test_the_neighbours_feed_opentsne():
    pytest.importorskip("openTSNE")
    from openTSNE import TSNE
    from openTSNE.affinity import PerplexityBasedNN
    from openTSNE.nearest_neighbors import PrecomputedNeighbors

    X, labels = blobs(150)
    distances, ids = LSHNeighbors(30).fit(X).kneighbors()
    affinities = PerplexityBasedNN(perplexity=10, knn_index=PrecomputedNeighbors(ids, distances))
    plane = TSNE(n_iter=100, early_exaggeration_iter=50, random_state=0).fit(
        affinities=affinities, initialization=X[:, :2].astype(np.float64) * 1e-4
    )
    same = labels[NearestNeighbors().fit(plane).kneighbors(return_distance=False)] == labels[:, None]
    assert same.mean() > 0.8


@pytest.mark.filterwarnings("ignore:n_jobs value|precomputed_knn:UserWarning")  # about the seed, and new data
def test_the_neighbours_feed_umap():
    umap = pytest.importorskip("umap")
    X, labels = blobs(150)
    distances, ids = LSHNeighbors(15).fit(X).kneighbors(X)
    plane = umap.UMAP(n_neighbors=15, precomputed_knn=(ids, distances), random_state=0).fit_transform(X)
    same = labels[NearestNeighbors().fit(plane).kneighbors(return_distance=False)] == labels[:, None]
    assert same.mean() > 0.8
