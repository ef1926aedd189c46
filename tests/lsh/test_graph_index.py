"""GraphIndex."""

import pickle
import tracemalloc

import numpy as np
import pytest

from lsh import EncodedVectors, ExactSearch, GraphIndex, exact_search, load, save
from lsh.errors import IndexFileError, NonFiniteError, NotFittedError, ParameterError, ShapeError, ZeroVectorError
from lsh.graphs.building import Graph, build
from lsh.storage.container import GRAPH_VERSION
from tests.lsh.storage.index_files import put_together, take_apart
from tests.lsh.test_sketch_index import METRICS, data, same


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("dim", [1, 2, 7, 128, 200])
@pytest.mark.parametrize("n", [1, 2, 3, 40, 300])
def test_with_every_node_kept_a_search_is_exact(metric, dim, n):
    X, Q = data(n, dim), data(9, dim, seed=1)
    found, expected = GraphIndex(metric).fit(X).search(Q, 10, n_kept=n), exact_search(X, Q, 10, metric)
    if (metric, dim) == ("cosine", 1):  # all distances are 0 or 2, up to rounding
        expected = expected._replace(ids=found.ids)
    assert same(found, expected)


def test_building_holds_one_graph_at_a_time():
    exact = ExactSearch(data(5000))
    build(ExactSearch(data(50)), 0)
    tracemalloc.start()
    graph = build(exact, 0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert graph.nbytes < 5000 * 1430
    assert peak < 5000 * 6500  # with both graphs 7,800 per vector, of which 2,600 are for blocks of any number


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("dim", [12, 200])
def test_the_default_setting_finds_nine_tenths_of_the_neighbours_and_tells_so(metric, dim):
    X, Q = data(3000, dim), data(300, dim, seed=1)
    X[:, 8:] /= 8
    Q[:, 8:] /= 8
    index = GraphIndex(metric).fit(X)
    found, truth = index.search(Q, 10), exact_search(X, Q, 10, metric)
    recall = (found.distances <= truth.distances[:, -1:]).mean()
    assert recall > 0.87
    assert index.default_setting.recall >= 0.93
    assert index.default_setting.n_kept < 200
    assert found.n_candidates.max() < 3000
    assert f"searched with {index.default_setting.n_kept} kept" in repr(index)
    more = index.search(Q, 10, 4 * index.default_setting.n_kept)
    assert (more.distances <= truth.distances[:, -1:]).mean() > recall


@pytest.mark.parametrize("metric", METRICS)
def test_equal_vectors_and_zeros_are_found(metric):
    X = np.repeat(data(30), 20, axis=0)
    X[5], X[100] = 0, 0
    index, Q = GraphIndex(metric).fit(X), data(10)
    found = index.search(Q, 40, n_kept=80)
    assert np.allclose(found.distances, exact_search(X, Q, 40, metric).distances, atol=1e-6)


@pytest.mark.parametrize("metric", METRICS)
def test_a_batch_is_its_queries_one_by_one_and_threads_do_not_change_it(metric):
    X, Q = data(), data(20, seed=1)
    index = GraphIndex(metric).fit(X)
    batch = index.search(Q, 5)
    assert same(index.search(Q, 5, n_threads=2), batch)
    assert same(index.search(Q.astype(np.float64), 5), batch)
    for q in range(20):
        alone = index.search(Q[q : q + 1], 5)
        assert np.array_equal(alone.ids[0], batch.ids[q])
        assert np.array_equal(alone.distances[0], batch.distances[q])


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("dtype", [np.uint8, np.float16])
def test_encoded_vectors_are_ranked_by_the_values_that_they_stand_for(metric, dtype):
    encoded, Q = EncodedVectors.encode(data(), dtype), data(20, seed=1)
    index = GraphIndex(metric).fit(encoded)
    assert same(index.search(Q, 5, n_kept=400), exact_search(encoded, Q, 5, metric))


@pytest.mark.parametrize("metric", METRICS)
def test_a_filter_does_not_lower_the_recall_and_few_or_far_vectors_are_all_ranked(metric):
    X, Q = data(6000, 12), data(60, 12, seed=1)
    index = GraphIndex(metric).fit(X)
    nearest = index.exact.search(Q[:1], 3000).ids[0]
    masks = {
        "nine tenths": np.arange(6000) % 10 > 0,
        "half": np.arange(6000) % 2 == 0,
        "few": np.arange(6000) % 200 == 0,
        "far": ~np.isin(np.arange(6000), nearest),
    }
    shares, visited = {}, {}
    for name, allowed in masks.items():
        found, truth = index.search(Q, 10, 20, allowed=allowed), index.exact.search(Q, 10, allowed=allowed)
        assert allowed[found.ids].all()
        shares[name] = (found.distances <= truth.distances[:, -1:]).mean()
        visited[name] = found.n_candidates
        assert same(index.search(Q, 10, 20, 2, allowed=np.flatnonzero(allowed)), found)
    plain = index.search(Q, 10, 20)
    recall = (plain.distances <= index.exact.search(Q, 10).distances[:, -1:]).mean()
    assert min(shares.values()) > recall - 0.03
    assert visited["nine tenths"].max() < visited["half"].max() < 3000
    assert (visited["few"] == 30).all()
    assert visited["far"][0] == 3000
    assert index.search(Q, 10, allowed=np.zeros(6000, bool)).n_found.max() == 0
    everything = index.search(Q, 10, 20, allowed=np.ones(6000, bool))
    assert same(everything, plain)


def test_the_same_seed_gives_the_same_index_and_another_seed_another():
    X = data()
    first, second, other = (GraphIndex(seed=seed).fit(X).graph for seed in (7, 7, 8))
    assert [array.tobytes() for array in first] == [array.tobytes() for array in second]
    assert first.rotation.tobytes() != other.rotation.tobytes()


def test_links_lead_to_other_nodes_and_to_each_one_once():
    graph = GraphIndex().fit(data(20)).graph
    there = np.isfinite(graph.terms[:, 1])
    for node, (links, present) in enumerate(zip(graph.links[:20], there, strict=False)):
        own = links[present].tolist()
        assert sorted(own) == [other for other in range(20) if other != node]


@pytest.mark.parametrize("metric", METRICS)
def test_a_loaded_and_an_unpickled_index_answer_as_the_saved_one(tmp_path, metric):
    X, Q = data(), data(20, seed=1)
    index = GraphIndex(metric).fit(X)
    save(index, tmp_path / "with")
    save(index, tmp_path / "without", with_vectors=False)
    for again in (
        load(tmp_path / "with"),
        load(tmp_path / "with", mapped=False, verify=False),
        load(tmp_path / "without", X),
        pickle.loads(pickle.dumps(index)),  # noqa: S301
    ):
        assert same(again.search(Q), index.search(Q))
        assert (again.n, again.dim, again.nbytes) == (index.n, index.dim, index.nbytes) == (400, 12, index.nbytes)
        assert again.default_setting == index.default_setting


@pytest.mark.parametrize(
    ("name", "place", "value", "verify"),
    [
        ("links", 3, 400, False),
        ("links", 3, -1, False),
        ("rotation", 0, 3, False),
        ("centre", 0, np.nan, False),
        ("terms", 0, -1, True),
        ("terms", 40, np.nan, True),
    ],
)
def test_a_file_with_values_that_no_graph_has_is_refused(tmp_path, name, place, value, verify):
    save(GraphIndex().fit(data()), path := tmp_path / "index")
    header, arrays = take_apart(path.read_bytes())
    array = arrays[name] if name in arrays else getattr(Graph(None, None, arrays["records"]), name)
    array[np.unravel_index(place, array.shape)] = value
    path.write_bytes(put_together(header, arrays, GRAPH_VERSION))
    with pytest.raises(IndexFileError, match="damaged"):
        load(path, verify=verify)


def test_invalid_data_and_settings_are_refused():
    index = GraphIndex().fit(data(30))
    with pytest.raises(NotFittedError):
        GraphIndex().search(data())
    with pytest.raises(ParameterError, match="metric"):
        GraphIndex("angular")
    with pytest.raises(ShapeError):
        GraphIndex().fit(np.empty((0, 3)))
    with pytest.raises(NonFiniteError):
        GraphIndex().fit(np.full((3, 3), np.nan))
    with pytest.raises(ShapeError):
        index.search(data(2, 5))
    with pytest.raises(ZeroVectorError):
        index.search(np.zeros((1, 12)))
    for settings in ({"k": 0}, {"k": True}, {"n_kept": 0}, {"n_kept": 2.5}, {"n_threads": 0}):
        with pytest.raises(ParameterError, match=next(iter(settings))):
            index.search(data(2), **settings)
    index.search(data(2), k=1)
    with pytest.raises(ParameterError, match="k is True"):
        index.search(data(2), k=True)


def test_a_search_gives_k_neighbours_where_fewer_nodes_are_to_be_kept():
    found = GraphIndex().fit(data()).search(data(5, seed=1), 50, n_kept=1)
    assert (found.n_found == 50).all()
