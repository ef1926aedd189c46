"""Fixtures of the answers: one small run of all questions."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.answers import feedback, parameters, quality, speed
from benchmarks.answers.__main__ import main
from data_prep.dataset.features import mean_features
from data_prep.dataset.schema import About, Label
from data_prep.dataset.writer import write_dataset
from earshot_common import command_line
from lsh.analysis import planning, timing, trials
from tests.clips import plain_clips, splits_of

FEEDBACK = {"N_LABELS": 2, "SEEDS": (0, 1), "MARKS": (10, 20), "MIN_TEST": 3, "MIN_TRAIN": 25}
ROWS = {"train": 300, "validation": 40, "test": 50}


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Return the folder of two datasets of clips around ten centres: `frames`, with one to four each, and `small`."""
    rng = np.random.default_rng(4)
    total = sum(ROWS.values())
    kind, n_frames = rng.integers(0, 10, total), rng.integers(1, 5, total)
    centres = rng.integers(60, 200, (10, 12))
    frames = np.clip(np.repeat(centres[kind], n_frames, axis=0) + rng.normal(0, 25, (n_frames.sum(), 12)), 0, 255)
    frames = frames.astype(np.uint8)
    labels, features = [[int(k)] for k in kind], mean_features(frames, n_frames)
    out = tmp_path_factory.mktemp("made")
    about = About(title="Small", source="made here", licence="none", media="synth")
    for name, kept in (("small", None), ("frames", frames)):
        clips = plain_clips(splits_of(ROWS), labels, features, n_frames=n_frames, frames=kept)
        write_dataset(out / name, about, [Label(f"/m/{i}", f"Label {i}") for i in range(10)], [clips])
    return out


@pytest.fixture(scope="session")
def with_frames(made):
    """Return the folder of the dataset with frames."""
    return made / "frames"


@pytest.fixture(scope="session")
def measured(made, with_frames, tmp_path_factory):
    """Return the folder with the figures and document of one small run, measured once for all tests.

    Each reading of a clock is a millisecond later than the one before, so that every run chooses the same settings.
    """
    ticks = itertools.count()

    def clock():
        return next(ticks) / 1000

    out, said = tmp_path_factory.mktemp("answers"), []
    with pytest.MonkeyPatch.context() as patch:
        for module in (planning, trials):
            patch.setattr(module, "time", SimpleNamespace(perf_counter=clock))
        patch.setattr(timing, "clock", clock)
        patch.setattr(command_line, "log", said.append)
        patch.setattr(parameters, "RECALLS", (0.5, 0.9))
        patch.setattr(parameters, "PLANNED", (0.9,))
        patch.setattr(quality, "SEEDS", (0, 1))
        patch.setattr(quality, "CLOSE", 0.5)
        patch.setattr(speed, "WANTED", 0.5)
        for name, value in FEEDBACK.items():
            patch.setattr(feedback, name, value)
        outputs = ["--figures", out / "answers.json", "--out", out / "ANSWERS.md"]
        options = ["--frames", with_frames, "--queries", "40", "--modelled", "300"]
        assert main([str(part) for part in (made / "small", *outputs, *options)]) == 0
    (out / "progress.txt").write_text("\n".join(said), encoding="utf-8")
    return out
