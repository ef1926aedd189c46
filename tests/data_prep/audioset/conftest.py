"""Fixture that parses downloads within the process of the tests: starting TensorFlow in another one takes seconds."""

import contextlib
from pathlib import Path

import pytest

from data_prep.audioset import parse_process
from data_prep.audioset.parse_process import Reader, ReadProgress
from data_prep.audioset.parsing import Batches


@pytest.fixture
def parsed_here(monkeypatch: pytest.MonkeyPatch) -> None:
    in_process = parse_process._parsed_in_process

    def parsed(
        features: Path | Reader, n_labels: int, progress: ReadProgress, *, keep_frames: bool
    ) -> contextlib.AbstractContextManager[Batches]:
        if isinstance(features, Path):
            return in_process(features, n_labels, progress, keep_frames=keep_frames)
        return parse_process._parsed_here(features(progress), n_labels, keep_frames=keep_frames)

    monkeypatch.setattr(parse_process, "_parsed_in_process", parsed)
