"""An index on a cluster gives the answers of one machine, bit for bit, for any division into parts."""

import tempfile
from pathlib import Path

import dask.array as da
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from lsh import EncodedVectors, ExactSearch, LSHIndex, SketchIndex
from lsh.distributed import DistributedIndex
from lsh.distributed.shards import moves
from lsh.errors import NonFiniteError, NotFittedError, ParameterError, ShapeError, ZeroVectorError
from lsh.quality import mean_recall
from tests.lsh.distributed.conftest import parts_of
from tests.stress import IS_STRESS

CLASSES = {"tables": LSHIndex, "sketches": SketchIndex}
SMALL = {"n_tables": 3, "n_bits": 6}
KINDS = [
    ("exact", {}, {}),
    ("tables", SMALL, {}),
    ("tables", {**SMALL, "seed": 3}, {"n_tables": 2, "n_bits": 4, "n_probes": 3}),
    ("tables", {**SMALL, "sketches": True}, {"n_bits": 1, "n_reranked": 4}),
    ("tables", {**SMALL, "centre": False, "sketches": True}, {"n_tables": 3, "n_bits": 2, "n_reranked": 1}),
    ("sketches", {}, {}),
    ("sketches", {"n_buckets": 1}, {"n_reranked": 3}),
    ("sketches", {"n_buckets": 5, "family": "crosspolytopes", "seed": 1}, {"n_probes": 2, "n_reranked": 2}),
    ("sketches", {"n_buckets": 4, "family": "hyperplanes"}, {"n_probes": 3}),
]


def one_machine(kind, metric, build, X, labels=None):
    """Return the index that one machine builds of all vectors."""
    if kind == "exact":
        return ExactSearch(X, metric)
    return CLASSES[kind](metric, **build).fit(X, *([] if labels is None else [labels]))


def assert_same(found, expected):
    """Compare two results, bit for bit."""
    for here, there in zip(found, expected, strict=True):
        assert (here.dtype, here.shape) == (there.dtype, there.shape)
        assert here.tobytes() == there.tobytes()


@st.composite
def collections(draw):
    """Draw vectors with equal ones, zeros and ties among them, and where to divide them."""
    n, dim = draw(st.integers(1, 40)), draw(st.sampled_from([1, 2, 5, 130]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    X = rng.integers(-2, 3, (n, dim)).astype(np.float32)
    if draw(st.booleans()):
        X = (X + rng.standard_normal((n, dim)).astype(np.float32) / 8)[rng.integers(0, n, n)]
    bounds = draw(st.lists(st.integers(1, max(n - 1, 1)), unique=True, max_size=min(4, n - 1)))
    return X, sorted(bounds), rng.integers(-2, 3, (3, dim)).astype(np.float32) + np.float32(0.25)


@settings(max_examples=300 if IS_STRESS else 6)
@given(
    collection=collections(),
    metric=st.sampled_from(["cosine", "euclidean"]),
    case=st.sampled_from(KINDS),
    k=st.sampled_from([1, 3, 50]),
)
def test_every_answer_is_that_of_one_machine(client, collection, metric, case, k):
    (X, bounds, Q), (kind, build, setting) = collection, case
    with tempfile.TemporaryDirectory() as folder:
        index = DistributedIndex(kind, metric, **build).fit(parts_of(Path(folder), X, bounds), client=client)
        expected = one_machine(kind, metric, build, X)
        assert_same(index.search(Q, k, **setting), expected.search(Q, k, **setting))
        assert_same(index.exact.search(Q, k), expected.exact.search(Q, k))
        if kind != "exact":
            assert index.default_setting == expected.default_setting
        assert (index.n, index.n_shards) == (len(X), len(bounds) + 1)


@settings(max_examples=300 if IS_STRESS else 4)
@given(
    collection=collections(),
    metric=st.sampled_from(["cosine", "euclidean"]),
    case=st.sampled_from(KINDS),
    seed=st.integers(0, 2**32),
)
def test_every_answer_among_the_allowed_vectors_is_that_of_one_machine(client, collection, metric, case, seed):
    (X, bounds, Q), (kind, build, setting), rng = collection, case, np.random.default_rng(seed)
    allowed = rng.random((len(Q), len(X))) < rng.choice([0, 0.2, 0.9], (len(Q), 1))
    with tempfile.TemporaryDirectory() as folder:
        index = DistributedIndex(kind, metric, **build).fit(parts_of(Path(folder), X, bounds), client=client)
        expected = one_machine(kind, metric, build, X)
        for form in (allowed, allowed[0], np.flatnonzero(allowed[1]), allowed.__getitem__):
            assert_same(index.exact.search(Q, 3, allowed=form), expected.exact.search(Q, 3, allowed=form))
            assert_same(index.search(Q, 3, **setting, allowed=form), expected.search(Q, 3, **setting, allowed=form))


@pytest.mark.parametrize(
    ("metric", "kind", "build", "setting"),
    [
        ("cosine", "tables", {"n_tables": 4, "n_bits": 10}, {"n_tables": 2, "n_bits": 10}),
        ("euclidean", "tables", {"n_tables": 3, "n_bits": 12, "sketches": True}, {"n_probes": 2, "n_reranked": 12}),
        ("cosine", "sketches", {"n_buckets": 64}, {"n_probes": 2, "n_reranked": 12}),
    ],
)
def test_filters_lead_as_far_as_on_one_machine(client, tmp_path, monkeypatch, metric, kind, build, setting):
    monkeypatch.setattr("lsh.distributed.shards._BATCH", 32)
    X, Q = clustered(6000), clustered(40, seed=1)
    one = one_machine(kind, metric, build, X)
    index = DistributedIndex(kind, metric, **build).fit(parts_of(tmp_path, X, [1000, 1001]), client=client)
    rng, near, is_exact = np.random.default_rng(0), one.exact.search(Q, 300).ids, []
    for share in (0.9, 0.1):
        allowed = rng.random((len(Q), len(X))) < share
        np.put_along_axis(allowed[::4], near[::4], values=False, axis=1)  # of every fourth query none that is near
        for form in (allowed, allowed[1]):
            expected = one.search(Q, 10, **setting, allowed=form)
            assert_same(index.search(Q, 10, **setting, allowed=form), expected)
            is_exact.append(expected.n_candidates == form.sum(axis=-1))
    assert 0.1 < np.mean(is_exact) < 0.9


@pytest.mark.parametrize(
    ("kind", "build", "setting"),
    [
        ("tables", {"n_tables": 8, "n_bits": 4, "sketches": True}, {"n_bits": 1, "n_probes": 2, "n_reranked": 1}),
        ("sketches", {"n_buckets": 1}, {"n_reranked": 1}),
    ],
)
def test_few_allowed_vectors_are_all_compared_as_on_one_machine(client, tmp_path, kind, build, setting):
    X, Q = clustered(600), clustered(40, seed=1)
    one = one_machine(kind, "cosine", build, X)
    index = DistributedIndex(kind, "cosine", **build).fit(parts_of(tmp_path, X, [250]), client=client)
    for few, many in ((16, 300), (256, 500)) if kind == "sketches" else ((16, 300),):
        assert_same(
            index.search(Q, 1, **setting, allowed=np.arange(few)), one.exact.search(Q, 1, allowed=np.arange(few))
        )
        expected = one.search(Q, 1, **setting, allowed=np.arange(many))
        assert_same(index.search(Q, 1, **setting, allowed=np.arange(many)), expected)
        assert (expected.ids != one.exact.search(Q, 1, allowed=np.arange(many)).ids).any()  # by sketches


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_all_vectors_within_a_radius_are_those_that_one_machine_finds(client, tmp_path, monkeypatch, metric):
    monkeypatch.setattr("lsh.distributed.shards._BATCH", 32)
    X, Q = clustered(2000), clustered(80, seed=1)
    parts = parts_of(tmp_path, X, [300, 301])
    radius = float(np.median(ExactSearch(X, metric).search(Q, 30).distances[:, -1]))
    for kind, build, setting in [
        ("exact", {}, {}),
        ("tables", SMALL, {"n_tables": 2, "n_probes": 3}),
        ("sketches", {"n_buckets": 16}, {"n_probes": 2}),
    ]:
        one = one_machine(kind, metric, build, X)
        index = DistributedIndex(kind, metric, **build).fit(parts, client=client)
        expected = one.range_search(Q, radius, **setting)
        assert 100 < len(expected.ids) < 80 * 100
        assert_same(index.range_search(Q, radius, **setting), expected)
        assert_same(index.range_search(Q[:0], radius, **setting), one.range_search(Q[:0], radius, **setting))
        assert_same(index.exact.range_search(Q, radius), one.exact.range_search(Q, radius))
        with pytest.raises(ParameterError, match="n_reranked leaves candidates out"):
            index.range_search(Q, radius, n_reranked=5)
        with pytest.raises(ParameterError, match="radius is -1"):
            index.range_search(Q, -1)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_a_wanted_recall_is_reached_with_the_same_answers_every_time(client, tmp_path, metric):
    X, Q = clustered(3000), clustered(40, seed=1)
    index = DistributedIndex("tables", metric, n_tables=16).fit(parts_of(tmp_path, X, [700, 2200]), client=client)
    one, truth = LSHIndex(metric, n_tables=16).fit(X), ExactSearch(X, metric).search(Q)
    allowed = np.random.default_rng(0).random(len(X)) < 0.3
    for recall in (0.5, 0.9):
        found, expected = index.search(Q, recall=recall), one.search(Q, recall=recall)
        assert found.promised == recall
        assert mean_recall(found, truth) >= max(recall, mean_recall(expected, truth))
        assert found.n_candidates.mean() < 0.9 * len(X)
        assert_same(index.search(Q, recall=recall), found)
        among = index.search(Q, recall=recall, allowed=allowed)
        assert allowed[among.ids].all()
        assert mean_recall(among, one.exact.search(Q, allowed=allowed)) >= recall
    with pytest.raises(ParameterError, match=r"recall is 1\.5; expected a number above 0"):
        index.search(Q, recall=1.5)
    with pytest.raises(ParameterError, match="n_reranked leaves candidates out"):
        index.search(Q, recall=0.9, n_reranked=20)
    sketches = DistributedIndex("sketches", metric).fit([tmp_path / "0.npy"], client=client)
    with pytest.raises(ParameterError, match="recall is no setting of sketches; expected n_probes, n_reranked"):
        sketches.search(Q, recall=0.9)


def test_filters_reach_every_batch_of_queries(client, tmp_path, monkeypatch):
    monkeypatch.setattr("lsh.distributed.shards._BATCH", 7)
    X, Q = clustered(300), clustered(30, seed=1)
    index = DistributedIndex("exact", "cosine").fit(parts_of(tmp_path, X, [100, 110]), client=client)
    allowed = np.random.default_rng(0).random((30, 300)) < 0.3
    for form in (allowed, allowed[0], [np.flatnonzero(own) for own in allowed]):
        assert_same(index.search(Q, 5, allowed=form), ExactSearch(X, "cosine").search(Q, 5, allowed=form))
    with pytest.raises(ShapeError, match=r"expected \(300,\), one value per indexed vector"):
        index.search(Q, 5, allowed=allowed[0, :9])


def clustered(n=3000, dim=24, seed=0):
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((40, dim))
    return (centres[rng.integers(0, 40, n)] + 0.4 * rng.standard_normal((n, dim))).astype(np.float32)


@pytest.mark.parametrize(
    ("metric", "kind", "build", "setting"),
    [
        ("euclidean", "tables", {"n_tables": 8, "n_bits": 12, "sketches": True}, {"n_reranked": 20}),
        ("euclidean", "tables", {"n_tables": 4, "n_bits": 8, "family": "itq"}, {}),
        ("cosine", "tables", {"n_tables": 4, "n_bits": 8, "family": "grh"}, {"n_probes": 2}),
        ("cosine", "sketches", {}, {"n_probes": 4, "n_reranked": 12}),
    ],
)
def test_many_queries_among_many_vectors_have_the_answers_of_one_machine(
    client, tmp_path, metric, kind, build, setting
):
    X, Q = clustered(), clustered(700, seed=1)  # more queries than one task takes
    labels = (np.arange(len(X) + 1), (np.arange(len(X)) % 7).astype(np.int16)) if build.get("family") == "grh" else None
    expected = one_machine(kind, metric, build, X, labels).search(Q, 10, **setting)
    for bounds in ([1500], [1, 2, 900, 2999]):
        index = DistributedIndex(kind, metric, **build).fit(parts_of(tmp_path, X, bounds), labels, client)
        assert_same(index.search(Q, 10, **setting), expected)


def test_only_the_best_estimates_of_all_shards_are_ranked_exactly(client, tmp_path):
    X, Q = clustered(), clustered(40, seed=1)
    index = DistributedIndex("sketches", n_buckets=1).fit(parts_of(tmp_path, X, [500, 1100, 2000]), client=client)
    few, many = (index.search(Q, 10, n_reranked=n) for n in (10, 3000))
    assert_same(many, ExactSearch(X).search(Q, 10))
    assert (few.distances.mean(axis=1) > many.distances.mean(axis=1)).any()


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_the_same_buckets_are_probed_as_on_one_machine_where_estimates_choose_the_centroids(client, tmp_path, metric):
    rng = np.random.default_rng(0)
    X, Q = (rng.standard_normal((n, 300)).astype(np.float32) for n in (3000, 60))
    build, setting = {"n_buckets": 512, "family": "hyperplanes"}, {"n_probes": 8, "n_reranked": 500}
    expected = one_machine("sketches", metric, build, X).search(Q, 10, **setting)
    index = DistributedIndex("sketches", metric, **build).fit(parts_of(tmp_path, X, [700, 900]), client=client)
    assert_same(index.search(Q, 10, **setting), expected)


def test_of_equal_estimates_in_several_buckets_the_lower_ids_are_ranked_as_on_one_machine(client, tmp_path):
    corners = np.float32([[a, b, c] for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)])
    X, Q, setting = np.tile(corners, (200, 1)), np.zeros((1, 3), np.float32), {"n_probes": 8, "n_reranked": 9}
    one = SketchIndex("euclidean", n_buckets=8).fit(X)
    index = DistributedIndex("sketches", "euclidean", n_buckets=8).fit(parts_of(tmp_path, X, [3, 800]), client=client)
    assert one.n_buckets == 8
    assert one.search(Q, 9, **setting).ids.tolist() == [list(range(9))]
    assert_same(index.search(Q, 9, **setting), one.search(Q, 9, **setting))


def test_a_dask_array_and_parquet_files_give_what_the_same_numbers_in_npy_files_give(client, tmp_path):
    X, Q = clustered(300, 5), clustered(4, 5, seed=1)
    expected = LSHIndex(n_tables=4).fit(X).search(Q)
    for first, last in ((0, 120), (120, 300)):
        vectors = pa.FixedSizeListArray.from_arrays(pa.array(X[first:last].ravel()), 5)
        parquet.write_table(pa.table({"vector": vectors}), tmp_path / f"{first}.parquet")
    files = [tmp_path / "0.parquet", tmp_path / "120.parquet"]
    for parts in (da.from_array(X, chunks=(100, 2)), files):
        assert_same(DistributedIndex(n_tables=4).fit(parts, client=client).search(Q), expected)


@pytest.mark.parametrize("dtype", [np.float32, np.uint8, np.float16])
def test_vectors_mapped_from_one_file_are_divided_and_stay_encoded(client, tmp_path, dtype):
    X, Q = clustered(200, 6), clustered(5, 6, seed=1)
    encoded = X if dtype == np.float32 else EncodedVectors.encode(X, dtype)
    np.save(tmp_path / "X.npy", X if dtype == np.float32 else encoded.stored)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    given_parts = mapped if dtype == np.float32 else EncodedVectors(mapped, encoded.scale, encoded.offset)
    index = DistributedIndex("sketches", "euclidean").fit(given_parts, client=client)
    assert index.n_shards == 3  # one for each thread
    assert_same(index.search(Q), SketchIndex("euclidean").fit(encoded).search(Q))


def test_the_cluster_keeps_no_more_than_the_shards_and_the_client_can_forget_them(client, tmp_path):
    X = clustered(400, 8)
    index = DistributedIndex(n_tables=4).fit(parts_of(tmp_path, X, [100]), client=client)
    one = LSHIndex(n_tables=4).fit(X)
    assert one.nbytes <= index.nbytes <= 3 * one.nbytes
    assert index.nbytes_of(2) < index.nbytes
    index.close()
    with pytest.raises(NotFittedError, match="call fit"):
        index.search(X[:1])


def test_a_value_that_cannot_be_indexed_is_named_with_its_part(client, tmp_path):
    X = clustered(30, 4)
    X[25, 2] = np.nan
    with pytest.raises(NonFiniteError, match=r"nan at row 5, column 2") as caught:
        DistributedIndex("exact").fit(parts_of(tmp_path, X, [20]), client=client)
    assert f"X is part 1 ({tmp_path / '1.npy'})" in caught.value.__notes__[0]


@pytest.mark.parametrize(
    ("parts", "error", "message"),
    [
        (["missing.npy"], ParameterError, r"cannot read .*missing.npy \(No such file or directory\); expected a file"),
        (["vectors.txt"], ParameterError, r"vectors.txt is no part; expected a file whose name ends with .npy or"),
        ([], ParameterError, r"parts is \[\]; expected a list of paths"),
        ("one.npy", ParameterError, r"parts is 'one.npy'; expected a list of paths"),
        (np.ones((3, 2)), ParameterError, r"parts is an array in this process's memory; expected one that is mapped"),
    ],
)
def test_parts_that_cannot_be_read_are_refused(client, parts, error, message):
    with pytest.raises(error, match=message):
        DistributedIndex("exact").fit(parts, client=client)


def test_parts_of_different_widths_are_refused(client, tmp_path):
    np.save(tmp_path / "a.npy", np.ones((2, 3), np.float32))
    np.save(tmp_path / "b.npy", np.ones((2, 4), np.float32))
    with pytest.raises(ShapeError, match="part 1 has 4 features per row; part 0 has 3"):
        DistributedIndex("exact").fit([tmp_path / "a.npy", tmp_path / "b.npy"], client=client)


def test_queries_and_settings_are_refused_as_on_one_machine(client, tmp_path):
    index = DistributedIndex(n_tables=2).fit(parts_of(tmp_path, clustered(30, 4), [20]), client=client)
    with pytest.raises(ZeroVectorError, match="Q row 0 is all zeros"):
        index.search(np.zeros((1, 4)))
    with pytest.raises(ShapeError, match="Q has 3 features per row; the indexed vectors have 4"):
        index.search(np.ones((1, 3)))
    with pytest.raises(ParameterError, match="n_tables is 3; expected a whole number from 1 to 2"):
        index.search(np.ones((1, 4)), n_tables=3)
    with pytest.raises(ParameterError, match="n_reranked needs sketches"):
        index.search(np.ones((1, 4)), n_reranked=5)
    with pytest.raises(ParameterError, match="n_buckets is no setting of tables"):
        index.search(np.ones((1, 4)), n_buckets=5)
    with pytest.raises(ParameterError, match="kind is 'graph'; expected one of 'tables', 'sketches', 'exact'"):
        DistributedIndex("graph")
    with pytest.raises(ParameterError, match="n_tables is no parameter of exact search"):
        DistributedIndex("exact", n_tables=3)
    with pytest.raises(ParameterError, match="has no default_setting"):
        _ = DistributedIndex("exact").default_setting


def test_shards_are_divided_evenly_over_the_workers(client, tmp_path):
    X, Q = clustered(90, 4), clustered(5, 4, seed=1)
    index = DistributedIndex("exact").fit(parts_of(tmp_path, X, [10, 20, 30, 40, 50]), client=client)
    workers = sorted(client.scheduler_info(n_workers=-1)["workers"])
    futures = [client.submit(lambda one: one, one, workers=workers[0], pure=False) for one in index.exact.futures]
    index.exact.futures = type(index.exact.futures)(futures)  # all on one worker
    index.rebalance()
    holders = client.who_has(list(index.exact.futures)).values()
    assert all(sum(worker in holder for holder in holders) >= 2 for worker in workers)
    assert_same(index.search(Q), ExactSearch(X).search(Q))


WORKERS = [f"tcp://{i}" for i in range(4)]


@given(st.lists(st.sets(st.sampled_from([*WORKERS, "tcp://lost"])), max_size=20), st.integers(1, 4))
def test_moves_make_the_workers_numbers_equal_whoever_held_the_shards(holders, n_workers):
    workers = WORKERS[:n_workers]
    before = [min(set(held_by) & set(workers), default=None) for held_by in holders]
    moved = moves(holders, workers)
    after = before.copy()
    for shard, worker in moved:
        assert after[shard] != worker
        after[shard] = worker
    counts = [after.count(worker) for worker in workers]
    assert sum(counts) == len(holders)
    assert max(counts) - min(counts) <= 1
    assert len({shard for shard, _ in moved}) == len(moved)
    least, extra = divmod(len(holders), n_workers)
    held = sorted((before.count(worker) for worker in workers), reverse=True)
    kept = sum(min(count, least + (place < extra)) for place, count in enumerate(held))
    assert len(moved) == len(holders) - kept  # no more than needed


def test_what_is_summed_goes_through_the_shards_in_order_of_their_rows(client, tmp_path):
    X = np.arange(12, dtype=np.float32).reshape(6, 2)
    index = DistributedIndex("exact", "euclidean").fit(parts_of(tmp_path, X, [1, 4]), client=client)
    assert index.exact.fold(lambda rows, exact: [*rows, *exact.X[:, 0].tolist()], []) == X[:, 0].tolist()


def test_adding_and_removing_are_refused_in_words():
    index = DistributedIndex("tables")
    for change in (lambda: index.add(np.ones((1, 4))), lambda: index.remove([0])):
        with pytest.raises(ParameterError, match=r"neither adds nor removes vectors.*call fit again"):
            change()
