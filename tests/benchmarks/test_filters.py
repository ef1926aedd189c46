"""The benchmark of filtered searches: what is measured, and what is marked."""

import re

import numpy as np
import pytest

from benchmarks.errors import MethodError
from benchmarks.filters import __main__ as benchmark
from benchmarks.filters.__main__ import SHARES, filters, is_below, main, measure
from benchmarks.methods import load


def test_filters_are_random_have_a_label_or_are_farthest_of_about_each_share(root):
    folder, rng = str(root / "data" / "sample"), np.random.default_rng(0)
    dataset = benchmark.open_dataset(folder)
    X, Q = (np.asarray(dataset.features(split)[:]) for split in ("train", "test"))
    found = list(filters(folder, X, Q, "euclidean"))
    for kind in ("random", "farthest"):
        sizes = [one.allowed.sum() for one in found if one.kind == kind]
        assert sizes == [max(1, round(share * len(X))) for share in SHARES]
    labels = [one for one in found if one.kind.startswith("label ")]
    assert len({one.kind for one in labels}) == len(labels) > 1
    for one in labels:
        label = dataset.label_names.index(one.kind.removeprefix("label "))
        assert np.array_equal(np.flatnonzero(one.allowed), dataset.rows_with_label("train", label))
    away = ((X - Q.mean(axis=0)) ** 2).sum(axis=1)
    for one in found:
        if one.kind == "farthest":
            assert away[one.allowed].min() >= away[~one.allowed].max()
    assert all(not one.kind.startswith("label") for one in filters("like:9", X, rng.permutation(Q), "cosine"))


@pytest.mark.parametrize("name", ["exact", "lsh-sketch", "lsh-tables", "faiss-ivf-flat", "faiss-hnsw", "hnswlib"])
def test_a_method_with_a_filter_finds_the_allowed_vectors_alone(name):
    try:
        method = load(name)
    except MethodError as error:
        pytest.skip(str(error))
    rng = np.random.default_rng(0)
    X = rng.standard_normal((400, 8)).astype(np.float32)
    index = method(X, "euclidean", **benchmark.builds(400)[name])
    index.use(**method.searches(400, benchmark.builds(400)[name])[-1])
    allowed = rng.random(400) < 0.3
    found = measure([index.filtered(allowed), index.search_one], X, X[:20], "euclidean", allowed, 1)
    assert found[0].recalls.mean() > 0.9
    assert found[1].recalls.mean() < 0.6  # most of what it finds is not allowed
    assert min(one.microseconds for one in found) > 0


def test_a_mean_is_below_another_by_two_standard_errors_of_the_differences():
    before = np.random.default_rng(0).random(100)
    noise = np.random.default_rng(1).standard_normal(100)
    noise -= noise.mean()
    error = noise.std(ddof=1) / 10
    assert not is_below(before + noise - 1.99 * error, before)
    assert is_below(before + noise - 2.01 * error, before)
    assert not is_below(before, before)


def test_the_command_prints_a_row_per_filter_and_says_what_it_leaves_out(root, capsys, monkeypatch):
    monkeypatch.setattr(benchmark, "builds", lambda n: {"exact": {}, "lsh-sketch": {"n_buckets": 8}, "numpy": {}})
    assert main([str(root / "data" / "sample"), "--queries", "10", "--rounds", "1"]) == 0
    out = capsys.readouterr().out
    assert "- numpy: not measured: its Python package has no filter for searches" in out
    rows = re.findall(r"^\| (none|random|farthest|label [^|]*) +\|", out, re.MULTILINE)
    assert rows.count("random") == rows.count("farthest") == 2 * len(SHARES)
    assert rows.count("none") == 2
    recalls = re.findall(r"^\| random +\| [^|]* \| +(\S+) \|", out, re.MULTILINE)[: len(SHARES)]
    assert recalls == ["1.000"] * len(SHARES)  # of exact search
