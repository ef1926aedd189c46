"""Fixtures that every test may use."""

import fcntl
import gc
import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# A busy machine draws slowly, which says nothing about the code: no test here is timed.
settings.register_profile("earshot", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("earshot")

# Threads of BLAS that wait for each other keep a processor busy, and other workers have work for it. What more threads
# could change, tests/lsh/storage/test_reproducible.py tries. NumPy, which reads this once, is not imported yet.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

ROOT = Path(__file__).resolve().parent.parent


NO_TENSORFLOW = importlib.util.find_spec("tensorflow") is None


def pytest_configure() -> None:
    """Let processes that tests start receive Ctrl-C, even where pytest runs in the background, which ignores it.

    They may keep what Python compiles, too: hundreds of them import large packages, some of which take it a second.
    """
    sys.dont_write_bytecode = False
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip the tests that need TensorFlow where it is not installed, as on Python 3.14; let workers begin with LONG."""
    skip = pytest.mark.skipif(NO_TENSORFLOW, reason="TensorFlow is not installed: it has no release for this Python")
    for item in items:
        if item.get_closest_marker("tensorflow"):
            item.add_marker(skip)
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: unit_of(item.nodeid) not in LONG)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Leave the million objects of the tests and of what they import out of all garbage collections."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()


# Tests that share something costly by the start of their paths: a browser and a server, the import of TensorFlow, a run
# of the measurements, the syntax trees of all modules.
GROUPS = {
    "browser": ("tests/browser/",),
    "tensorflow": (
        "tests/data_prep/audioset/",
        "tests/data_prep/test_command_line.py",
        "tests/benchmarks/test_synthetic_archive.py",
        "tests/tools/test_tutorial.py",
    ),
    "answers": ("tests/benchmarks/answers/",),
    "sources": ("tests/meta/",),
}

# Units that take longest: were one of them begun late, a worker would run it alone at the end.
LONG = {*GROUPS, "tests/lsh/storage/test_invalid_files.py", "tests/ui/recomputed/test_recomputed.py"}


def unit_of(nodeid: str) -> str:
    """Return the unit of tests, run by one worker, to which a test belongs: its group, or its file."""
    groups = (name for name, starts in GROUPS.items() if nodeid.startswith(starts))
    return next(groups, nodeid.partition("::")[0])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Distribute whole units to the workers. (The marker xdist_group has no effect with pytest 9.2, xdist 3.8.)"""
    from xdist.scheduler import LoadScopeScheduling

    class Units(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return unit_of(nodeid)

    return Units(config, log)


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the repository's own folder."""
    return ROOT


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder with real AudioSet files, or skip and say so."""
    folder = Path(os.environ.get("EARSHOT_TEST_DATA", ROOT.parent / "shared")).resolve()
    if not (folder / "audioset" / "features.tar.gz").is_file():
        pytest.skip(f"real AudioSet features are not at {folder}: set EARSHOT_TEST_DATA to test on them")
    return folder


@pytest.fixture(scope="session")
def real_dataset(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return real AudioSet as a prepared dataset with frames, converted once for all workers of a run."""
    if NO_TENSORFLOW:
        pytest.skip("AudioSet is converted by TensorFlow, which is not installed")
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    audioset, out = real_data / "audioset", folder / "audioset"
    lists = [audioset / "balanced_train_segments.csv", audioset / "eval_segments.csv"]
    labels, ontology = audioset / "class_labels_indices.csv", audioset / "ontology.json"
    command = [sys.executable, "-m", "data_prep", "convert", "--features", audioset / "features.tar.gz"]
    command += ["--labels", labels, "--ontology", ontology, "--segments", *lists, "--frames", "--out", out]
    with (folder / "audioset.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not out.exists():
            subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
    return out


@pytest.fixture
def yamnet_here(real_data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the code find YAMNet in the test data, or skip."""
    monkeypatch.setenv("EARSHOT_MODELS", str(real_data / "models"))
    return real_data / "models"
