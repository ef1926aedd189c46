"""A synthetic archive has the official layout, depends on its seed alone, and is converted without notes."""

import subprocess
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import conversion, synthetic_archive
from data_prep.__main__ import main as data_prep_main
from data_prep.audioset.archive import read_shards
from data_prep.audioset.convert import convert
from data_prep.audioset.framing import read_records
from data_prep.dataset import open_dataset, verify_dataset
from data_prep.processes import environment

pytestmark = pytest.mark.tensorflow  # its import costs seconds: one worker pays them

N = 1_400
LISTS = ("balanced_train_segments.csv", "unbalanced_train_segments.csv", "eval_segments.csv")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("full") / "features.tar.gz"
    synthetic_archive.write_archive(path, N, seed=3)
    return path


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an archive of the balanced subset, 29 clips, with its tables."""
    path = tmp_path_factory.mktemp("balanced") / "features.tar.gz"
    command = ["--out", str(path), "--clips", str(N), "--seed", "3", "--subset", "balanced"]
    assert synthetic_archive.main(command) == 0
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
    assert records == {"bal_train": 15, "unbal_train": 1_371, "eval": 14}
    assert max(sizes) <= 8  # 1,400 clips under 4,096 names, evenly
    assert 1050 < len(names) < 1320
    assert {len({name[place] for name in names}) for place in (0, 1)} == {64}


def test_it_is_converted_and_agrees_with_its_lists(archive: Path, tmp_path: Path) -> None:
    labels, lists = archive.with_name("class_labels_indices.csv"), [archive.with_name(name) for name in LISTS]
    report = convert(archive, labels, tmp_path / "d", segments=lists)
    assert report.notes == []
    assert verify_dataset(tmp_path / "d") == []
    dataset = open_dataset(tmp_path / "d")
    assert dataset.title == "AudioSet, 1,400 clips"
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


def test_the_same_seed_gives_the_same_bytes_and_another_seed_different_ones(tmp_path: Path) -> None:
    for name, seed in {"one": 0, "again": 0, "other": 4}.items():
        synthetic_archive.write_archive(tmp_path / name / "features.tar.gz", 200, seed=seed)
    one, again, other = ((tmp_path / name / "features.tar.gz").read_bytes() for name in ("one", "again", "other"))
    assert one == again != other


def test_the_balanced_subset_has_the_two_small_folders_and_is_converted_without_notes(
    small: Path, tmp_path: Path
) -> None:
    synthetic_archive.write_archive(tmp_path / "again.tar.gz", N, seed=3, subset="balanced")
    assert (tmp_path / "again.tar.gz").read_bytes() == small.read_bytes()
    records = {shard.source: 0 for shard in read_shards(small)}
    for shard in read_shards(small):
        records[shard.source] += sum(1 for _ in read_records(shard.data, shard.name))
    assert records == {"bal_train": 15, "eval": 14}
    lists = sorted(small.parent.glob("*_segments.csv"))
    assert [table.name for table in lists] == ["balanced_train_segments.csv", "eval_segments.csv"]
    report = convert(small, small.with_name("class_labels_indices.csv"), tmp_path / "d", segments=lists)
    assert report.notes == []
    assert report.about().title == "AudioSet, 29 clips"


OUT = """\
some machine

|    run | read by 1 thread |  by 2 | converted | clips/s | speed / 1 thread's | / 2 threads' | busy |  memory |
|    --: |              --: |   --: |       --: |     --: |                --: |          --: |  --: |     --: |
|      1 |            4.0 s | 3.0 s |     5.0 s |     280 |                80% |          60% | 1.50 | 2.40 GB |
|      2 |            4.0 s | 3.0 s |     8.0 s |     175 |                50% |          38% | 1.80 | 2.50 GB |
|      3 |            4.0 s | 3.0 s |     6.0 s |     233 |                67% |          50% | 1.60 | 2.60 GB |
| median |            4.0 s | 3.0 s |     6.0 s |     233 |                67% |          50% | 1.60 | 2.50 GB |
"""


def test_a_conversion_and_reading_with_one_and_two_threads_are_timed(
    archive: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter([(5.0, 1.5, 2.4e9), (8.0, 1.8, 2.5e9), (6.0, 1.6, 2.6e9)])
    monkeypatch.setattr(conversion, "convert", lambda path: conversion.Conversion(*next(times)))
    monkeypatch.setattr(conversion, "_read", lambda shards: ((4.0 if "one" in str(shards) else 3.0), N))
    monkeypatch.setattr(conversion, "describe", lambda: "some machine")
    assert conversion.main([str(archive), "--rounds", "3"]) == 0
    out, err = capsys.readouterr()
    assert out == OUT
    assert err.splitlines()[1:] == [
        "round 2 of 3: 4.0 s, 3.0 s, 8.0 s, 175, 50%, 38%, 1.80, 2.50 GB",
        "round 3 of 3: 4.0 s, 3.0 s, 6.0 s, 233, 67%, 50%, 1.60, 2.60 GB",
    ]


def test_a_conversion_runs_in_a_process_of_its_own_whose_time_and_memory_are_measured(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    now = [100.0]

    class Process:
        pid, returncode = 10, 0

        def __init__(self, command: list[str], **options: object) -> None:
            assert command[:3] == [conversion.sys.executable, "-m", "data_prep"]
            assert options == {"env": environment(), "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            assert data_prep_main(command[3:]) == 0
            self.dataset = open_dataset(command[-1])
            now[0] += 4.0

        def poll(self) -> int | None:
            return 0 if len(waits) == 3 else None

        def wait(self, seconds: float) -> None:
            waits.append(seconds)
            now[0] += 2.0
            raise subprocess.TimeoutExpired("it", seconds)

    cpu = [SimpleNamespace(children_user=user, children_system=system) for user, system in ((1.0, 2.0), (14.0, 4.0))]
    memory = iter([5, 9, 7])
    names = {"Popen": Process, "DEVNULL": subprocess.DEVNULL, "TimeoutExpired": subprocess.TimeoutExpired}
    monkeypatch.setattr(conversion, "subprocess", SimpleNamespace(**names))
    monkeypatch.setattr(conversion, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    monkeypatch.setattr(conversion, "os", SimpleNamespace(times=lambda: cpu.pop(0)))
    monkeypatch.setattr(conversion, "_memory", lambda pid: next(memory))
    before = set(small.parent.iterdir())
    assert conversion.convert(small) == conversion.Conversion(10.0, 1.5, 9)
    assert waits == [1.0] * 3
    assert set(small.parent.iterdir()) == before


def test_the_memory_is_that_of_a_process_and_its_descendants(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversion, "Path", lambda text: tmp_path / text.removeprefix("/"))
    for pid, sub, kilobytes in ((10, "11 12", 1), (11, "13\n", 10), (13, "", 100)):
        task = tmp_path / "proc" / str(pid) / "task" / str(pid)
        task.mkdir(parents=True)
        (task / "children").write_text(sub)
        (task.parent.parent / "smaps_rollup").write_text(f"00-ff\nRss: 9000 kB\nPss: {kilobytes} kB\nPss_Anon: 7 kB\n")
    assert conversion._memory(10) == 111 * 1024  # 12 has ended meanwhile
    assert conversion._memory(12) == 0


def test_one_thread_and_two_threads_read_all_records(archive: Path) -> None:
    assert conversion._read(read_shards(archive))[1] == N
    seconds, n = conversion._read(conversion._shards_by_one_thread(archive))
    assert (n, 0 < seconds < 100) == (N, True)


def test_a_failed_conversion_ends_with_one_message(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "features.tar.gz").symlink_to(archive)  # without its tables
    assert conversion.main([str(tmp_path / "features.tar.gz")]) == 2
    assert "ended with exit code 2" in capsys.readouterr().err
