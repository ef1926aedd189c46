"""Fixtures of all tests of the app: no stored times, kernels as if compiled."""

import json
import shutil
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from data_prep.dataset import Dataset, open_dataset
from data_prep.dataset.schema import About, ClipBatch, Label
from data_prep.dataset.writer import write_dataset
from data_prep.sample.synth import KINDS
from lsh.analysis import timing
from ui import paths
from ui.model import lens, stopwatch
from ui.pages.tune import time_grid
from ui.server import kernels

ROWS = {"train": 400, "validation": 40, "test": 30}
_MAIN = sys.modules["__main__"]


@pytest.fixture(autouse=True)
def main_module() -> Iterator[None]:
    """Restore `__main__`, which AppTest replaces by a page; processes spawned later would run that page."""
    yield
    sys.modules["__main__"] = _MAIN


@pytest.fixture(scope="session", autouse=True)
def _installed_packages_are_searched_once() -> Iterator[None]:
    """Search the installed packages for components once: each AppTest does, for as long as it draws a page."""
    with pytest.MonkeyPatch.context() as patch:
        found = lru_cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", found)
        yield


@pytest.fixture(autouse=True)
def _no_stored_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure times anew in each test, in few rounds, and store them nowhere."""
    monkeypatch.setattr(timing, "_ROUNDS", 1)
    monkeypatch.setattr(time_grid, "ROUNDS", 2)
    monkeypatch.setattr(time_grid, "BUDGET_S", 0.05)
    monkeypatch.setattr(time_grid, "MIN_QUERIES", 3)
    monkeypatch.setattr(stopwatch, "CACHE_FOLDER", None)
    stopwatch.shared.clear()


@pytest.fixture(autouse=True)
def _kernels_are_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start no compiling process: kernels that are not cached are compiled where a test uses them."""
    monkeypatch.setattr(kernels, "is_warm", lambda: True)


@pytest.fixture(autouse=True)
def _collections_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show what LSH finds in the small collections of the tests, too, and forget what another test decided."""
    monkeypatch.setattr(lens, "SMALL", 0)
    lens._is_exact_as_fast.clear()


@pytest.fixture(scope="session")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a prepared dataset of 470 synthesised clips of five kinds; each kind is a cluster of features."""
    rng = np.random.default_rng(3)
    total, kinds = sum(ROWS.values()), list(KINDS)[:5]
    kind = rng.integers(0, len(kinds), total)
    clips = ClipBatch(
        clip_id=[f"{kinds[k]}-{i:05d}" for i, k in enumerate(kind)],
        split=[split for split, count in ROWS.items() for _ in range(count)],
        media=[json.dumps({"kinds": [kinds[k]], "seed": i}) for i, k in enumerate(kind)],
        start_s=np.zeros(total),
        end_s=np.full(total, 2.5),
        labels=[[int(k)] for k in kind],
        n_frames=np.ones(total, np.int64),
        features=(rng.standard_normal((len(kinds), 16))[kind] + 0.5 * rng.standard_normal((total, 16))).astype(
            np.float32
        ),
    )
    labels = [Label(f"/m/{name}", f"{name} *[x](http://elsewhere.example/)*") for name in kinds]
    out = tmp_path_factory.mktemp("made") / "sample"
    write_dataset(out, About(title="Five kinds", source="a test", licence="none", media="synth"), labels, [clips])
    return out


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder in which the app looks for prepared datasets; empty."""
    monkeypatch.setattr(paths, "DATA", tmp_path)
    monkeypatch.delenv("EARSHOT_DATA", raising=False)
    return tmp_path


@pytest.fixture
def sounds(home: Path, collection: Path) -> Dataset:
    """Put the small collection where the app looks, and return it opened."""
    shutil.copytree(collection, home / "sample")
    return open_dataset(home / "sample")


@pytest.fixture
def app(root: Path) -> AppTest:
    """Return the app, not yet run."""
    return AppTest.from_file(str(root / "app.py"), default_timeout=120)
