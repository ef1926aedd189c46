"""Killed and concurrent writers, and indexes in use while their file changes."""

import resource
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import lsh
from tests.lsh.storage.index_files import answers, fit, make, vectors
from tests.stress import IS_STRESS

KILLS = 500 if IS_STRESS else 30
STATM = Path("/proc/self/statm")  # sizes of this process, in pages


def test_killed_and_concurrent_writers_leave_a_complete_file(root, tmp_path):
    fit("tables-cosine", vectors())  # compiles the kernels, which the writers would announce on stderr
    command = [sys.executable, "-m", "tests.lsh.storage.writers", str(tmp_path), str(KILLS), "0"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=2 * KILLS)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("kind", ["tables-cosine", "sketches-cosine"])
def test_an_index_in_use_keeps_working_when_its_file_is_replaced_or_removed(tmp_path, kind):
    path = tmp_path / "index"
    indexes = [make(kind, seed=seed) for seed in (1, 2)]
    lsh.save(indexes[0], path)
    loaded, expected = lsh.load(path), answers(indexes[0])
    searching = threading.Event()
    seen = []

    def search():
        while not searching.is_set():
            seen.append(answers(loaded) == expected)

    thread = threading.Thread(target=search)
    thread.start()
    for i in range(20):
        lsh.save(indexes[i % 2], path)
        assert answers(lsh.load(path)) == answers(indexes[i % 2])
    path.unlink()
    searching.set()
    thread.join()
    assert seen
    assert all(seen)
    assert answers(loaded) == expected


def test_an_index_read_into_memory_keeps_working_when_its_file_is_overwritten_in_place(tmp_path):
    path, index = tmp_path / "index", make("tables-euclidean")
    lsh.save(index, path)
    loaded = lsh.load(path, mapped=False)
    path.write_bytes(bytes(10))
    assert answers(loaded) == answers(index)


def test_a_large_index_is_mapped_and_not_read(tmp_path):
    """Loading without hashing touches ids only: vectors of far more bytes stay on disk."""
    X = np.random.default_rng(0).standard_normal((30_000, 256)).astype(np.float32)
    lsh.save(lsh.LSHIndex(n_tables=1, n_bits=8).fit(X), tmp_path / "index")
    if not STATM.exists():
        pytest.skip("this system does not tell how much memory a process has")
    before = resident()
    loaded = lsh.load(tmp_path / "index", verify=False)
    assert resident() - before < X.nbytes // 4
    loaded = lsh.load(tmp_path / "index")
    assert resident() - before < X.nbytes // 4  # what was only looked through is given back
    assert loaded.n == len(X)


def resident():
    """Return the bytes of this process that are in memory."""
    return int(STATM.read_text().split()[1]) * resource.getpagesize()
