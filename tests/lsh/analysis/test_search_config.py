"""Search configurations as Python, shell options and words."""

import numpy as np
import pytest

from lsh import ExactSearch, GraphIndex, LSHIndex, SketchIndex
from lsh.__main__ import _parser
from lsh.analysis.search_config import SearchConfig
from lsh.arguments import search_config

CONFIGS = [
    SearchConfig.exact("cosine"),
    SearchConfig("sketches", "euclidean", {"n_buckets": 16, "seed": 0}, {"n_probes": 5, "n_reranked": 25}),
    SearchConfig("sketches", "cosine", {"n_buckets": 1, "seed": 0}, {"n_probes": 1, "n_reranked": 25}),
    SearchConfig(
        "sketches", "cosine", {"n_buckets": 8, "seed": 0, "family": "hyperplanes"}, {"n_probes": 2, "n_reranked": 9}
    ),
    SearchConfig("graph", "euclidean", {"seed": 0}, {"n_kept": 30}),
    SearchConfig.tables("cosine", 0, {}, {"n_tables": 4, "n_bits": 6, "n_probes": 2}),
    SearchConfig.tables("euclidean", 0, {}, {"n_tables": 40, "n_bits": 30, "n_probes": 1}),
    SearchConfig.tables(
        "euclidean",
        0,
        {"family": "hyperplanes", "sketches": True},
        {"n_tables": 4, "n_bits": 6, "n_probes": 1, "n_reranked": 12},
    ),
]


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_the_options_of_a_configuration_select_it_on_the_command_line(config):
    options = _parser().parse_args(["evaluate", "somewhere", *config.options().split()])
    assert search_config(options, options.metric, 500) == config


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_the_lines_of_python_build_and_search_as_the_configuration_does(config):
    rng = np.random.default_rng(0)
    names = {"X": rng.standard_normal((500, 6)), "Q": rng.standard_normal((20, 6))}
    exec(config.python(7), names)  # noqa: S102
    index = config.fit(names["X"])
    assert type(names["index"]) is type(index)
    assert names["found"].ids.tolist() == config.search(index, names["Q"], 7).ids.tolist()


def test_each_kind_is_an_index_of_its_own_class():
    X = np.random.default_rng(0).standard_normal((50, 4))
    assert [type(config.fit(X)) for config in CONFIGS] == [ExactSearch, *3 * [SketchIndex], GraphIndex, *3 * [LSHIndex]]


def test_tables_are_built_as_large_as_the_apps_and_larger_where_a_search_needs_it():
    few, many = CONFIGS[5], CONFIGS[6]
    assert (few.build["n_tables"], few.build["n_bits"]) == (32, 24)
    assert (many.build["n_tables"], many.build["n_bits"]) == (40, 30)


@pytest.mark.parametrize("options", [{}, {"family": "hyperplanes", "centre": False, "bucket_width": 2.0}])
def test_the_configuration_of_a_built_index_builds_the_same_index(options):
    X, setting = np.random.default_rng(0).standard_normal((50, 4)), {"n_tables": 2, "n_bits": 5, "n_probes": 1}
    index = LSHIndex("euclidean", 3, 24, seed=7, **options).fit(X)
    config = SearchConfig.from_index(index, setting)
    assert config.build == {"n_tables": 3, "n_bits": 24, "seed": 7, **options}
    assert config.fit(X).params == index.params
    assert config.setting == setting


def test_a_configuration_is_written_in_words():
    assert [str(config) for config in CONFIGS] == [
        "exact search",
        "sketches in 16 k-means buckets, 5 probed, 25 re-ranked",
        "a scan of all sketches, 25 re-ranked",
        "sketches in 8 hyperplane buckets, 2 probed, 9 re-ranked",
        "a graph, 30 nodes kept",
        "hash tables, L = 4, K = 6, 2 probes per table",
        "hash tables, L = 40, K = 30",
        "hash tables of hyperplanes, L = 4, K = 6, 12 re-ranked",
    ]
