import numpy as np
import pytest

from lsh import ExactSearch, LSHIndex, SketchIndex
from lsh.__main__ import _parser
from lsh.analysis.search_config import Way
from lsh.arguments import way as way_of

WAYS = [
    Way.exact("cosine"),
    Way("sketches", "euclidean", {"n_buckets": 16, "seed": 0}, {"n_probes": 5, "n_reranked": 25}),
    Way("sketches", "cosine", {"n_buckets": 1, "seed": 0}, {"n_probes": 1, "n_reranked": 25}),
    Way("sketches", "cosine", {"n_buckets": 8, "seed": 0, "family": "hyperplanes"}, {"n_probes": 2, "n_reranked": 9}),
    Way.tables("cosine", 0, {}, {"n_tables": 4, "n_bits": 6, "n_probes": 2}),
    Way.tables("euclidean", 0, {}, {"n_tables": 40, "n_bits": 30, "n_probes": 1}),
    Way.tables(
        "euclidean",
        0,
        {"family": "hyperplanes", "sketches": True},
        {"n_tables": 4, "n_bits": 6, "n_probes": 1, "n_reranked": 12},
    ),
]


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_the_options_of_a_way_name_it_to_the_command_line(way):
    options = _parser().parse_args(["evaluate", "somewhere", *way.options().split()])
    assert way_of(options, options.metric, 500) == way


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_the_lines_of_python_build_and_search_in_the_same_way(way):
    rng = np.random.default_rng(0)
    names = {"X": rng.standard_normal((500, 6)), "Q": rng.standard_normal((20, 6))}
    exec(way.python(7), names)  # noqa: S102
    index = way.fit(names["X"])
    assert type(names["index"]) is type(index)
    assert names["found"].ids.tolist() == way.search(index, names["Q"], 7).ids.tolist()


def test_each_kind_is_an_index_of_its_own_class():
    X = np.random.default_rng(0).standard_normal((50, 4))
    assert [type(way.fit(X)) for way in WAYS] == [ExactSearch, *3 * [SketchIndex], *3 * [LSHIndex]]


def test_tables_are_built_as_large_as_the_apps_and_larger_where_a_search_needs_it():
    few, many = WAYS[4], WAYS[5]
    assert (few.build["n_tables"], few.build["n_bits"]) == (32, 24)
    assert (many.build["n_tables"], many.build["n_bits"]) == (40, 30)


def test_a_way_is_said_in_words():
    assert [str(way) for way in WAYS] == [
        "exact search",
        "sketches in 16 k-means buckets, 5 probed, 25 re-ranked",
        "a plain scan of all sketches, 25 re-ranked",
        "sketches in 8 hyperplane buckets, 2 probed, 9 re-ranked",
        "hash tables, L = 4, K = 6, 2 probes a table",
        "hash tables, L = 40, K = 30",
        "hash tables of hyperplanes, L = 4, K = 6, 12 re-ranked",
    ]
