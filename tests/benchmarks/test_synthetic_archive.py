"""A synthetic archive has the official layout, depends on its seed alone, and is converted without notes."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from benchmarks import conversion, synthetic_archive
from data_prep.audioset.archive import read_shards
from data_prep.audioset.convert import convert
from data_prep.audioset.framing import read_records
from data_prep.dataset import open_dataset, verify_dataset

pytestmark = pytest.mark.tensorflow  # its import costs seconds: one worker pays them

N = 3_000
LISTS = ("balanced_train_segments.csv", "unbalanced_train_segments.csv", "eval_segments.csv")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("full") / "features.tar.gz"
    synthetic_archive.write_archive(path, N, seed=3)
    return path


def test_the_folders_have_their_official_shares_of_the_clips(archive: Path) -> None:
    records = {"bal_train": 0, "unbal_train": 0, "eval": 0}
    sizes: list[int] = []
    names: set[str] = set()
    for shard in read_shards(archive):
        payloads = [payload for _, payload in read_records(shard.data, shard.name)]
        records[shard.source] += len(payloads)
        sizes.append(len(payloads))
        names.add(shard.key)
        assert all(b"video_id" in payload and shard.key.encode() in payload for payload in payloads)
    assert records == {"bal_train": 32, "unbal_train": 2_939, "eval": 29}
    assert max(sizes) <= 8  # 3,000 clips under 4,096 names, evenly
    assert 1900 < len(names) < 2300
    assert {len({name[place] for name in names}) for place in (0, 1)} == {64}


def test_it_is_converted_and_agrees_with_its_lists(archive: Path, tmp_path: Path) -> None:
    labels, lists = archive.with_name("class_labels_indices.csv"), [archive.with_name(name) for name in LISTS]
    report = convert(archive, labels, tmp_path / "d", segments=lists)
    assert report.notes == []
    assert verify_dataset(tmp_path / "d") == []
    dataset = open_dataset(tmp_path / "d")
    assert dataset.title == "AudioSet, 3,000 clips"
    lengths = np.linalg.norm(dataset.features("train"), axis=1)
    assert 8 < lengths.mean() < 10.5  # in the model: 9.4


@pytest.mark.parametrize("value", [-3.0, -1.0, 0.0, 1.5, 3.0])
def test_frames_are_the_vector_with_noise_in_8_bits_from_minus_2_to_2(
    value: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[np.ndarray] = []
    monkeypatch.setattr(synthetic_archive, "_frame_lists", lambda frames: taken.append(frames) or [b""] * len(frames))
    vectors = np.full((200, 128), value, np.float32)
    synthetic_archive._shard("ab", "eval", vectors, np.random.default_rng(0))
    noisy = np.clip(value + 0.5 * np.random.default_rng(1).standard_normal(10**6), -2, 2)
    (frames,) = taken
    assert frames.mean() * 4 / 255 - 2 == pytest.approx(noisy.mean(), abs=0.005)
    assert frames.std() * 4 / 255 == pytest.approx(noisy.std(), abs=0.005)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_different_ones(archive: Path, tmp_path: Path) -> None:
    for seed in (3, 4):
        synthetic_archive.write_archive(tmp_path / str(seed) / "features.tar.gz", N, seed=seed)
    assert (tmp_path / "3/features.tar.gz").read_bytes() == archive.read_bytes()
    assert (tmp_path / "4/features.tar.gz").read_bytes() != archive.read_bytes()


def test_the_balanced_subset_has_the_two_small_folders_and_is_converted_without_notes(tmp_path: Path) -> None:
    path = tmp_path / "features.tar.gz"
    synthetic_archive.write_archive(path, N, seed=3, subset="balanced")
    command = ["--out", str(tmp_path / "again.tar.gz"), "--clips", str(N), "--seed", "3", "--subset", "balanced"]
    assert synthetic_archive.main(command) == 0
    assert (tmp_path / "again.tar.gz").read_bytes() == path.read_bytes()
    records = {shard.source: 0 for shard in read_shards(path)}
    for shard in read_shards(path):
        records[shard.source] += sum(1 for _ in read_records(shard.data, shard.name))
    assert records == {"bal_train": 32, "eval": 29}
    lists = sorted(tmp_path.glob("*_segments.csv"))
    assert [table.name for table in lists] == ["balanced_train_segments.csv", "eval_segments.csv"]
    report = convert(path, tmp_path / "class_labels_indices.csv", tmp_path / "d", segments=lists)
    assert report.notes == []
    assert report.about().title == "AudioSet, 61 clips"


def test_a_conversion_and_reading_with_one_and_two_threads_are_timed(
    archive: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversion, "convert", cache(conversion.convert))  # seconds: the second round takes the first's
    before = set(archive.parent.iterdir())
    assert conversion.main([str(archive), "--rounds", "2"]) == 0
    rows = [row.strip("| ").split(" | ") for row in capsys.readouterr().out.splitlines() if row.startswith("| ")][2:]
    assert [row[0] for row in rows] == ["1", "2", "median"]
    for _, _by_one, _by_two, seconds, clips, *_ in rows[:2]:
        assert int(clips.replace(",", "")) == pytest.approx(N / float(seconds.removesuffix(" s")), rel=0.1)
    assert set(archive.parent.iterdir()) == before


def test_one_thread_and_two_threads_read_all_records(archive: Path) -> None:
    assert conversion._read(read_shards(archive))[1] == N
    assert conversion._read(conversion._shards_by_one_thread(archive))[1] == N


def test_a_failed_conversion_ends_with_one_message(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "features.tar.gz").symlink_to(archive)  # without its tables
    assert conversion.main([str(tmp_path / "features.tar.gz")]) == 2
    assert "ended with exit code 2" in capsys.readouterr().err
