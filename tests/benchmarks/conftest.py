"""Fixtures of the benchmarks: small collections and problems."""

import gc
import json

import numpy as np
import pytest

from benchmarks.__main__ import main
from benchmarks.errors import MethodError
from benchmarks.peers import measure
from benchmarks.peers.worker import Worker
from lsh.errors import LSHError
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


class WorkerHere:
    """A worker in this process, which starts at once; it writes down what it is asked, and whether it has ended."""

    made: list

    def __init__(self, library, *, numpy_blas):
        self.library, self.numpy_blas, self.asked, self.ended = library, numpy_blas, [], False
        self._worker = Worker()
        self.made.append(self)

    def call(self, name, *arguments):
        self.asked.append((name, *arguments))
        assert not self.ended
        try:
            return getattr(self._worker, name)(*arguments)
        except (TypeError, ImportError, LSHError) as error:
            raise MethodError(f"{type(error).__name__}: {error}") from error
        finally:
            gc.enable()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        self.ended = True


@pytest.fixture
def workers(monkeypatch):
    """Let methods be measured in this process; return the list of workers, to which each that is made is added."""
    monkeypatch.setattr(measure, "WorkerProcess", WorkerHere)
    monkeypatch.setattr(WorkerHere, "made", [], raising=False)
    return WorkerHere.made


@pytest.fixture
def run(capsys):
    return runner(main, capsys)


@pytest.fixture(scope="session")
def measured(arrays, tmp_path_factory):
    """Return the file with the results of one small run, measured once for all tests."""
    out = tmp_path_factory.mktemp("results") / "results.json"
    options = {"--dataset": arrays, "--methods": "lsh-tables,exact,numpy", "--metric": "euclidean", "--rounds": "2"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measure, "WorkerProcess", WorkerHere)
        patch.setattr(WorkerHere, "made", [], raising=False)
        assert main([part for pair in options.items() for part in pair] + ["--out", str(out), "--json"]) == 0
    assert json.loads(out.read_text(encoding="utf-8"))["points"]
    return out
