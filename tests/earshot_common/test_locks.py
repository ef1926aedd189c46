"""Lock files: held by one process, removed when they are released, taken over when their holder crashed."""

import subprocess
import sys
import threading

import pytest

from earshot_common import atomic, locks
from earshot_common.atomic import WriteError, remove_leftovers, write_file
from earshot_common.locks import lock_file


@pytest.fixture
def without_locks(monkeypatch):
    """Let the system have no locks."""

    def refuse(*_, **__):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(locks, "lock_descriptor", refuse)


def test_a_lock_file_exists_only_while_it_is_held(tmp_path):
    with lock_file(tmp_path / "lock") as locked:
        assert locked
        assert list(tmp_path.iterdir()) == [tmp_path / "lock"]
    assert list(tmp_path.iterdir()) == []


def test_a_held_lock_is_refused_at_once_and_stays_held(tmp_path):
    with lock_file(tmp_path / "lock"):
        for _ in range(2):
            with pytest.raises(BlockingIOError), lock_file(tmp_path / "lock"):
                pass


def test_a_held_lock_is_waited_for_on_request(tmp_path):
    order = []

    def take():
        with lock_file(tmp_path / "lock", wait=True):
            order.append("second")

    with lock_file(tmp_path / "lock"):
        thread = threading.Thread(target=take)
        thread.start()
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
    assert list(tmp_path.iterdir()) == []


def test_the_lock_of_a_killed_process_is_taken_over(root, tmp_path):
    code = "import os, sys; from earshot_common.locks import lock_file; from pathlib import Path\n"
    code += "with lock_file(Path(sys.argv[1])): os.kill(os.getpid(), 9)"
    killed = subprocess.run([sys.executable, "-c", code, str(tmp_path / "lock")], cwd=root, check=False)
    assert killed.returncode == -9
    assert (tmp_path / "lock").exists()
    with lock_file(tmp_path / "lock") as locked:
        assert locked
    assert list(tmp_path.iterdir()) == []


def test_an_error_in_the_block_releases_the_lock(tmp_path):
    with pytest.raises(KeyError), lock_file(tmp_path / "lock"):
        raise KeyError
    with lock_file(tmp_path / "lock") as locked:
        assert locked


def test_many_threads_hold_a_lock_one_after_another(tmp_path):
    inside, most = [], []

    def work():
        for _ in range(20):
            with lock_file(tmp_path / "lock", wait=True):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(most) == {1}
    assert len(most) == 80


def test_without_locks_files_are_written_and_the_work_of_other_writers_is_left_alone(without_locks, tmp_path):
    work = tmp_path / ".file.0123abcd.tmp"
    work.write_bytes(b"half")
    write_file(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"
    assert work.exists()
    with lock_file(tmp_path / "lock") as locked:
        assert not locked


def test_leftovers_of_files_and_folders_are_removed_and_links_are_not(tmp_path):
    (tmp_path / ".file.0123abcd.tmp").write_bytes(b"half")
    (tmp_path / ".file.0123abcd.lock").write_bytes(b"")
    (tmp_path / ".file.89abcdef.lock").write_bytes(b"")
    (tmp_path / ".file.00000000.tmp").mkdir()
    (tmp_path / ".file.00000000.tmp" / "part").write_bytes(b"half")
    (tmp_path / ".file.11111111.tmp").symlink_to(tmp_path)
    remove_leftovers(tmp_path / "file")
    assert [path.name for path in tmp_path.iterdir()] == [".file.11111111.tmp"]


def test_a_folder_that_cannot_be_replaced_in_one_step_is_refused_and_kept(tmp_path, monkeypatch):
    (tmp_path / "folder").mkdir()
    monkeypatch.setattr(atomic, "_exchange", lambda *_: False)

    def replace():
        with atomic.atomic_folder(tmp_path / "folder", check=lambda: None) as work:
            (work / "file").write_bytes(b"new")

    with pytest.raises(WriteError, match=r"folder cannot be replaced in one step .*: remove it first"):
        replace()
    assert [path.name for path in tmp_path.rglob("*")] == ["folder"]
