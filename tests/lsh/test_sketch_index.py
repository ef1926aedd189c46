"""SketchIndex and its families of buckets."""

import numpy as np
import pytest

from lsh import exact_search, recall_at_k
from lsh.errors import NonFiniteError, NotFittedError, ParameterError, ShapeError, ZeroVectorError
from lsh.families.cells import CrossPolytopeCells, HyperplaneCells
from lsh.families.clusters import Clusters
from lsh.sketch_index import SketchIndex
from lsh.sketches.partition import default_buckets
from lsh.sketches.sketch import draw_rotation
from tests import reference

METRICS = ["cosine", "euclidean"]


def data(n=400, dim=12, seed=0):
    return np.random.default_rng(seed).standard_normal((n, dim)).astype(np.float32)


def same(a, b):
    return all(
        getattr(a, name).tobytes() == getattr(b, name).tobytes() for name in ("ids", "distances", "n_candidates")
    )


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("dim", [1, 2, 7, 128, 200])
@pytest.mark.parametrize("n", [1, 2, 3, 300])
def test_with_every_bucket_probed_and_every_vector_ranked_a_search_is_exact(metric, dim, n):
    X, Q = data(n, dim), data(9, dim, seed=1)
    index = SketchIndex(metric).fit(X)
    found = index.search(Q, 10, n_probes=index.n_buckets, n_reranked=n)
    assert same(found, exact_search(X, Q, 10, metric))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("n_probes", [1, 3, 8])
@pytest.mark.parametrize("n_buckets", [16, 100])
def test_with_every_vector_ranked_the_answer_is_exact_among_the_nearest_buckets(metric, n_buckets, n_probes):
    X, Q = data(), data(20, seed=1)
    index = SketchIndex(metric, n_buckets).fit(X)
    buckets = index.buckets
    centroids = buckets.centroids.astype(np.float64)
    found = index.search(Q, 10, n_probes, n_reranked=len(X))
    exact = exact_search(X, Q, len(X), metric)
    queries = reference.normalise(Q, metric == "cosine", 1e-18, 1e18).astype(np.float64)
    centred = queries - buckets.centre.astype(np.float64)
    closeness = centred @ centroids.T - (centroids**2).sum(axis=1) / 2
    for q in range(len(Q)):
        probed = reference.probed(closeness[q], n_probes, index.gaps)
        members = {
            i for b in probed for i in buckets.order[buckets.bucket_starts[b] : buckets.bucket_starts[b + 1]].tolist()
        }
        assert found.n_candidates[q] == len(members)
        ranked = [i for i in exact.ids[q].tolist() if i in members][:10]
        assert found.ids[q, : len(ranked)].tolist() == ranked
        assert (found.ids[q, len(ranked) :] == -1).all()


@pytest.mark.parametrize("metric", METRICS)
def test_ids_are_unique_sorted_by_distance_and_as_many_as_there_are_to_find(metric):
    X, Q = data(), data(30, seed=1)
    index = SketchIndex(metric).fit(X)
    for k, n_probes, n_reranked in [(1, 1, 1), (10, 2, 5), (10, 4, 40), (500, 16, 1)]:
        found = index.search(Q, k, n_probes, n_reranked)
        assert (found.n_found == np.minimum(k, found.n_candidates)).all()
        for ids, distances, n_found in zip(found.ids, found.distances, found.n_found, strict=True):
            pairs = list(zip(distances[:n_found].tolist(), ids[:n_found].tolist(), strict=True))
            assert pairs == sorted(pairs)
            assert len(set(ids[:n_found].tolist())) == n_found
            assert (ids[n_found:] == -1).all()
            assert np.isinf(distances[n_found:]).all()


@pytest.mark.parametrize("metric", METRICS)
def test_a_batch_is_its_queries_one_by_one(metric):
    X, Q = data(), data(20, seed=1)
    index = SketchIndex(metric).fit(X)
    batch = index.search(Q, 5)
    for q in range(20):
        alone = index.search(Q[q : q + 1], 5)
        assert np.array_equal(alone.ids[0], batch.ids[q])
        assert np.array_equal(alone.distances[0], batch.distances[q])


@pytest.mark.parametrize("metric", METRICS)
def test_the_same_seed_gives_the_same_index_and_another_seed_another(metric):
    X = data()
    first, second, other = (SketchIndex(metric, seed=seed).fit(X).buckets for seed in (7, 7, 8))
    assert [array.tobytes() for array in first] == [array.tobytes() for array in second]
    assert first.rotation.tobytes() != other.rotation.tobytes()


def test_under_cosine_so_many_buckets_are_probed_on_average_over_the_vectors_and_at_most_four_times_as_many():
    X = data(400, 5)
    index = SketchIndex("cosine", n_buckets=30).fit(X)
    vectors = reference.prepare(X, index.metric == "cosine", index.buckets.centre)
    expected = reference.mean_gaps(vectors, index.buckets.centroids)
    assert np.allclose(index.gaps, expected, rtol=0, atol=1e-4 * expected[-1])
    closeness = vectors @ index.buckets.centroids.T - (index.buckets.centroids**2).sum(axis=1) / 2
    sizes = np.diff(index.buckets.bucket_starts)
    for n_probes in (1, 2, 5, 30):
        numbers = [reference.probed(row, n_probes, index.gaps) for row in closeness]
        found = index.search(X, 1, n_probes).n_candidates
        assert np.mean([sizes[probed].sum() != n for probed, n in zip(numbers, found, strict=True)]) < 0.02  # rounding
        assert max(map(len, numbers)) <= 4 * n_probes
        assert n_probes * 0.8 <= np.mean(list(map(len, numbers))) <= n_probes + 1e-2


def test_under_euclidean_distance_as_many_buckets_are_probed_for_every_query():
    index = SketchIndex("euclidean", n_buckets=30).fit(data(400, 5))
    assert np.isinf(index.gaps).all()
    sizes = np.diff(index.buckets.bucket_starts)
    assert index.search(data(50, 5, seed=1), 1, 3).n_candidates.max() <= np.sort(sizes)[-3:].sum()


def test_the_buckets_hold_every_vector_once():
    index = SketchIndex("euclidean", n_buckets=9).fit(data())
    buckets = index.buckets
    assert sorted(buckets.order.tolist()) == list(range(400))
    sizes = np.diff(buckets.bucket_starts)
    assert buckets.bucket_starts[0] == 0
    assert buckets.bucket_starts[-1] == 400
    capacity = index._parts().capacity
    assert [capacity[b] for b in range(10)] == [int(np.sort(sizes)[::-1][:b].sum()) for b in range(10)]


@pytest.mark.parametrize(("n", "buckets"), [(1, 1), (2, 1), (3, 2), (400, 16), (20_000, 128), (2_084_320, 1024)])
def test_there_are_as_many_buckets_as_the_power_of_two_nearest_the_root_of_n(n, buckets):
    assert default_buckets(n) == buckets


def test_there_are_no_more_buckets_than_vectors():
    assert SketchIndex(n_buckets=50).fit(data(7)).n_buckets == 7


def test_invalid_data_and_queries_are_refused_as_by_lsh_index():
    index = SketchIndex().fit(data())
    bad = data(3)
    bad[1, 2] = np.nan
    with pytest.raises(NonFiniteError, match="Q holds nan at row 1, column 2"):
        index.search(bad)
    with pytest.raises(NonFiniteError, match="X holds nan at row 1, column 2"):
        SketchIndex().fit(bad)
    with pytest.raises(ZeroVectorError, match="Q row 0 is all zeros"):
        index.search(np.zeros((1, 12), np.float32))
    with pytest.raises(ShapeError, match="Q has 5 features"):
        index.search(data(3, 5))
    with pytest.raises(ShapeError, match="X has no rows"):
        SketchIndex().fit(np.empty((0, 3)))
    with pytest.raises(NotFittedError):
        SketchIndex().search(data())


@pytest.mark.parametrize("name", ["k", "n_probes", "n_reranked"])
@pytest.mark.parametrize("value", [0, -1, 2.0, "3", True])
def test_a_search_setting_that_is_no_whole_number_above_zero_is_refused(name, value):
    with pytest.raises(ParameterError, match=f"{name} is"):
        SketchIndex().fit(data(30)).search(data(2), **{name: value})


@pytest.mark.parametrize("name", ["k", "n_probes", "n_reranked", "n_threads"])
def test_a_setting_that_equals_the_last_one_is_refused_all_the_same_if_it_is_no_whole_number(name):
    index, Q = SketchIndex().fit(data(30)), data(2)
    setting = {"k": 1, "n_probes": 1, "n_reranked": 1, "n_threads": 1}
    found = index.search(Q, **setting)
    for value in (True, 1.0):
        with pytest.raises(ParameterError, match=f"{name} is"):
            index.search(Q, **{**setting, name: value})
    assert same(index.search(Q, **setting), found)


@pytest.mark.parametrize("metric", METRICS)
def test_what_a_search_does_not_give_is_the_default_of_the_index(metric):
    X, Q = data(2000, 6), data(40, 6, seed=1)
    index = SketchIndex(metric).fit(X)
    n_probes, n_reranked = index.default_setting
    assert 1 < n_probes < index.n_buckets
    assert same(index.search(Q), index.search(Q, 10, n_probes, n_reranked))
    assert same(index.search(Q, n_probes=1), index.search(Q, 10, 1, n_reranked))
    assert same(index.search(Q, n_reranked=1), index.search(Q, 10, n_probes, 1))
    assert not same(index.search(Q, n_probes=1), index.search(Q))
    radius = float(index.search(Q).distances.mean())
    within, given = index.range_search(Q, radius), index.range_search(Q, radius, n_probes)
    assert within.ids.tolist() == given.ids.tolist() != index.range_search(Q, radius, 1).ids.tolist()


@pytest.mark.parametrize("metric", METRICS)
def test_an_index_that_grows_or_is_like_another_one_keeps_its_default(metric):
    X, Q = data(2000, 6), data(20, 6, seed=1)
    index = SketchIndex(metric).fit(X)
    default = index.default_setting
    assert SketchIndex(metric).fit(X[:50], like=index).default_setting == default
    index.add(X[:90])
    index.remove([1, 2001])
    assert index.default_setting == default
    assert same(index.search(Q), index.search(Q, 10, *default))
    index.compact()
    assert index.default_setting == default


def test_an_index_fitted_again_and_searched_with_the_last_setting_finds_the_new_vectors():
    X, Q = data(300), data(5, seed=1)
    index = SketchIndex().fit(X)
    index.search(Q, 3, 2, 9)
    assert same(index.fit(X[::-1]).search(Q, 3, 2, 9), SketchIndex().fit(X[::-1]).search(Q, 3, 2, 9))


@pytest.mark.parametrize(
    ("name", "value"), [("metric", "manhattan"), ("n_buckets", 0), ("n_buckets", 65_537), ("seed", -1)]
)
def test_a_parameter_out_of_range_is_refused(name, value):
    with pytest.raises(ParameterError, match=f"{name} is"):
        SketchIndex(**{name: value})


def test_no_queries_get_an_empty_answer():
    found = SketchIndex().fit(data()).search(np.empty((0, 12), np.float32), 4)
    assert found.ids.shape == found.distances.shape == (0, 4)


def test_vectors_go_to_the_centroid_that_is_nearest_by_definition():
    X, centroids = data(200), data(9, seed=1)
    distances = reference.exact(centroids, X, 1, "euclidean")
    assert np.array_equal(Clusters.from_centroids(centroids).assign(X), distances.argmin(axis=1))


def test_rounding_errors_do_not_decide_which_of_two_almost_equal_centroids_is_the_nearest():
    X, eps = data(300, 60), np.finfo(np.float32).eps
    differing = 1 + np.random.default_rng(1).integers(-2, 3, (40, 60)) * eps
    clusters = Clusters.from_centroids((data(10, 60, seed=2).repeat(4, axis=0) * differing).astype(np.float32))
    expected = reference.settle_close(X, clusters.centroids, clusters.half_squares)
    assert np.array_equal(clusters.assign(X), expected)
    assert not np.array_equal((X @ clusters.centroids.T - clusters.half_squares).argmax(axis=1), expected)


def test_k_means_on_two_distant_clusters_finds_their_means():
    for seed in range(10):
        rng = np.random.default_rng(seed)
        groups = rng.standard_normal((2, 50, 6)).astype(np.float32) + np.float32([[[0]], [[100]]])
        clusters = Clusters.train(groups.reshape(100, 6), 2, rng)
        found = sorted(clusters.centroids.tolist())
        # 50 numbers of up to 104, summed in float32
        assert np.allclose(found, groups.astype(np.float64).mean(axis=1), atol=50 * 104 * np.finfo(np.float32).eps)


@pytest.mark.parametrize("dim", [1, 2, 64, 128])
def test_the_rotation_keeps_every_inner_product_up_to_128_dimensions(dim):
    rng = np.random.default_rng(dim)
    rotation = draw_rotation(data(50, dim), rng).astype(np.float64)
    assert rotation.shape == (dim, 128)
    assert np.allclose(rotation @ rotation.T, np.eye(dim), atol=128 * np.finfo(np.float32).eps)


def test_beyond_128_dimensions_the_rotation_keeps_the_directions_of_largest_variance():
    rng = np.random.default_rng(0)
    sample = (rng.standard_normal((400, 200)) * np.where(np.arange(200) < 128, 10.0, 0.01)).astype(np.float32)
    rotation = draw_rotation(sample, rng).astype(np.float64)
    assert np.allclose(rotation.T @ rotation, np.eye(128), atol=200 * np.finfo(np.float32).eps)
    lost = ((sample - sample.mean(axis=0)) ** 2).sum() - (((sample - sample.mean(axis=0)) @ rotation) ** 2).sum()
    assert lost <= 400 * 72 * (6 * 0.01) ** 2  # at most what the narrow directions hold, six deviations wide


# At an offset of 1000 the angles are a thousandth, and 1 - cos, a millionth, has one digit left in float32.
@pytest.mark.parametrize(("metric", "offset"), [("cosine", 10), ("euclidean", 10), ("euclidean", 1000)])
def test_a_common_offset_of_all_vectors_costs_the_sketches_no_precision(metric, offset):
    X, Q = data(2000), data(40, seed=1)
    shift = np.full(X.shape[1], offset, np.float32)
    plain = SketchIndex("euclidean").fit(X)
    shifted = SketchIndex(metric).fit(X + shift)
    wanted = recall_at_k(plain.search(Q, 10, plain.n_buckets, 40), plain.exact.search(Q, 10))
    found = shifted.search(Q + shift, 10, shifted.n_buckets, 40)
    recall = recall_at_k(found, shifted.exact.search(Q + shift, 10))
    error = np.sqrt(recall.var() / len(recall) + wanted.var() / len(wanted))
    assert recall.mean() >= wanted.mean() - 3 * error - 1 / len(recall) / 10


@pytest.mark.parametrize("metric", METRICS)
def test_copies_of_one_vector_fill_one_bucket_and_are_found(metric):
    X = np.tile(data(1), (500, 1))
    index = SketchIndex(metric).fit(X)
    assert index.n_buckets == 1
    assert (index.search(data(3, seed=1), 10, n_probes=1).n_found == 10).all()


def test_differences_whose_squares_underflow_are_sketched_as_zero():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((1, 32)) * 1e-17 * (1 + 1e-5 * rng.standard_normal((500, 32)))
    index = SketchIndex("euclidean").fit(X)
    assert (index.search(X[:5], 10).n_found == 10).all()


@pytest.mark.parametrize("n_buckets", [3, 6, 100])
def test_hyperplanes_make_a_power_of_two_of_buckets(n_buckets):
    with pytest.raises(ParameterError, match=f"n_buckets is {n_buckets}; b hyperplanes make 2\\^b buckets"):
        SketchIndex(n_buckets=n_buckets, family="hyperplanes")


def test_an_unknown_family_is_refused_with_the_ones_available():
    with pytest.raises(
        ParameterError, match="family is 'trees'; expected one of 'kmeans', 'crosspolytopes', 'hyperplanes'"
    ):
        SketchIndex(family="trees")


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("family", ["kmeans", "crosspolytopes", "hyperplanes"])
@pytest.mark.parametrize(("n", "n_buckets"), [(1, 8), (300, 1), (300, 32), (300, 512)])
def test_every_vector_is_in_one_bucket_and_a_centroid_is_the_mean_of_its_bucket(metric, family, n, n_buckets):
    X = data(n, 5)
    buckets = SketchIndex(metric, n_buckets, family=family).fit(X).buckets
    vectors = reference.prepare(X, metric == "cosine", buckets.centre)
    assert sorted(buckets.order.tolist()) == list(range(n))
    assert len(buckets.centroids) <= min(n, n_buckets)
    for b, centroid in enumerate(buckets.centroids):
        members = vectors[buckets.order[buckets.bucket_starts[b] : buckets.bucket_starts[b + 1]]].astype(np.float64)
        assert len(members)
        if family == "crosspolytopes" and n_buckets > 1:
            continue  # see the next test
        # As many float32 numbers of up to some length 10 are summed as there are members.
        assert np.allclose(members.mean(axis=0), centroid, atol=10 * n * np.finfo(np.float32).eps)


@pytest.mark.parametrize("metric", METRICS)
def test_a_centroid_of_cross_polytopes_is_between_the_mean_of_its_bucket_and_its_corner(metric):
    X = data(300, 5)
    index = SketchIndex(metric, 32, seed=4, family="crosspolytopes").fit(X)
    vectors = reference.prepare(X, metric == "cosine", index.buckets.centre).astype(np.float64)
    cells = CrossPolytopeCells.draw(5, 32, np.random.default_rng(4))
    along = vectors @ cells.corners.astype(np.float64)
    cell, reach = along.argmax(axis=1), along.max(axis=1).mean()
    for centroid, number in zip(index.buckets.centroids, np.unique(cell), strict=True):
        mean = vectors[cell == number].mean(axis=0)
        assert np.allclose(centroid, 0.3 * mean + 0.7 * reach * cells.corners[:, number], atol=1e-5)


@pytest.mark.parametrize(("dim", "n_bits"), [(1, 1), (5, 3), (5, 5), (5, 12), (128, 10), (3, 0)])
def test_a_cell_is_numbered_by_the_sides_of_orthogonal_planes(dim, n_bits):
    cells = HyperplaneCells.draw(dim, n_bits, np.random.default_rng(0))
    planes, X = cells.planes.directions.astype(np.float64), data(200, dim)
    for first in range(0, n_bits, dim):
        one_set = planes[:, first : first + dim]
        assert np.allclose(one_set.T @ one_set, np.eye(one_set.shape[1]), atol=dim * 1e-6)
    sides = X.astype(np.float64) @ planes > 0
    assert cells.assign(X).tolist() == [sum(2**b for b in np.flatnonzero(row).tolist()) for row in sides]


@pytest.mark.parametrize(("dim", "n_cells"), [(1, 1), (1, 2), (5, 3), (5, 10), (5, 24), (128, 256)])
def test_a_vector_is_in_the_cell_of_the_nearest_corner_of_cross_polytopes(dim, n_cells):
    cells = CrossPolytopeCells.draw(dim, n_cells, np.random.default_rng(0))
    corners, X = cells.corners.astype(np.float64), data(200, dim)
    assert corners.shape == (dim, n_cells)
    for first in range(0, n_cells, 2 * dim):
        axes = corners[:, first : first + 2 * dim : 2]
        assert np.allclose(axes.T @ axes, np.eye(axes.shape[1]), atol=dim * 1e-6)
        opposite = corners[:, first + 1 : first + 2 * dim : 2]
        assert np.array_equal(opposite, -axes[:, : opposite.shape[1]])
    assert np.array_equal(cells.assign(X), (X.astype(np.float64) @ corners).argmax(axis=1))
