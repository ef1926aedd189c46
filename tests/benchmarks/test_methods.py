"""The methods of other libraries, which are not installed here: what each is asked for, call by call."""

import json
import os
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import methods
from lsh import ExactSearch, exact_search

K = 3
X = (3 + np.random.default_rng(0).standard_normal((70, 4))).astype(np.float32)
Q = (3 + np.random.default_rng(1).standard_normal((66, 4))).astype(np.float32)
CENTRE = X.mean(axis=0)
IDS = np.arange(66 * K).reshape(66, K)
DISTANCES = np.full((66, K), -1.0)


def shown(value):
    """Return a value as text; an array as its shape and its sum, which its values and their centre decide."""
    if isinstance(value, np.ndarray | list):
        return f"{np.shape(value)} {np.sum(value, dtype=float):.3f}"
    return str(value) if isinstance(value, Library) else repr(value)


class Library:
    """A library, or part of it, that writes down what it is asked for, and answers searches."""

    def __init__(self, name, calls):
        vars(self).update(name=name, calls=calls)

    def __str__(self):
        return self.name

    def __getattr__(self, name):
        return Library(f"{self.name}.{name}", self.calls)

    def __setattr__(self, name, value):
        self.calls.append(f"{self.name}.{name} = {shown(value)}")

    def __call__(self, *args, **options):
        texts = [*map(shown, args), *(f"{name}={shown(value)}" for name, value in options.items())]
        self.calls.append(f"{self.name}({', '.join(texts)})")
        name = self.name.rpartition(".")[2]
        n = len(args[0]) if args and np.ndim(args[0]) == 2 else 1
        answers = {
            "get_nns_by_vector": IDS[0],
            "find_k_nearest_neighbors": IDS[0],
            "knn_query": (IDS[:n], DISTANCES[:n]),
            "query": (IDS[:n] if np.ndim(args[0]) == 2 else IDS[0], DISTANCES[:n]) if args else None,
            "search_batched": (IDS[:n], DISTANCES[:n]),
            "serialize_index": bytes(X.nbytes + 7),
            "index_file_size": X.nbytes + 7,
        }
        if name == "search":
            library = self.name.partition(".")[0]
            many = IDS[:n] if np.ndim(args[0]) == 2 else IDS[0]
            if library in {"faiss", "puffinn"}:
                return (DISTANCES[:n], many) if library == "faiss" else many
            return SimpleNamespace(keys=many) if library == "usearch" else (many, DISTANCES[:n])
        return answers.get(name, Library(f"{self.name}()", self.calls))


FAISS = ["faiss.omp_set_num_threads(1)", "{index}.train({X})", "{index}.add({X})", "{use}"]
FAISS += ["{index}.search({q}, 3)", "{index}.search({Q}, 3)", "faiss.serialize_index({index})"]
FACTORY = "faiss.index_factory()"


def by_faiss(index, *first, use, moved=0):
    shifted = {"X": shown(X - moved), "q": shown(Q[:1] - moved), "Q": shown(Q - moved)}
    lines = [*first, *FAISS]
    return [part for line in lines for part in line.format(index=index, use=use, **shifted).split("; ") if part]


def expected(metric):
    """Return the calls of each method for its first build and its last search setting."""
    kind = "faiss.METRIC_INNER_PRODUCT" if metric == "cosine" else "faiss.METRIC_L2"
    moved = CENTRE if metric == "cosine" else np.zeros(4, np.float32)
    annoy, hnsw = "annoy.AnnoyIndex()", "hnswlib.Index()"
    parameters, falconn = "falconn.LSHConstructionParameters()", "falconn.LSHIndex()"
    refined, scann = "faiss.IndexRefineFlat()", "scann.scann_ops_pybind.builder()"
    yield (
        "annoy",
        [
            f"annoy.AnnoyIndex(4, {'angular' if metric == 'cosine' else 'euclidean'!r})",
            f"{annoy}.set_seed(1)",
            *(f"{annoy}.add_item({row}, {shown(x)})" for row, x in enumerate(X)),
            f"{annoy}.build(25, n_jobs=1)",
            f"{annoy}.get_nns_by_vector({shown(Q[0])}, 3, 200000)",
        ],
    )
    yield "faiss-flat", by_faiss(FACTORY, f"faiss.index_factory(4, 'Flat', {kind})", use="")
    for name, codes in (("faiss-hnsw", "Flat"), ("faiss-hnsw-sq8", "SQ8")):
        built = f"faiss.index_factory(4, 'HNSW12,{codes}', {kind})"
        yield name, by_faiss(FACTORY, built, use=f"{FACTORY}.hnsw.efSearch = 640")
    yield (
        "faiss-ivf-flat",
        by_faiss(FACTORY, f"faiss.index_factory(4, 'IVF8,Flat', {kind})", use=f"{FACTORY}.nprobe = 8"),
    )
    for name, codes in (("faiss-rabitq", "RaBitQfs"), ("faiss-ivf-pq", "PQ64x4fs")):
        yield (
            name,
            by_faiss(
                FACTORY,
                f"faiss.index_factory(4, 'IVF8,{codes},RFlat', {kind})",
                use=f"faiss.extract_index_ivf({FACTORY}.base_index); faiss.extract_index_ivf().nprobe = 8; "
                f"{FACTORY}.k_factor = 20",
            ),
        )
    yield (
        "faiss-lsh",
        by_faiss(
            refined,
            "faiss.IndexLSH(4, 128)",
            "faiss.IndexRefineFlat(faiss.IndexLSH())",
            use=f"{refined}.k_factor = 120",
            moved=moved,
        ),
    )
    yield (
        "falconn",
        [
            "falconn.LSHConstructionParameters()",
            *(f"{parameters}.dimension = 4", f"{parameters}.lsh_family = falconn.LSHFamily.CrossPolytope"),
            f"{parameters}.distance_function = falconn.DistanceFunction.EuclideanSquared",
            *(f"{parameters}.{name} = {n}" for name, n in (("l", 10), ("num_rotations", 1), ("seed", 1))),
            f"{parameters}.num_setup_threads = 1",
            f"{parameters}.storage_hash_table = falconn.StorageHashTable.BitPackedFlatHashTable",
            f"falconn.compute_number_of_hash_functions(9, {parameters})",
            f"falconn.LSHIndex({parameters})",
            f"{falconn}.setup({shown(X - CENTRE)})",
            f"{falconn}.construct_query_object()",
            f"{falconn}.construct_query_object().set_num_probes(300)",
            f"{falconn}.construct_query_object().find_k_nearest_neighbors({shown(Q[0] - CENTRE)}, 3)",
        ],
    )
    yield (
        "hnswlib",
        [
            f"hnswlib.Index(space={'ip' if metric == 'cosine' else 'l2'!r}, dim=4)",
            f"{hnsw}.init_index(max_elements=70, random_seed=1, M=8, ef_construction=200)",
            f"{hnsw}.set_num_threads(1)",
            f"{hnsw}.add_items({shown(X)}, num_threads=1)",
            f"{hnsw}.set_ef(800)",
            *(f"{hnsw}.knn_query({shown(queries)}, 3, num_threads=1)" for queries in (Q[0], Q)),
            f"{hnsw}.index_file_size()",
        ],
    )
    yield (
        "puffinn",
        [
            f"puffinn.Index('angular', 4, {1000 * 70 + X.nbytes}, hash_function='simhash', hash_source='pool')",
            *(f"puffinn.Index().insert({shown(x)})" for x in X),
            "puffinn.Index().rebuild()",
            f"puffinn.Index().search({shown(Q[0])}, 3, 0.99)",
        ],
    )
    yield (
        "pynndescent",
        [
            f"pynndescent.NNDescent({shown(X)}, metric={metric!r}, random_state=1, n_jobs=1, n_neighbors=15)",
            "pynndescent.NNDescent().prepare()",
            *(f"pynndescent.NNDescent().query({shown(queries)}, 3, 0.4)" for queries in (Q[:1], Q)),
        ],
    )
    steps = ["set_n_training_threads(1)", "tree(7, num_leaves_to_search=1, training_sample_size=70)"]
    steps += ["score_ah(2, anisotropic_quantization_threshold=0.2)", "reorder(100)", "build()"]
    lines = [
        f"scann.scann_ops_pybind.builder({shown(X)}, 10, {'dot_product' if metric == 'cosine' else 'squared_l2'!r})"
    ]
    for step in steps:
        lines.append(f"{scann}.{step}")
        scann = f"{scann}.{step.partition('(')[0]}()"
    setting = "final_num_neighbors=3, leaves_to_search=7, pre_reorder_num_neighbors=400"
    searches = [f"{scann}.search({shown(Q[0])}, {setting})", f"{scann}.search_batched({shown(Q)}, {setting})"]
    for name in ("scann", "scann-core"):
        yield name, [*lines, *searches]
    yield from _newer(metric)


def _newer(metric):
    """Return the calls of the graphs and cells over compressed vectors."""
    ip = metric == "cosine"
    graph, cells, means = (f"rabitqlib.{name}()" for name in ("SymqgIndex", "IvfIndex", "RaBitQKMeans"))
    yield (
        "symphonyqg",
        [
            "rabitqlib.SymqgIndex(dim=4, max_degree=32, metric='l2')",
            f"{graph}.build({shown(X)}, ef_construction=200, num_threads=1)",
            *(f"{graph}.search({shown(queries)}, k=3, num_threads=1, ef=400)" for queries in (Q[:1], Q)),
        ],
    )
    yield (
        "rabitqlib-ivf",
        [
            "rabitqlib.RaBitQKMeans(4, 8, num_threads=1)",
            f"{means}.train({shown(X)})",
            "rabitqlib.IvfIndex(dim=4, max_elements=70, num_clusters=8, nbits=32, metric='l2')",
            f"{cells}.build({shown(X)}, {means}.centroids, {means}.assignments, num_threads=1)",
            *(f"{cells}.search({shown(queries)}, k=3, num_threads=1, nprobe=8)" for queries in (Q[:1], Q)),
        ],
    )
    kind, searcher = "'IP'" if ip else "'L2'", "glass.Searcher()"
    given = f"data={shown(X)}, metric={kind}, quantizer='SQ8U', refine_quant='FP16'"
    yield (
        "glass",
        [
            "glass.set_num_threads(1)",
            f"glass.Index(index_type='HNSW', metric={kind}, quant='SQ8U', R=16, L=200)",
            f"glass.Index().build({shown(X)})",
            "glass.Index().build().save('/dev/fd/N')",
            f"glass.Searcher(graph=glass.Index().build(), {given})",
            *(f"{searcher}.{call}" for call in ("optimize(num_threads=1)", "set_ef(400)", f"search({shown(Q[0])}, 3)")),
        ],
    )
    halves = {name: shown(values.astype(np.float16)) for name, values in {"X": X, "q": Q[:1], "Q": Q}.items()}
    options = "graph_max_degree=32, alpha=1.2, window_size=128, max_candidate_pool_size=200"
    made = "svs.VamanaBuildParameters()", halves["X"], "distance_type=svs.DistanceType.L2", "num_threads=1"
    yield (
        "svs",
        [
            f"svs.VamanaBuildParameters({options})",
            f"svs.Vamana.build({', '.join(made)})",
            *(f"svs.Vamana.build().{name}" for name in ("num_threads = 1", "search_window_size = 400")),
            *(f"svs.Vamana.build().search({halves[name]}, 3)" for name in ("q", "Q")),
        ],
    )
    options = f"metric={'ip' if ip else 'l2sq'!r}, expansion_add=200, connectivity=16, dtype='f32'"
    yield (
        "usearch",
        [
            f"usearch.index.Index(ndim=4, {options})",
            f"usearch.index.Index().add({shown(np.arange(70))}, {shown(X)}, threads=1)",
            "usearch.index.Index().expansion_search = 640",
            *(f"usearch.index.Index().search({shown(queries)}, 3, threads=1)" for queries in (Q[0], Q)),
        ],
    )
    options = "num_dimensions=4, M=12, ef_construction=200, random_seed=1"
    space, storage = "InnerProduct" if ip else "Euclidean", "storage_data_type=voyager.StorageDataType.Float32"
    yield (
        "voyager",
        [
            f"voyager.Index(voyager.Space.{space}, {options}, {storage})",
            f"voyager.Index().add_items({shown(X)}, num_threads=1)",
            *(f"voyager.Index().query({shown(queries)}, k=3, num_threads=1, query_ef=640)" for queries in (Q[0], Q)),
        ],
    )


def filters(metric):
    """Yield the calls of each method with a filter, for its first build and its last search setting."""
    bits = np.packbits(ALLOWED, bitorder="little")
    for name, kind, setting, searched in (
        ("faiss-hnsw", "HNSW", "efSearch", f"{FACTORY}.hnsw.efSearch"),
        ("faiss-ivf-flat", "IVF", "nprobe", f"{FACTORY}.nprobe"),
    ):
        parameters = f"faiss.SearchParameters{kind}"
        calls = [f"faiss.IDSelectorBitmap({shown(bits)})"]
        calls += [f"{parameters}(sel=faiss.IDSelectorBitmap(), {setting}={searched})"]
        yield name, [*calls, f"{FACTORY}.search({shown(Q[:1])}, 3, params={parameters}())"]
    one = f"hnswlib.Index().knn_query({shown(Q[0])}, 3, num_threads=1, filter=<built-in method"
    yield "hnswlib", [one]


ALLOWED = np.arange(70) % 3 == 1


@pytest.mark.parametrize(("name", "calls"), list(filters("cosine")))
def test_each_library_is_asked_to_search_among_some_rows(name, calls, monkeypatch):
    made = []
    monkeypatch.setattr("benchmarks.methods.find_spec", lambda _: True)
    kind = methods.load(name)
    monkeypatch.setitem(sys.modules, kind.needs, Library(kind.needs, made))
    build = kind.builds(len(X))[0]
    method = kind(X, "cosine", **build)
    method.use(**kind.searches(len(X), build)[-1])
    made.clear()
    assert np.array_equal(method.filtered(ALLOWED)(Q[0], K), IDS[0])
    assert [call.partition(" method")[0] + (" method" if " method" in call else "") for call in made] == calls


@pytest.mark.parametrize("name", ["faiss-flat", "faiss-ivf-flat"])
@pytest.mark.parametrize(("metric", "kind", "limit"), [("cosine", 0, 0.75), ("euclidean", 1, 0.0625)])
def test_faiss_is_asked_for_inner_products_above_or_squares_below_a_limit(name, metric, kind, limit, monkeypatch):
    class Index:
        metric_type = kind

        def train(self, X):
            assert X.shape == (70, 4)

        add = train

        def range_search(self, queries, radius):
            return queries, radius

    made = {"METRIC_INNER_PRODUCT": 0, "METRIC_L2": 1, "omp_set_num_threads": id}
    library = SimpleNamespace(
        **made, index_factory=lambda dim, text, metric_type: Index() if metric_type == kind else None
    )
    monkeypatch.setattr("benchmarks.methods.find_spec", lambda _: True)
    monkeypatch.setitem(sys.modules, "faiss", library)
    method = methods.load(name)(X, metric, **({} if name == "faiss-flat" else {"cells": 8}))
    queries, given = method.within(0.25)(Q)
    assert (queries is Q, given) == (True, limit)
    assert methods.load("faiss-hnsw")(X, metric, M=8).within(0.25) is None


def test_hnswlib_is_asked_for_fewer_where_it_does_not_find_as_many(monkeypatch):
    class Index:
        def __getattr__(self, name):
            return lambda *_, **__: None

        def knn_query(self, q, k, num_threads, filter):  # noqa: A002
            found = [row for row in range(len(X)) if filter(row)]
            if len(found) < k:
                raise RuntimeError
            return np.array([found[:k]]), None

    monkeypatch.setattr("benchmarks.methods.find_spec", lambda _: True)
    monkeypatch.setitem(sys.modules, "hnswlib", SimpleNamespace(Index=lambda **_: Index()))
    method = methods.load("hnswlib")(X, "cosine", M=8)
    for rows in ([5, 9, 30, 60], [5, 9], [69]):
        allowed = np.zeros(70, bool)
        allowed[rows] = True
        assert list(method.filtered(allowed)(Q[0], K)) == rows[:K]
    assert method.filtered(np.zeros(70, bool))(Q[0], K) == []


@pytest.mark.parametrize("kind", ["LVQ8", "LVQ4x8"])
def test_svs_compresses_vectors_of_a_file(kind, monkeypatch):
    calls = []
    monkeypatch.setattr("benchmarks.methods.find_spec", lambda _: True)
    monkeypatch.setitem(sys.modules, "svs", Library("svs", calls))
    method = methods.load("svs")(X, "cosine", kind=kind, degree=32)
    method.use(window=10)
    method.search_batch(Q, K)
    file = calls[1].partition("'")[2].strip("')")
    codes = "primary=8" if kind == "LVQ8" else "primary=4, residual=8, strategy=svs.LVQStrategy.Turbo"
    given = "distance_type=svs.DistanceType.L2"
    assert calls[1:5] == [
        f"svs.write_vecs({shown(X)}, {file!r})",
        f"svs.VectorDataLoader({file!r}, svs.DataType.float32, dims=4)",
        f"svs.LVQLoader(svs.VectorDataLoader(), {codes}, padding=32)",
        f"svs.Vamana.build(svs.VamanaBuildParameters(), svs.LVQLoader(), {given}, num_threads=1)",
    ]
    assert calls[-1] == f"svs.Vamana.build().search({shown(Q)}, 3)"  # in float32


def test_svs_knows_intels_processors(tmp_path, monkeypatch):
    from benchmarks.methods import svs

    for text, expected in (("vendor_id : GenuineIntel\n", True), ("vendor_id : AuthenticAMD\n", False)):
        (tmp_path / "cpuinfo").write_text(text, encoding="utf-8")
        monkeypatch.setattr(svs, "Path", lambda path: tmp_path / "cpuinfo" if path == "/proc/cpuinfo" else None)
        assert svs._is_intel() is expected
    monkeypatch.setattr(svs, "Path", lambda _: tmp_path / "missing")
    assert svs._is_intel() is False


OURS = ("exact", "lsh-crosspolytopes", "lsh-graph", "lsh-sketch", "lsh-tables", "numpy")
CALLS = {(name, metric): calls for metric in ("cosine", "euclidean") for name, calls in expected(metric)}
assert {name for name, _ in CALLS} | set(OURS) == set(methods.names())


@pytest.mark.parametrize(("name", "metric"), [case for case in CALLS if case != ("puffinn", "euclidean")])
def test_each_library_is_asked_for_what_its_method_says(name, metric, monkeypatch):
    calls = []
    monkeypatch.setattr("benchmarks.methods.find_spec", lambda _: True)
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    kind = methods.load(name)
    monkeypatch.setattr("benchmarks.methods.svs._is_intel", lambda: False)
    monkeypatch.setitem(sys.modules, kind.needs, library := Library(kind.needs, calls))
    monkeypatch.setitem(sys.modules, f"{kind.needs}.index", library.index)
    assert metric in kind.metrics
    kind.prepare()
    build = kind.builds(len(X))[0]
    method = kind(X, metric, **build)
    method.use(**kind.searches(len(X), build)[-1])
    assert np.array_equal(method.search_one(Q[0], K), IDS[0])
    batch = method.search_batch(Q, K)
    assert batch is None or np.array_equal(batch, IDS)
    assert method.nbytes() in {None, 7}
    assert [re.sub(r"/dev/fd/\d+", "/dev/fd/N", call) for call in calls] == CALLS[name, metric]


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("name", OURS)
def test_our_methods_find_the_nearest_at_their_largest_setting(name, metric):
    kind = methods.load(name)
    build = kind.builds(len(X))[0]
    rows, queries = (v / np.linalg.norm(v, axis=1, keepdims=True) if metric == "cosine" else v for v in (X, Q))
    method = kind(rows, metric, **build)
    method.use(**kind.searches(len(X), build)[-1])
    expected = exact_search(rows, queries, K, metric).ids
    allowed = method.filtered(ALLOWED)
    if allowed is not None:
        among = np.flatnonzero(ALLOWED)[exact_search(rows[ALLOWED], queries, K, metric).ids]
        np.testing.assert_array_equal([allowed(q, K) for q in queries], among)
    assert (allowed is None) == (name in {"lsh-graph", "numpy"})
    radius = float(np.median(exact_search(rows, queries, K, metric).distances))
    within = method.within(radius)
    assert (within is None) == (name in {"lsh-graph", "numpy"})
    if within is not None:
        for found, true in zip(within(queries), ExactSearch(rows, metric).range_search(queries, radius), strict=True):
            np.testing.assert_array_equal(found, true)
    assert method.nbytes() == (70 * 4 if name == "numpy" else method.index.nbytes)
    np.testing.assert_array_equal(method.search_batch(queries, K), expected)
    np.testing.assert_array_equal([method.search_one(q, K) for q in queries], expected)


RECORDED = Path(__file__).with_name("recorded_settings.json")


def grids(n):
    """Return the settings of every method for n vectors, as the values of each parameter of each build."""
    found = {}
    for name in methods.names():
        kind = methods.load(name)
        found[name] = [
            {"build": build, "n": len(searches := kind.searches(n, build))}
            | {key: list(dict.fromkeys(search[key] for search in searches)) for key in searches[0]}
            for build in kind.builds(n)
        ]
    return found


def test_the_settings_are_those_that_are_recorded(monkeypatch):
    """After a change that is meant: EARSHOT_WRITE_SNAPSHOTS=1 python -m pytest tests/benchmarks/test_methods.py."""
    monkeypatch.setattr("benchmarks.methods.find_spec", lambda _: True)
    monkeypatch.setattr("benchmarks.methods.svs._is_intel", lambda: True)
    found = {str(n): grids(n) for n in (40, 20_758, 500_000)}
    if os.environ.get("EARSHOT_WRITE_SNAPSHOTS") == "1":
        RECORDED.write_text(json.dumps(found, separators=(",", ":")).replace('"},"', '"},\n"') + "\n", encoding="utf-8")
    assert found == json.loads(RECORDED.read_text(encoding="utf-8"))


def test_up_to_50_000_vectors_are_few(monkeypatch):
    monkeypatch.setattr("benchmarks.methods.find_spec", lambda _: True)
    monkeypatch.setattr("benchmarks.methods.svs._is_intel", lambda: True)
    for name in methods.names():
        kind = methods.load(name)
        numbers = {n: len(kind.builds(n)) for n in (20_758, 50_000, 50_001, 500_000)}
        assert (numbers[50_000], numbers[50_001]) == (numbers[20_758], numbers[500_000]), name


def test_keys_of_hash_tables_have_a_bit_more_than_the_vectors_need_from_8_to_24():
    kind = methods.load("lsh-tables")
    assert [kind.builds(n)[0]["n_bits"] for n in (12, 90, 182, 20_758, 10**7, 10**9)] == [8, 8, 9, 15, 24, 24]


def test_other_libraries_have_as_many_settings_as_ours_or_all_that_change_anything(monkeypatch):
    monkeypatch.setattr("benchmarks.methods.find_spec", lambda _: True)
    monkeypatch.setattr("benchmarks.methods.svs._is_intel", lambda: True)  # elsewhere fewer kinds run
    kinds = {name: methods.load(name) for name in methods.names() if name not in {"exact", "numpy", "faiss-flat"}}
    counts = {name: sum(len(kind.searches(20_758, b)) for b in kind.builds(20_758)) for name, kind in kinds.items()}
    ours = {name: counts.pop(name) for name in (*methods.LSH, "lsh-crosspolytopes", "lsh-graph")}
    assert min(counts["hnswlib"], counts["scann"], counts["scann-core"]) > 0.9 * max(ours.values())
    few = {name for name, count in counts.items() if count < ours["lsh-tables"]}
    assert few <= {
        "puffinn",
        "pynndescent",
        "faiss-lsh",
        "rabitqlib-ivf",
        "faiss-ivf-flat",
    }  # one number, in small steps
