"""Reading in a process of its own gives what reading here gives, and the process never outlives its use."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from data_prep import reading
from data_prep.archive import read_shards
from data_prep.errors import DamageError, InputError, OutputError, RecordError
from data_prep.framing import CheckedShard, check_shard
from data_prep.reading import read_checked
from tests.data_prep.shards import clip, framed, shard, write_archive

KEYS = [f"{a}{b}" for a in "abcdefghij" for b in "0123456789"]  # more than there are slots
SHARDS = {f"eval/{key}.tfrecord": shard([clip(f"{key}{i:09d}") for i in range(3)]) for key in KEYS}
BIG = {"bal_train/zz.tfrecord": b"".join(framed(bytes([i]) * 500_000) for i in range(4))}  # more than fits a slot


@pytest.fixture(autouse=True)
def processes(monkeypatch: pytest.MonkeyPatch) -> list["subprocess.Popen[bytes]"]:
    """Let the smallest archive be read by a process, and note the processes begun."""
    begun: list[subprocess.Popen[bytes]] = []

    class Noted(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            begun.append(self)

    monkeypatch.setattr(reading, "_SMALL", 0)
    monkeypatch.setattr(subprocess, "Popen", Noted)
    return begun


def read(archive: Path) -> Iterator[CheckedShard]:
    return read_checked(archive, lambda _done, _total: None)


def test_all_shards_come_in_order_whatever_their_number_and_size(tmp_path: Path) -> None:
    archive = write_archive(
        tmp_path / "features.tar.gz", {**SHARDS, **BIG, "eval/-_.tfrecord": SHARDS[next(iter(SHARDS))]}
    )
    assert list(read(archive)) == list(map(check_shard, read_shards(archive)))


def test_the_bytes_read_are_told(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "features.tar.gz", SHARDS)
    here: list[tuple[int, int]] = []
    there: list[tuple[int, int]] = []
    list(read_shards(archive, lambda *place: here.append(place)))
    list(read_checked(archive, lambda *place: there.append(place)))
    assert len(there) == len(SHARDS)
    assert there[-1][1] == archive.stat().st_size
    assert there[-1][0] >= here[-2][0] > 0


def test_damage_in_a_shard_comes_with_the_records_before_it(tmp_path: Path) -> None:
    name = "eval/c3.tfrecord"
    archive = write_archive(tmp_path / "features.tar.gz", {**SHARDS, name: SHARDS[name][:-1]})
    (there,) = (checked for checked in read(archive) if checked.damage)
    (here,) = (checked for checked in map(check_shard, read_shards(archive)) if checked.damage)
    assert there[:3] == here[:3]
    assert (there.shard.name, len(there.payloads)) == (name, 2)
    assert isinstance(there.damage, RecordError)
    assert str(there.damage) == str(here.damage)


def test_a_damaged_archive_is_the_same_error_as_here(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "features.tar.gz", SHARDS)
    archive.write_bytes(archive.read_bytes()[:-20])
    with pytest.raises(DamageError) as here:
        list(read_shards(archive))
    with pytest.raises(DamageError) as there:
        list(read(archive))
    assert (there.value.file, there.value.offset, there.value.reason) == (
        here.value.file,
        here.value.offset,
        here.value.reason,
    )


def test_what_is_no_archive_is_the_same_error_as_here(tmp_path: Path) -> None:
    path = tmp_path / "features.tar.gz"
    path.write_bytes(b"no gzip at all")
    with pytest.raises(InputError, match="neither a gzip archive nor") as there:
        list(read(path))
    with pytest.raises(InputError) as here:
        list(read_shards(path))
    assert str(there.value) == str(here.value)


def test_a_process_that_is_killed_is_an_error_and_not_the_end(
    tmp_path: Path, processes: list["subprocess.Popen[bytes]"]
) -> None:
    archive = write_archive(tmp_path / "features.tar.gz", SHARDS)
    shards = read(archive)
    next(shards)
    processes[0].kill()
    with pytest.raises(InputError, match=r"the process that reads .* ended with -9"):
        list(shards)


def test_no_room_for_the_slots_is_one_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = write_archive(tmp_path / "features.tar.gz", SHARDS)
    monkeypatch.setattr(reading, "TemporaryFile", partial(Path("/dev/full").open, "wb", buffering=0))
    with pytest.raises(OutputError, match=r"cannot write .*: No space left on device; there is not enough room"):
        list(read(archive))


def test_whoever_stops_early_leaves_no_process_behind(
    tmp_path: Path, processes: list["subprocess.Popen[bytes]"]
) -> None:
    shards = read_checked(write_archive(tmp_path / "features.tar.gz", SHARDS), lambda _done, _total: None)
    next(shards)
    shards.close()
    assert processes[0].returncode is not None


def test_the_process_ends_when_whoever_began_it_is_killed(tmp_path: Path, root: Path) -> None:
    archive = write_archive(tmp_path / "features.tar.gz", SHARDS)
    code = """
import os, subprocess, sys
from pathlib import Path
from data_prep import reading
begin = subprocess.Popen.__init__
def noted(self, *arguments, **options):
    begin(self, *arguments, **options)
    print(self.pid, flush=True)
subprocess.Popen.__init__ = noted
reading._SMALL = 0
next(reading.read_checked(Path(sys.argv[1]), lambda *_: None))
os.kill(os.getpid(), 9)
"""
    done = subprocess.run([sys.executable, "-c", code, str(archive)], cwd=root, capture_output=True, check=False)
    assert done.returncode == -9
    assert ends(int(done.stdout))


def ends(pid: int) -> bool:
    """Tell whether a process that is no child of ours ends within some seconds."""
    for _ in range(200):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False
