"""The plug-in for ann-benchmarks: as its runner loads and calls it, with every setting of its configuration."""

import importlib
import itertools
import shutil
import sys

import numpy as np
import pytest

from lsh import exact_search

BASE = """
class BaseANN:
    def get_batch_results(self):
        return self.res
"""


@pytest.fixture
def algorithms(root, tmp_path, monkeypatch):
    """Return the name of a package with the plug-in and the base class of ann-benchmarks, and the configuration."""
    yaml = pytest.importorskip("yaml")
    folder = tmp_path / "ann_benchmarks_copy"
    (folder / "base").mkdir(parents=True)
    (folder / "base" / "module.py").write_text(BASE, encoding="utf-8")
    shutil.copytree(root / "deploy" / "ann-benchmarks", folder / "earshot")
    monkeypatch.syspath_prepend(tmp_path)
    yield folder.name, yaml.safe_load((folder / "earshot" / "config.yml").read_text(encoding="utf-8"))
    for name in [name for name in sys.modules if name.startswith(folder.name)]:
        del sys.modules[name]


@pytest.mark.parametrize("metric", ["angular", "euclidean"])
def test_every_setting_of_the_configuration_is_searched(algorithms, metric):
    package, config = algorithms
    module = importlib.import_module(f"{package}.earshot.module")
    X = np.random.default_rng(0).standard_normal((400, 8))
    true = exact_search(X, X[:20], 5, {"angular": "cosine"}.get(metric, metric)).ids
    names = []
    for entry in config["float"]["any"]:
        assert entry["module"] == "ann_benchmarks.algorithms.earshot"
        assert not entry["disabled"]
        (group,) = entry["run_groups"].values()
        for build in itertools.product(*group["args"]):
            given = [metric if value == "@metric" else value for value in entry["base_args"]]
            method = getattr(module, entry["constructor"])(*given, *build)
            method.fit(X)
            for setting in itertools.product(*group["query_args"]):
                method.set_query_arguments(*setting)
                method.batch_query(X[:20], 5)
                batch = method.get_batch_results()
                assert [method.query(q, 5).tolist() for q in X[:20]] == [ids.tolist() for ids in batch]
                assert all(ids.min() >= 0 for ids in batch)
                names.append(method.name)
        # the last setting looks at most
        assert np.mean([len(np.intersect1d(a, b)) / 5 for a, b in zip(batch, true, strict=True)]) > 0.9
    assert len(set(names)) == len(names) == 3 * 15 + 3 * 12
