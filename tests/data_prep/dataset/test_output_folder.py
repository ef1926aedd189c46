"""Atomic writing of files and folders: kills, full disks, concurrent writers and readers."""

import errno
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from data_prep.dataset import open_dataset, verify_dataset
from data_prep.dataset.output_folder import check_target, new_folder
from data_prep.dataset.schema import FORMAT, MANIFEST
from data_prep.errors import OutputError
from earshot_common import atomic
from earshot_common.atomic import write_file
from tests.data_prep.small_datasets import write

# Writes a dataset of 30 clips, one of 31, one of 30, ... over and over, until it is killed.
SAVE_REPEATEDLY = """
import itertools, sys
from pathlib import Path
from data_prep.dataset.writer import write_dataset
from tests.data_prep.small_datasets import ABOUT, LABELS, batch
print("ready", flush=True)
for i in itertools.count():
    write_dataset(Path(sys.argv[1]), ABOUT, LABELS, [batch(30 + i % 2)], overwrite=True)
"""

A_MANIFEST = json.dumps(
    {"format": FORMAT, "files": {"file": {}}}
).encode()  # the part of a manifest that replacing checks


AN_INDEX = "tables-cosine-hyperplanes-32x24-seed0-0123456789abcdef.lsh"


def fill(target: Path, text: str, *, overwrite: bool = False) -> None:
    with new_folder(target, overwrite=overwrite) as folder:
        write_file(folder / "file", text.encode())
        write_file(folder / MANIFEST, A_MANIFEST)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_appears_when_its_block_ends_and_not_before(tmp_path: Path) -> None:
    with new_folder(tmp_path / "new") as folder:
        write_file(folder / "file", b"text")
        assert not (tmp_path / "new").exists()
    assert (tmp_path / "new" / "file").read_bytes() == b"text"
    assert names(tmp_path) == ["new"]


def test_missing_parents_are_made(tmp_path: Path) -> None:
    fill(tmp_path / "a" / "b" / "new", "text")
    assert names(tmp_path / "a" / "b") == ["new"]


def test_permissions_follow_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        fill(tmp_path / "new", "text")
    finally:
        os.umask(before)
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o750


def test_a_failing_block_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        with new_folder(tmp_path / "new") as folder:
            write_file(folder / "file", b"text")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert names(tmp_path) == []


@pytest.mark.parametrize("kind", ["folder", "empty folder", "file", "dangling link"])
def test_an_existing_target_is_refused_and_kept(tmp_path: Path, kind: str) -> None:
    target = tmp_path / "new"
    match kind:
        case "folder":
            fill(target, "old")
        case "empty folder":
            target.mkdir()
        case "file":
            target.write_text("old")
        case _:
            target.symlink_to(tmp_path / "nowhere")
    words = "exists already: choose another folder, or pass --overwrite" if "folder" in kind else "is not a folder"
    with pytest.raises(OutputError, match=words):
        fill(target, "new")
    assert names(tmp_path) == ["new"]


OTHER_CONTENTS = {
    "sounds": ({"bell.wav": b"x"}, "is not a prepared dataset"),
    "a manifest of another program": ({MANIFEST: b'{"name": "an app"}'}, "is not a prepared dataset"),
    "a manifest that is damaged": ({MANIFEST: A_MANIFEST[:-9], "file": b"x"}, "is not a prepared dataset"),
    "a dataset and a note": (
        {MANIFEST: A_MANIFEST, "file": b"x", "my\nnote.txt": b"x"},
        r"more than a dataset \('my\\nnote",
    ),
    "a dataset and a folder": (
        {MANIFEST: A_MANIFEST, "file": b"x", "sub/bell.wav": b"x"},
        r"more than a dataset \('sub'\)",
    ),
    "a dataset with a file among its indexes": (
        {MANIFEST: A_MANIFEST, "file": b"x", f"indexes/{AN_INDEX}": b"x", "indexes/mine.lsh": b"x"},
        r"more than a dataset \('indexes/mine\.lsh'\)",
    ),
    "a dataset with a folder among its indexes": (
        {MANIFEST: A_MANIFEST, "file": b"x", f"indexes/{AN_INDEX}/bell.wav": b"x"},
        r"more than a dataset \('indexes/tables-",
    ),
    "a dataset and a file named like its indexes": (
        {MANIFEST: A_MANIFEST, "file": b"x", "indexes": b"x"},
        r"more than a dataset \('indexes'\)",
    ),
    "indexes without a dataset": ({f"indexes/{AN_INDEX}": b"x"}, "is not a prepared dataset"),
    "a folder for a file": ({MANIFEST: A_MANIFEST, "file/bell.wav": b"x"}, r"more than a dataset \('file'\)"),
}


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("kind", OTHER_CONTENTS)
def test_a_folder_with_more_than_a_dataset_is_never_replaced_and_overwrite_is_not_suggested(
    tmp_path: Path, kind: str, overwrite: bool
) -> None:
    files, words = OTHER_CONTENTS[kind]
    for name, data in files.items():
        (tmp_path / "new" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "new" / name).write_bytes(data)
    with pytest.raises(OutputError, match=words) as refused:
        fill(tmp_path / "new", "new", overwrite=overwrite)
    assert "--overwrite" not in str(refused.value)
    assert all((tmp_path / "new" / name).read_bytes() == data for name, data in files.items())


@pytest.mark.parametrize("left", [[], [".DS_Store"], [MANIFEST, "file", ".DS_Store"], [MANIFEST]])
def test_overwrite_replaces_an_empty_folder_and_files_that_desktops_leave(tmp_path: Path, left: list[str]) -> None:
    (tmp_path / "new").mkdir()
    for name in left:
        (tmp_path / "new" / name).write_bytes(A_MANIFEST)
    fill(tmp_path / "new", "new", overwrite=True)
    assert names(tmp_path / "new") == ["file", MANIFEST]


def test_overwrite_removes_the_indexes_of_the_dataset_that_it_replaces(tmp_path: Path) -> None:
    fill(tmp_path / "new", "old")
    (tmp_path / "new" / "indexes").mkdir()
    for name in (AN_INDEX, f"{AN_INDEX}.unusable", f".{AN_INDEX}.0a1b2c3d.tmp", f".{AN_INDEX}.0a1b2c3d.lock"):
        (tmp_path / "new" / "indexes" / name).write_bytes(b"x")
    (tmp_path / "new" / "indexes" / ".DS_Store").write_bytes(b"x")
    fill(tmp_path / "new", "new", overwrite=True)
    assert names(tmp_path / "new") == ["file", MANIFEST]
    assert names(tmp_path) == ["new"]


@pytest.mark.parametrize("linked", ["indexes", f"indexes/{AN_INDEX}"])
def test_a_dataset_whose_indexes_are_links_is_not_replaced(tmp_path: Path, linked: str) -> None:
    fill(tmp_path / "new", "old")
    (tmp_path / "elsewhere").mkdir()
    if "/" in linked:
        (tmp_path / "new" / "indexes").mkdir()
    (tmp_path / "new" / linked).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutputError, match=r"more than a dataset \('indexes"):
        fill(tmp_path / "new", "new", overwrite=True)
    assert (tmp_path / "new" / "file").read_text() == "old"


def test_a_name_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="is not valid UTF-8"):
        fill(tmp_path / os.fsdecode(b"bad\xff"), "new")
    assert names(tmp_path) == []


def test_a_target_in_a_folder_without_permission_is_refused_with_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")  # chmod would not keep root out

    (tmp_path / "new").mkdir()
    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(OutputError, match=r"cannot write .*new: Permission denied; check that its folder is writable"):
        check_target(tmp_path / "new", overwrite=False)


def test_overwrite_replaces_a_folder(tmp_path: Path) -> None:
    fill(tmp_path / "new", "old")
    fill(tmp_path / "new", "new", overwrite=True)
    assert (tmp_path / "new" / "file").read_text() == "new"
    assert names(tmp_path) == ["new"]


def test_overwrite_creates_a_missing_target(tmp_path: Path) -> None:
    fill(tmp_path / "new", "new", overwrite=True)
    assert names(tmp_path) == ["new"]


@pytest.mark.parametrize("kind", ["file", "link"])
def test_overwrite_replaces_only_folders(tmp_path: Path, kind: str) -> None:
    (tmp_path / "real").mkdir()
    target = tmp_path / "new"
    target.write_text("old") if kind == "file" else target.symlink_to(tmp_path / "real")
    with pytest.raises(OutputError, match="is not a folder, so it is not replaced"):
        fill(target, "new", overwrite=True)
    assert names(tmp_path) == ["new", "real"]


def test_without_an_exchange_of_folders_the_old_one_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path / "new", "old")
    monkeypatch.setattr(atomic, "_exchange", lambda _one, _other: False)
    with pytest.raises(OutputError, match=r"cannot be replaced in one step.*remove it first"):
        fill(tmp_path / "new", "new", overwrite=True)
    assert (tmp_path / "new" / "file").read_text() == "old"
    assert names(tmp_path) == ["new"]


def test_a_target_created_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    def race() -> None:
        with new_folder(tmp_path / "new") as folder:
            write_file(folder / "file", b"mine")
            (tmp_path / "new").mkdir()
            (tmp_path / "new" / "file").write_text("theirs")

    with pytest.raises(OutputError, match="exists already"):
        race()
    assert (tmp_path / "new" / "file").read_text() == "theirs"


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_is_reported(tmp_path: Path, code: int) -> None:
    def fail() -> None:
        with new_folder(tmp_path / "new"):
            raise OSError(code, os.strerror(code))

    with pytest.raises(OutputError, match=r"cannot write .*new: .*not enough room on its disk"):
        fail()
    assert names(tmp_path) == []


def test_a_parent_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match=r"cannot write .*file/new"):
        fill(tmp_path / "file" / "new", "text")


@pytest.mark.parametrize("call", ["fsync", "rename", "mkdir"])
def test_a_failing_system_call_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(OutputError, match="Input/output error"):
        fill(tmp_path / "new", "text")
    monkeypatch.undo()
    assert names(tmp_path) == []


def test_leftovers_of_a_crashed_writer_are_removed_by_the_next(tmp_path: Path) -> None:
    (tmp_path / ".new.12ab34cd.tmp").mkdir()
    (tmp_path / ".new.12ab34cd.tmp" / "file").write_text("half")
    (tmp_path / ".other.12ab34cd.tmp").mkdir()
    fill(tmp_path / "new", "text")
    assert names(tmp_path) == [".other.12ab34cd.tmp", "new"]


def test_work_of_a_running_writer_is_left_alone(tmp_path: Path) -> None:
    with new_folder(tmp_path / "new", overwrite=True) as folder:
        write_file(folder / "file", b"slow")
        fill(tmp_path / "new", "quick")
        assert (folder / "file").read_bytes() == b"slow"
    assert (tmp_path / "new" / "file").read_text() == "slow"
    assert names(tmp_path) == ["new"]


def test_two_writers_at_once_leave_one_of_both_results(tmp_path: Path) -> None:
    def make(text: str) -> None:
        for _ in range(20):
            fill(tmp_path / "new", text, overwrite=True)

    fill(tmp_path / "new", "first")
    makers = [threading.Thread(target=make, args=[text]) for text in ("one", "two")]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    assert (tmp_path / "new" / "file").read_text() in {"one", "two"}
    assert names(tmp_path) == ["new"]


def start_saving(target: Path, root: Path) -> subprocess.Popen[str]:
    saver = subprocess.Popen(
        [sys.executable, "-c", SAVE_REPEATEDLY, target], cwd=root, stdout=subprocess.PIPE, text=True
    )
    assert saver.stdout is not None
    assert saver.stdout.readline() == "ready\n"
    return saver


def test_a_kill_at_any_moment_leaves_a_valid_dataset(tmp_path: Path, root: Path) -> None:
    target = tmp_path / "d"
    whole = {open_dataset(write(tmp_path / str(n) / "d", n=n)).fingerprint for n in (30, 31)}
    write(target)
    rng, interrupted = random.Random(0), 0
    for _ in range(6):
        saver = start_saving(target, root)
        while not list(tmp_path.glob(".d.*.tmp")):
            assert saver.poll() is None
            time.sleep(0.001)
        time.sleep(rng.uniform(0, 0.02))
        saver.send_signal(signal.SIGKILL)
        saver.wait()
        saver.stdout.close()  # type: ignore[union-attr]
        interrupted += bool(list(tmp_path.glob(".d.*.tmp")))
        assert verify_dataset(target) == []
        assert open_dataset(target).fingerprint in whole
    assert interrupted > 0  # some kills came in the middle of a write


def test_a_reader_sees_a_valid_dataset_while_others_replace_it(tmp_path: Path, root: Path) -> None:
    target = tmp_path / "d"
    whole = {open_dataset(write(tmp_path / str(n) / "d", n=n)).fingerprint for n in (30, 31)}
    write(target)
    saver = start_saving(target, root)
    seen = set()
    began = time.monotonic()
    try:
        while time.monotonic() < began + 0.5 or (seen != whole and time.monotonic() < began + 60):
            seen.add(open_dataset(target).fingerprint)
    finally:
        saver.kill()
        saver.wait()
        saver.stdout.close()  # type: ignore[union-attr]
    assert seen == whole
