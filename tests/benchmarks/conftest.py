import json

import numpy as np
import pytest

from benchmarks.__main__ import main
from tests.commands import runner


@pytest.fixture(scope="session")
def arrays(tmp_path_factory):
    """Return two files: 400 vectors in ten clusters, two of them equal, and 30 queries."""
    folder = tmp_path_factory.mktemp("arrays")
    rng = np.random.default_rng(0)
    centres = 2 * rng.standard_normal((10, 16))
    X = (centres[rng.integers(0, 10, 400)] + rng.standard_normal((400, 16))).astype(np.float32)
    X[7] = X[8]
    np.save(folder / "base.npy", X)
    np.save(folder / "queries.npy", (centres[rng.integers(0, 10, 30)] + rng.standard_normal((30, 16))))
    return f"{folder / 'base.npy'},{folder / 'queries.npy'}"


@pytest.fixture
def run(capsys):
    return runner(main, capsys)


@pytest.fixture(scope="session")
def measured(arrays, tmp_path_factory):
    """Return the file with the results of one small run, measured once for all tests."""
    out = tmp_path_factory.mktemp("results") / "results.json"
    options = {"--dataset": arrays, "--methods": "lsh-tables,exact,numpy", "--metric": "euclidean", "--rounds": "2"}
    assert main([part for pair in options.items() for part in pair] + ["--out", str(out), "--json"]) == 0
    assert json.loads(out.read_text(encoding="utf-8"))["points"]
    return out
