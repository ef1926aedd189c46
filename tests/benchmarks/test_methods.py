"""The methods of other libraries, which are not installed here: what each is asked for, call by call."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import methods
from lsh import exact_search

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
            "query": (IDS[:n], DISTANCES[:n]),
            "search_batched": (IDS[:n], DISTANCES[:n]),
            "serialize_index": bytes(X.nbytes + 7),
            "index_file_size": X.nbytes + 7,
        }
        if name == "search":
            return {"faiss": (DISTANCES[:n], IDS[:n]), "scann": (IDS[0], DISTANCES[0]), "puffinn": IDS[0]}[
                self.name.partition(".")[0]
            ]
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
            f"{annoy}.build(50, n_jobs=1)",
            f"{annoy}.get_nns_by_vector({shown(Q[0])}, 3, 200000)",
        ],
    )
    yield "faiss-flat", by_faiss(FACTORY, f"faiss.index_factory(4, 'Flat', {kind})", use="")
    yield (
        "faiss-hnsw",
        by_faiss(FACTORY, f"faiss.index_factory(4, 'HNSW16,Flat', {kind})", use=f"{FACTORY}.hnsw.efSearch = 480"),
    )
    yield (
        "faiss-ivf-flat",
        by_faiss(FACTORY, f"faiss.index_factory(4, 'IVF16,Flat', {kind})", use=f"{FACTORY}.nprobe = 16"),
    )
    yield (
        "faiss-rabitq",
        by_faiss(
            FACTORY,
            f"faiss.index_factory(4, 'IVF16,RaBitQfs,RFlat', {kind})",
            use=f"faiss.extract_index_ivf({FACTORY}.base_index); faiss.extract_index_ivf().nprobe = 16; "
            f"{FACTORY}.k_factor = 20",
        ),
    )
    yield (
        "faiss-lsh",
        by_faiss(
            refined,
            "faiss.IndexLSH(4, 256)",
            "faiss.IndexRefineFlat(faiss.IndexLSH())",
            use=f"{refined}.k_factor = 100",
            moved=moved,
        ),
    )
    yield (
        "falconn",
        [
            "falconn.LSHConstructionParameters()",
            *(f"{parameters}.dimension = 4", f"{parameters}.lsh_family = falconn.LSHFamily.CrossPolytope"),
            f"{parameters}.distance_function = falconn.DistanceFunction.EuclideanSquared",
            *(f"{parameters}.{name} = {n}" for name, n in (("l", 15), ("num_rotations", 1), ("seed", 1))),
            f"{parameters}.num_setup_threads = 1",
            f"{parameters}.storage_hash_table = falconn.StorageHashTable.BitPackedFlatHashTable",
            f"falconn.compute_number_of_hash_functions(10, {parameters})",
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
            f"{hnsw}.init_index(max_elements=70, random_seed=1, M=16, ef_construction=200)",
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
            f"puffinn.Index('angular', 4, {1500 * 70 + X.nbytes}, hash_function='simhash', hash_source='pool')",
            *(f"puffinn.Index().insert({shown(x)})" for x in X),
            "puffinn.Index().rebuild()",
            f"puffinn.Index().search({shown(Q[0])}, 3, 0.99)",
        ],
    )
    yield (
        "pynndescent",
        [
            f"pynndescent.NNDescent({shown(X)}, metric={metric!r}, random_state=1, n_jobs=1, n_neighbors=30)",
            "pynndescent.NNDescent().prepare()",
            *(f"pynndescent.NNDescent().query({shown(queries)}, 3, 0.4)" for queries in (Q[:1], Q)),
        ],
    )
    steps = ["set_n_training_threads(1)", "tree(10, num_leaves_to_search=1, training_sample_size=70)"]
    steps += ["score_ah(2, anisotropic_quantization_threshold=0.2)", "reorder(100)", "build()"]
    lines = [
        f"scann.scann_ops_pybind.builder({shown(X)}, 10, {'dot_product' if metric == 'cosine' else 'squared_l2'!r})"
    ]
    for step in steps:
        lines.append(f"{scann}.{step}")
        scann = f"{scann}.{step.partition('(')[0]}()"
    setting = "final_num_neighbors=3, leaves_to_search=8, pre_reorder_num_neighbors=1000"
    yield (
        "scann",
        [*lines, f"{scann}.search({shown(Q[0])}, {setting})", f"{scann}.search_batched({shown(Q)}, {setting})"],
    )


OURS = ("exact", "lsh-crosspolytopes", "lsh-sketch", "lsh-tables", "numpy")
CALLS = {(name, metric): calls for metric in ("cosine", "euclidean") for name, calls in expected(metric)}
assert {name for name, _ in CALLS} | set(OURS) == set(methods.names())


@pytest.mark.parametrize(("name", "metric"), [case for case in CALLS if case != ("puffinn", "euclidean")])
def test_each_library_is_asked_for_what_its_method_says(name, metric, monkeypatch):
    calls = []
    monkeypatch.setattr("benchmarks.methods.find_spec", lambda _: True)
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    kind = methods.load(name)
    monkeypatch.setitem(sys.modules, kind.needs, Library(kind.needs, calls))
    assert metric in kind.metrics
    kind.prepare()
    build = kind.builds(len(X))[0]
    method = kind(X, metric, **build)
    method.use(**kind.searches(len(X), build)[-1])
    assert np.array_equal(method.search_one(Q[0], K), IDS[0])
    batch = method.search_batch(Q, K)
    assert batch is None or np.array_equal(batch, IDS)
    assert method.nbytes() in {None, 7}
    assert calls == CALLS[name, metric]


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("name", OURS)
def test_our_methods_find_the_nearest_at_their_largest_setting(name, metric):
    kind = methods.load(name)
    build = kind.builds(len(X))[0]
    rows, queries = (v / np.linalg.norm(v, axis=1, keepdims=True) if metric == "cosine" else v for v in (X, Q))
    method = kind(rows, metric, **build)
    method.use(**kind.searches(len(X), build)[-1])
    expected = exact_search(rows, queries, K, metric).ids
    np.testing.assert_array_equal(method.search_batch(queries, K), expected)
    np.testing.assert_array_equal([method.search_one(q, K) for q in queries], expected)


TITLES = {name: f"`{name}`" for name in ("lsh-sketch", "lsh-tables", "lsh-crosspolytopes")} | {
    "faiss-rabitq": "FAISS IVF-RaBitQ",
    "faiss-ivf-flat": "FAISS IVF-Flat",
    "faiss-hnsw": "FAISS HNSW",
    "faiss-lsh": "FAISS IndexLSH",
    "scann": "ScaNN",
    "falconn": "FALCONN",
    "hnswlib": "hnswlib",
    "puffinn": "PUFFINN",
    "annoy": "Annoy",
    "pynndescent": "PyNNDescent",
}
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


def test_the_settings_are_those_of_the_published_comparison(root, monkeypatch):
    """After a change that is meant: EARSHOT_WRITE_SNAPSHOTS=1 python -m pytest tests/benchmarks/test_methods.py."""
    monkeypatch.setattr("benchmarks.methods.find_spec", lambda _: True)
    found = {str(n): grids(n) for n in (40, 20_758, 500_000)}
    if os.environ.get("EARSHOT_WRITE_SNAPSHOTS") == "1":
        RECORDED.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    assert found == json.loads(RECORDED.read_text(encoding="utf-8"))
    text = " ".join((root / "docs" / "BENCHMARKS.md").read_text(encoding="utf-8").split())
    for name, title in TITLES.items():
        builds = found["20758"][name]
        assert f"{title} {sum(build['n'] for build in builds)} in {len(builds)}" in text
