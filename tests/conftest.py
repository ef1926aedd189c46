"""Fixtures that every test may use."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


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
