"""Fixtures that convert tiny shards through the command line, successfully or with an expected error."""

from collections.abc import Callable
from pathlib import Path

import pytest

from data_prep.__main__ import main
from tests.data_prep.audioset_files import SHARDS, write_folder, write_labels

Convert = Callable[..., int]


@pytest.fixture
def features(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "in" / "audioset_v1_embeddings", SHARDS)


@pytest.fixture
def convert(tmp_path: Path, features: Path) -> Convert:
    labels = write_labels(tmp_path / "in" / "class_labels_indices.csv")

    def run(*extra: object, features: Path = features, labels: Path = labels, out: str = "out/made") -> int:
        command = ["convert", "--features", features, "--labels", labels, "--out", tmp_path / out, *extra]
        return main([str(word) for word in command])

    return run


@pytest.fixture
def refused(tmp_path: Path, convert: Convert, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Return a function that runs a conversion that must fail, checks what it leaves, and returns its message."""

    def run(*extra: object, **paths: object) -> str:
        assert convert(*extra, **paths) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith(("error: ", "\rreading:"))
        assert not (tmp_path / "out").exists() or list((tmp_path / "out").iterdir()) == []
        message = captured.err[captured.err.index("error: ") :]
        assert "Traceback" not in message
        return message

    return run
