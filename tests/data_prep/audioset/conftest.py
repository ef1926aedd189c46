"""Fixture that parses downloads within the process of the tests: starting TensorFlow in another one takes seconds."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from data_prep.audioset import parse_process
from data_prep.audioset.framing import check_shard
from data_prep.audioset.parse_process import Reader, ReadProgress
from data_prep.audioset.parsing import Batches, parse_shards
from data_prep.read_ahead import read_ahead


@pytest.fixture
def parsed_here(monkeypatch: pytest.MonkeyPatch) -> None:
    in_process = parse_process._parsed_in_process

    @contextlib.contextmanager
    def parsed(
        features: Path | Reader, n_labels: int, progress: ReadProgress, *, keep_frames: bool
    ) -> Iterator[Batches]:
        if isinstance(features, Path):
            with in_process(features, n_labels, progress, keep_frames=keep_frames) as ahead:
                yield ahead
            return
        batches = parse_shards(map(check_shard, features(progress)), n_labels, keep_frames=keep_frames)
        with contextlib.closing(batches), contextlib.closing(read_ahead(batches, 2)) as ahead:
            yield ahead

    monkeypatch.setattr(parse_process, "_parsed_in_process", parsed)
