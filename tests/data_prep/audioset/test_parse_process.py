"""Parsing in a process of its own gives the same as parsing in this one, and the process always ends."""

import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data_prep.audioset import parse_process, parsing
from data_prep.audioset.archive import Shard, read_shards
from data_prep.audioset.framing import check_shard, read_records
from data_prep.audioset.parse_process import ReadProgress, Shards, parsed_batches
from data_prep.audioset.parsing import Batch, parse_shards
from data_prep.errors import DamageError, InputError, RecordError, StoppedError
from tests.data_prep.audioset_files import clip, framed, shard, write_archive
from tests.data_prep.small_datasets import rows_of

pytestmark = pytest.mark.tensorflow  # its import costs seconds: one worker pays them

N_LABELS = 3
KEYS = [f"{a}{b}" for a in "abcdef" for b in "0123456789"]
FRAMES = np.random.default_rng(6)
SHARDS = {
    f"eval/{key}.tfrecord": shard(
        [clip(f"{key}{i:09d}", [i % 3, 2] if i % 3 < 2 else [], 1 + i % 10, frame=FRAMES.bytes(128)) for i in range(3)]
    )
    for key in KEYS
}


@pytest.fixture(autouse=True)
def processes(monkeypatch: pytest.MonkeyPatch) -> list["subprocess.Popen[bytes]"]:
    """Let the smallest archive be read by a process, and record the processes started."""
    started: list[subprocess.Popen[bytes]] = []

    class Recorded(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            started.append(self)

    monkeypatch.setattr(parse_process, "_MAX_IN_PROCESS_BYTES", 0)
    monkeypatch.setattr(subprocess, "Popen", Recorded)
    return started


def read(archive: Path, *, keep_frames: bool = False, positions: list[tuple[int, int]] | None = None) -> list[Batch]:
    def note(*position: int) -> None:
        if positions is not None:
            positions.append(position)  # type: ignore[arg-type]

    with parsed_batches(archive, N_LABELS, note, keep_frames=keep_frames) as batches:
        return list(batches)


def read_here(archive: Path, *, keep_frames: bool = False) -> list[Batch]:
    return list(parse_shards(map(check_shard, read_shards(archive)), N_LABELS, keep_frames=keep_frames))


def assert_alike(there: list[Batch], here: list[Batch]) -> None:
    assert len(there) == len(here)
    for one, two in zip(there, here, strict=True):
        assert one.shards == two.shards
        assert [(type(error), str(error)) for error in one.damages] == [
            (type(error), str(error)) for error in two.damages
        ]
        assert one.clips.video_id == two.clips.video_id
        assert all(map(np.array_equal, one.clips.labels, two.clips.labels))
        for name in ("start_s", "end_s", "n_frames", "sums", "frames"):
            np.testing.assert_array_equal(getattr(one.clips, name), getattr(two.clips, name), strict=True)
        np.testing.assert_array_equal(one.shard, two.shard, strict=True)
        np.testing.assert_array_equal(one.offsets, two.offsets, strict=True)


def test_batches_hold_some_shards_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "_BATCH", 10)
    archive = write_archive(tmp_path / "features.tar.gz", SHARDS)
    batches = read_here(archive)
    assert [len(batch.shards) for batch in batches] == [4] * 15
    assert [shard.name for batch in batches for shard in batch.shards] == list(SHARDS)
    assert {tuple(batch.shard.tolist()) for batch in batches} == {(0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3)}


def test_clips_and_damage_of_an_archive_come_in_order_with_the_bytes_read(tmp_path: Path) -> None:
    cut, wrong, both = "eval/c3.tfrecord", "eval/d4.tfrecord", "eval/e5.tfrecord"
    bad = framed(clip("zz000000001", [7]))
    damaged = {cut: SHARDS[cut][:-1], wrong: SHARDS[wrong] + bad, both: bad + SHARDS[both][:-1]}
    archive = write_archive(tmp_path / "features.tar.gz", SHARDS | damaged)
    archive.write_bytes(archive.read_bytes()[:-20])
    positions: list[tuple[int, int]] = []
    there = read(archive, positions=positions)
    (batch,), ((done, total),) = there, positions
    assert 0 < done <= total == archive.stat().st_size
    last = {name: [*read_records(SHARDS[name], name)][-1][0] for name in (cut, both)}
    *of_shards, of_archive = batch.damages
    assert [(type(error), error.file, error.offset) for error in of_shards] == [
        (DamageError, cut, last[cut]),
        (RecordError, wrong, len(SHARDS[wrong])),
        (RecordError, both, 0),
        (DamageError, both, len(bad) + last[both]),
    ]
    assert (type(of_archive), of_archive.reason) == (DamageError, "the archive is cut short: get it again")
    of = [batch.shards[place].name for place in batch.shard]
    assert of == [name for name in SHARDS for _ in range(2 if name in {cut, both} else 3)]
    assert batch.clips.frames is None
    assert_alike(there, read_here(archive))


def test_a_file_that_is_not_an_archive_raises_the_same_error_as_without_a_process(tmp_path: Path) -> None:
    path = tmp_path / "features.tar.gz"
    path.write_bytes(b"no gzip at all")
    with pytest.raises(InputError, match="neither a tar archive nor") as there:
        read(path)
    with pytest.raises(InputError) as here:
        read_here(path)
    assert str(there.value) == str(here.value)


def test_a_killed_process_is_an_error_and_not_the_end(
    tmp_path: Path, processes: list["subprocess.Popen[bytes]"]
) -> None:
    archive = write_archive(tmp_path / "features.tar.gz", SHARDS)
    with parsed_batches(archive, N_LABELS, lambda *_: None, keep_frames=False) as batches:
        processes[0].kill()
        with pytest.raises(InputError, match=r"the process that parses .* ended with -9"):
            list(batches)


def test_the_last_line_of_a_crashed_process_is_in_the_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = write_archive(tmp_path / "features.tar.gz", SHARDS)
    monkeypatch.setattr(parse_process, "environment", lambda: os.environ | {"PYTHONPATH": "", "PYTHONSAFEPATH": "1"})
    with pytest.raises(InputError, match=r"ended with 1: .*No module named 'data_prep'"):
        read(archive)


def test_stopping_early_ends_the_process(tmp_path: Path, processes: list["subprocess.Popen[bytes]"]) -> None:
    archive = write_archive(tmp_path / "features.tar.gz", SHARDS)
    with parsed_batches(archive, N_LABELS, lambda *_: None, keep_frames=False):
        assert processes[0].returncode is None
    assert processes[0].returncode is not None


def test_the_process_ends_when_its_parent_is_killed(tmp_path: Path, root: Path) -> None:
    archive = write_archive(tmp_path / "features.tar.gz", SHARDS)
    code = """
import os, subprocess, sys
from pathlib import Path
from data_prep.audioset import parse_process
begin = subprocess.Popen.__init__
def recorded(self, *arguments, **options):
    begin(self, *arguments, **options)
    print(self.pid, flush=True)
subprocess.Popen.__init__ = recorded
parse_process._MAX_IN_PROCESS_BYTES = 0
with parse_process.parsed_batches(Path(sys.argv[1]), 3, lambda *_: None, keep_frames=False):
    os.kill(os.getpid(), 9)
"""
    done = subprocess.run([sys.executable, "-c", code, str(archive)], cwd=root, capture_output=True, check=False)
    assert done.returncode == -9
    assert ends(int(done.stdout))


def test_shards_of_a_reader_are_parsed_like_those_of_an_archive_until_it_finds_damage(
    tmp_path: Path, processes: list["subprocess.Popen[bytes]"]
) -> None:
    archive = write_archive(tmp_path / "features.tar.gz", SHARDS)

    def reader(progress: ReadProgress) -> Shards:
        yield from read_shards(archive, progress)
        raise DamageError("somewhere", 7, "is damaged")

    positions: list[tuple[int, ...]] = []
    with parsed_batches(reader, N_LABELS, lambda *at: positions.append(at), keep_frames=True) as batches:
        (batch,) = batches
    assert [(error.file, error.offset, error.reason) for error in batch.damages] == [("somewhere", 7, "is damaged")]
    (here,) = read_here(archive, keep_frames=True)
    assert len(here.clips) == 3 * len(SHARDS)
    assert here.clips.frames is not None
    assert_alike([replace(batch, damages=[])], [here])
    assert len(positions) == len(SHARDS)  # by the reader, shard by shard
    assert processes[0].returncode is not None


def test_an_error_of_a_reader_is_raised_where_the_batches_are_used() -> None:
    error = StoppedError("it is wanted no more")

    def reader(_: ReadProgress) -> Shards:
        yield Shard("eval/a0.tfrecord", "eval", SHARDS["eval/a0.tfrecord"])
        raise error

    with parsed_batches(reader, N_LABELS, lambda *_: None, keep_frames=False) as batches:
        with pytest.raises(type(error)) as raised:
            list(batches)
        assert raised.value is error


def test_stopping_early_ends_the_feeding_thread(processes: list["subprocess.Popen[bytes]"]) -> None:
    closed = []

    def reader(_: ReadProgress) -> Shards:
        try:
            while True:
                yield Shard("eval/a0.tfrecord", "eval", SHARDS["eval/a0.tfrecord"])
        finally:
            closed.append(True)

    with parsed_batches(reader, N_LABELS, lambda *_: None, keep_frames=False):
        pass
    assert closed == [True]
    assert "feeding" not in {thread.name for thread in threading.enumerate()}
    assert processes[0].returncode is not None


def test_selected_clips_keep_all_their_columns(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "features.tar.gz", SHARDS)
    (batch,) = read_here(archive, keep_frames=True)
    clips = batch.clips
    assert clips.frames is not None
    wanted = np.arange(len(clips)) % 7 < 3
    some = clips.only(wanted)
    ends = np.cumsum(clips.n_frames)
    places = np.flatnonzero(wanted)
    assert some.video_id == [clips.video_id[i] for i in places]
    assert some.clip_ids() == [clips.clip_ids()[i] for i in places]
    assert rows_of(some.labels) == [rows_of(clips.labels)[i] for i in places]
    np.testing.assert_array_equal(some.sums, clips.sums[places])
    frames = [clips.frames[ends[i] - clips.n_frames[i] : ends[i]] for i in places]
    np.testing.assert_array_equal(some.frames, np.concatenate(frames))
    assert replace(clips, frames=None).only(wanted).frames is None


def ends(pid: int) -> bool:
    """Return whether a process that is not our child ends; it may have to load TensorFlow first, on a busy machine."""
    for _ in range(1000):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False
