"""Search by recordings of clips, with noise and other changes."""

from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import query_by_recording
from data_prep.dataset.schema import About, Label
from data_prep.dataset.writer import write_dataset
from tests.clips import plain_clips, splits_of
from tests.commands import runner

NAMES = {"dog_bark": ("Dog", "Bark"), "rain": ("Rain",)}
LABELS = [Label(f"/m/{i}", name) for i, name in enumerate(("Dog", "Bark", "Rain", "Other"))]
OF_CLIPS = [[0]] * 4 + [[0, 1]] * 2 + [[1]] * 2 + [[2]] * 9 + [[3]] * 3  # eight of dogs, nine of rain, three others


@pytest.fixture
def dataset(tmp_path):
    """Return a dataset whose clips lie by their number on a quarter of a circle: dogs, rain, others."""
    angles = np.linspace(0, np.pi / 2, 20)
    features = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    about = About(title="Circle", source="a test", licence="none", media="synth")
    write_dataset(tmp_path / "made", about, LABELS, [plain_clips(splits_of({"train": 20}), OF_CLIPS, features)])
    return tmp_path / "made"


@pytest.fixture
def recordings(tmp_path):
    """Return a folder of recordings whose bytes are their angles in degrees."""
    for name, angles in {"dog_bark": (0, 30), "rain": (90, 45, 50)}.items():
        (tmp_path / "esc" / name / "folder").mkdir(parents=True)
        for i, angle in enumerate(angles):
            (tmp_path / "esc" / name / f"{i}.wav").write_bytes(b"%d" % angle)
    return tmp_path / "esc"


@pytest.fixture
def run(capsys, monkeypatch):
    def embed(_, data, name):
        assert name.endswith(".wav")
        angle = np.deg2rad(float(data))
        return SimpleNamespace(feature=np.array([np.cos(angle), np.sin(angle)], np.float32))

    monkeypatch.setattr(query_by_recording.SoundEmbedder, "embed", embed)
    monkeypatch.setattr(query_by_recording, "LABELS", NAMES)
    return runner(query_by_recording.main, capsys)


def test_precision_is_the_share_of_neighbours_with_a_label_of_the_class(dataset, recordings, run):
    code, out, err = run(dataset, recordings)
    assert code == 0, err
    title, dogs, rain, every = out.splitlines()
    assert title == "Circle: precision@10 by the labels, and the share of clips with the label"
    dog, wet = np.array([8, 6]) / 10, np.array([7, 7, 8]) / 10
    each = np.concatenate([dog, wet])
    assert dogs.split() == ["dog_bark", f"{dog.mean():.2f}", "0.4000"]
    assert rain.split() == ["rain", f"{wet.mean():.2f}", "0.4500"]
    assert every.split() == ["all", f"{each.mean():.3f}", "±", f"{each.std() / np.sqrt(5):.3f}", "0.4250"]


def test_a_missing_class_and_missing_labels_are_refused_by_name(dataset, recordings, run, monkeypatch):
    monkeypatch.setattr(query_by_recording, "LABELS", {"rain": ("Rainbow",)})
    code, _, err = run(dataset, recordings)
    assert code == 2
    assert "has none of the labels Rainbow" in err
    for name in ("rooster", "empty"):
        (recordings / "empty").mkdir(exist_ok=True)
        monkeypatch.setattr(query_by_recording, "LABELS", {name: ("Dog",)})
        code, _, err = run(dataset, recordings)
        assert code == 2
        assert f"{name} holds no recordings" in err


def test_the_classes_are_esc_10s():
    assert len(query_by_recording.LABELS) == 10
