"""Failures while saving: full disks, errors of the system, permissions. The old file or the new one remains."""

import errno
import fcntl
import os
import resource
import stat
import threading
from pathlib import Path

import pytest

import lsh
from earshot_common.locks import lock_file
from lsh.errors import IndexFileError
from tests.lsh.storage.index_files import make

CALLS = ["open", "write", "lseek", "fsync", "close", "fstat", "stat", "lstat", "listdir", "chmod", "replace", "unlink"]
ERRNOS = [errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EINTR, errno.EROFS]


@pytest.fixture(scope="module")
def indexes():
    """Return an index that was saved before, and one that is to take its place."""
    return make("tables-cosine", seed=1), make("tables-cosine", seed=2)


@pytest.fixture
def old(indexes, tmp_path):
    """Return the path of a saved index."""
    path = tmp_path / "index"
    lsh.save(indexes[0], path)
    return path


class Faults:
    """Counts the calls by which a file is saved, and lets one of them fail, or that one and all that follow."""

    def __init__(self, monkeypatch, at=None, error=None, *, and_after=False):
        self.count, self.at, self.error, self.and_after = 0, at, error, and_after
        for name in CALLS:
            monkeypatch.setattr(os, name, self.wrapped(getattr(os, name), really=name == "close"))
        monkeypatch.setattr(fcntl, "flock", self.wrapped(fcntl.flock))

    def wrapped(self, call, *, really=False):
        def may_fail(*arguments, **options):
            self.count += 1
            reached = self.at is not None and (self.count == self.at or (self.and_after and self.count > self.at))
            if reached and not really:
                raise self.error
            result = call(*arguments, **options)
            if reached:  # a close that fails has closed all the same
                raise self.error
            return result

        return may_fail


def save_with(fault, index, path):
    """Save with a fault; return what was raised."""
    with pytest.MonkeyPatch.context() as patch:
        faults = Faults(patch, **fault)
        try:
            lsh.save(index, path)
        except BaseException as error:
            return error, faults.count
    return None, faults.count


def hidden(folder):
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


CAUSES = [OSError(code, os.strerror(code)) for code in ERRNOS] + [KeyboardInterrupt(), MemoryError()]


@pytest.mark.parametrize("and_after", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("cause", CAUSES, ids=repr)
def test_a_failure_of_any_call_leaves_the_old_file_or_the_new_one(indexes, old, cause, and_after):
    index, before = indexes[1], old.read_bytes()
    lsh.save(index, old.parent / "new")
    after = (old.parent / "new").read_bytes()
    _, calls = save_with({}, index, old)
    assert calls > 15
    for at in range(1, calls + 1):
        lsh.save(indexes[0], old)
        error, _ = save_with({"at": at, "error": cause, "and_after": and_after}, index, old)
        assert old.read_bytes() in {before, after}
        if error is None:
            assert old.read_bytes() == after
        elif isinstance(cause, OSError):
            assert isinstance(error, IndexFileError), at
            assert str(old) in str(error)
            assert cause.strerror in str(error)
        else:
            assert error is cause
        lsh.save(indexes[0], old)
        assert hidden(old.parent) == []
        assert old.read_bytes() == before


def test_the_bytes_are_on_the_disk_before_the_name_changes_and_the_name_before_the_save_returns(indexes, old):
    events, real = [], {name: getattr(os, name) for name in ("write", "fsync", "replace")}
    with pytest.MonkeyPatch.context() as patch:
        for name, call in real.items():

            def noted(*arguments, name=name, call=call):
                on = arguments[0]
                what = "folder" if name == "fsync" and stat.S_ISDIR(os.fstat(on).st_mode) else "file"
                events.append((name, what))
                return call(*arguments)

            patch.setattr(os, name, noted)
        lsh.save(indexes[1], old)
    order = [event for i, event in enumerate(events) if i == 0 or events[i - 1] != event]
    assert order == [("write", "file"), ("fsync", "file"), ("replace", "file"), ("fsync", "folder")]


def test_short_writes_are_continued(indexes, old):
    real = os.write
    lsh.save(indexes[1], old.parent / "new")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "write", lambda handle, data: real(handle, data[:7]))
        lsh.save(indexes[1], old)
    assert old.read_bytes() == (old.parent / "new").read_bytes()


def test_a_write_of_zero_bytes_is_an_error(indexes, old):
    before = old.read_bytes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "write", lambda *_: 0)
        with pytest.raises(IndexFileError, match="accepts no more bytes"):
            lsh.save(indexes[1], old)
    assert old.read_bytes() == before
    assert hidden(old.parent) == []


def test_a_full_disk_is_reported_and_the_old_file_stays(indexes, old):
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full, the disk that is always full")
    before, real = old.read_bytes(), os.open

    def open_full(path, flags, *mode):
        return real("/dev/full", os.O_WRONLY) if str(path).endswith(".tmp") else real(path, flags, *mode)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "open", open_full)
        with pytest.raises(
            IndexFileError, match=f"cannot write {old}: No space left on device; there is not enough room"
        ):
            lsh.save(indexes[1], old)
    assert old.read_bytes() == before


def test_a_limit_on_the_size_of_files_leaves_the_old_file(indexes, old):
    before = old.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for size in range(0, len(before), 97):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            with pytest.raises(IndexFileError, match="File too large; there is not enough room") as caught:
                lsh.save(indexes[1], old)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert str(old) in str(caught.value)
        assert old.read_bytes() == before
        assert hidden(old.parent) == []


def test_a_missing_folder_is_reported(indexes, tmp_path):
    with pytest.raises(IndexFileError, match=rf"cannot write {tmp_path}/nowhere/index: .*make it first"):
        lsh.save(indexes[0], tmp_path / "nowhere" / "index")
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_folder_is_reported(indexes, old):
    if os.geteuid() == 0:
        pytest.skip("the superuser may write everywhere")
    old.parent.chmod(0o500)
    try:
        with pytest.raises(IndexFileError, match="check that its folder is writable"):
            lsh.save(indexes[1], old)
    finally:
        old.parent.chmod(0o700)
    assert lsh.load(old).params.seed == 1


@pytest.mark.parametrize("make_it", [os.mkdir, os.mkfifo], ids=["folder", "pipe"])
def test_other_than_regular_files_are_not_replaced_and_not_read(indexes, tmp_path, make_it):
    path = tmp_path / "other"
    make_it(path)
    kind = stat.S_IFMT(path.stat().st_mode)
    with pytest.raises(IndexFileError, match=f"{path} is not a regular file, so it is not replaced"):
        lsh.save(indexes[0], path)
    assert stat.S_IFMT(path.stat().st_mode) == kind
    with pytest.raises(IndexFileError, match=f"cannot load {path}: it is not a regular file"):
        lsh.load(path)
    assert [found.name for found in tmp_path.iterdir()] == ["other"]


def test_a_missing_file_is_reported(tmp_path):
    with pytest.raises(IndexFileError, match=f"cannot read {tmp_path}/none: No such file or directory"):
        lsh.load(tmp_path / "none")


def test_a_link_stays_a_link_to_the_new_file(indexes, old, tmp_path):
    (tmp_path / "folder").mkdir()
    link = tmp_path / "folder" / "link"
    link.symlink_to(old)
    lsh.save(indexes[1], link)
    assert link.is_symlink()
    assert lsh.load(old).params.seed == lsh.load(link).params.seed == 2
    assert list((tmp_path / "folder").iterdir()) == [link]


def test_a_new_file_has_the_usual_permissions_and_a_replaced_one_those_it_had(indexes, tmp_path):
    (tmp_path / "plain").write_bytes(b"")
    lsh.save(indexes[0], tmp_path / "index")
    assert (tmp_path / "index").stat().st_mode == (tmp_path / "plain").stat().st_mode
    (tmp_path / "index").chmod(0o600)
    lsh.save(indexes[1], tmp_path / "index")
    assert stat.S_IMODE((tmp_path / "index").stat().st_mode) == 0o600


def test_leftovers_of_crashed_writers_are_removed_and_other_hidden_files_are_not(indexes, old):
    leftovers = [".index.0123abcd.tmp", ".index.ffffffff.tmp", ".index.ffffffff.lock"]
    others = [
        ".index.notes.tmp",
        ".index.0123abcd",
        ".other.0123abcd.tmp",
        ".index.0123abcde.tmp",
        "index.0123abcd.tmp",
    ]
    for name in leftovers + others:
        (old.parent / name).write_bytes(b"x")
    (old.parent / ".index.00000000.tmp").mkdir()
    (old.parent / ".index.11111111.tmp").symlink_to(old)
    lsh.save(indexes[1], old)
    left = {path.name for path in old.parent.iterdir()}
    assert left == {"index", *others, ".index.11111111.tmp"}
    assert lsh.load(old).params.seed == 2


def test_the_file_of_a_running_writer_is_not_removed(indexes, old):
    work = old.parent / ".index.0123abcd.tmp"
    work.write_bytes(b"x")
    with lock_file(work.with_suffix(".lock")):
        lsh.save(indexes[1], old)
        assert work.exists()
    lsh.save(indexes[1], old)
    assert not work.exists()


def test_many_threads_may_save_to_one_path(indexes, old):
    data = []
    for index in indexes:
        lsh.save(index, old)
        data.append(old.read_bytes())
    threads = [threading.Thread(target=lsh.save, args=(indexes[i % 2], old)) for i in range(24)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert lsh.load(old).params.seed in {1, 2}
    for thread in threads:
        thread.join()
    assert old.read_bytes() in data
    assert hidden(old.parent) == []


def test_a_writer_whose_lock_file_is_removed_before_it_is_locked_begins_again(indexes, old):
    real, taken = fcntl.flock, []

    def flock(handle, operation):
        if operation & fcntl.LOCK_EX and not taken:
            (work,) = [path for path in old.parent.iterdir() if path.name.startswith(".")]
            taken.append(work)
            work.unlink()  # as another writer does, between opening and locking
        real(handle, operation)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fcntl, "flock", flock)
        lsh.save(indexes[1], old)
    assert taken
    assert lsh.load(old).params.seed == 2
    assert hidden(old.parent) == []
