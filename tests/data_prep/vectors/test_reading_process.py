"""Reading in a process of its own: no file of vectors can hang, fill or crash the program, and a stop ends it."""

import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from data_prep.dataset import open_dataset, verify_dataset
from data_prep.errors import InputError, StoppedError
from data_prep.vectors import reading_process
from data_prep.vectors.preview import preview
from data_prep.vectors.reading_process import PREPARATION, Limits, prepare_apart, preview_apart

GRASPING = "import data_prep.vectors.worker as w, numpy as np\nw.CALLS['preview'] = lambda *_, **__: np.ones(10**9)\n"
SPINNING = (
    "import itertools, data_prep.vectors.worker as w\nw.CALLS['preview'] = lambda *_, **__: sum(itertools.count())\n"
)
ABORTING = "import os, data_prep.vectors.worker as w\nw.CALLS['preview'] = lambda *_, **__: os.abort()\n"
SLEEPING = "import time, data_prep.vectors.worker as w\nw.CALLS['prepare'] = lambda *_, **__: time.sleep(60)\n"


def limits(code, memory_bytes=300_000_000, computing_s=60.0):
    return Limits(memory_bytes, computing_s, command=(sys.executable, "-c", f"{code}w.main()"))


@pytest.fixture
def file(tmp_path):
    np.save(tmp_path / "x.npy", np.random.default_rng(0).standard_normal((30, 4), dtype=np.float32))
    return tmp_path / "x.npy"


def test_a_preview_and_a_collection_are_those_made_in_this_process(file, tmp_path):
    assert preview_apart(file) == preview(file)
    seen = []
    outcome = prepare_apart(file, tmp_path / "out", progress=lambda done, total: seen.append((done, total)))
    assert (outcome.n_clips, outcome.dim, seen[-1]) == (30, 4, (30, 30))
    assert verify_dataset(tmp_path / "out") == []
    assert np.array_equal(np.sort(open_dataset(tmp_path / "out").features("train"), 0), np.sort(np.load(file), 0))


def test_rows_left_out_keep_their_numbers(tmp_path):
    values = np.ones((5, 3))
    values[2, 1] = np.nan
    np.save(tmp_path / "x.npy", values)
    assert prepare_apart(tmp_path / "x.npy", tmp_path / "out").left_out == {2: "number 1 is NaN"}


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux alone")
def test_a_file_that_takes_too_much_memory_is_refused_by_name(file):
    with pytest.raises(InputError, match=r"x.npy needs more than 0.3 GB of memory to be read here"):
        preview_apart(file, limits=limits(GRASPING))
    with pytest.raises(InputError, match=r"x.npy needs more than 0.0 GB of memory"):  # its first allocation fails
        preview_apart(file, limits=limits(GRASPING, memory_bytes=10**7))


def test_a_file_that_takes_too_long_is_refused_by_name(file):
    with pytest.raises(InputError, match=r"x.npy takes too long to be read"):
        preview_apart(file, limits=limits(SPINNING, computing_s=0.3))


def test_a_process_that_gives_no_sign_is_ended(file, monkeypatch):
    monkeypatch.setattr(reading_process, "_SILENT_S", 0.2)
    with pytest.raises(InputError, match=r"x.npy takes too long to be read"):
        prepare_apart(file, file.parent / "out", limits=limits(SLEEPING))


def test_a_crash_is_a_refusal_by_name(file):
    with pytest.raises(InputError, match=r"x.npy cannot be read .*SIGABRT"):
        preview_apart(file, limits=limits(ABORTING))


def test_a_refusal_is_said_as_it_is(tmp_path):
    np.save(tmp_path / "x.npy", np.ones((3, 4, 5)))
    with pytest.raises(InputError, match="--pool mean"):
        prepare_apart(tmp_path / "x.npy", tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["x.npy"]


def test_a_stop_ends_the_process_and_removes_what_was_written(tmp_path):
    np.save(tmp_path / "x.npy", np.ones((300_000, 128), np.float32))
    begun = threading.Event()
    with pytest.raises(StoppedError):
        prepare_apart(
            tmp_path / "x.npy",
            tmp_path / "out",
            progress=lambda _done, _total: begun.set(),
            should_stop=begun.is_set,
            limits=PREPARATION,
        )
    assert [path.name for path in tmp_path.iterdir()] == ["x.npy"]


def test_the_process_ends_with_the_one_that_asked():
    code = "import time, data_prep.vectors.worker as w\nw.CALLS['preview'] = lambda *_, **__: time.sleep(60)\nw.main()"
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    asked = {"vector": None, "roles": {}, "time_unit": None, "audio_folder": None, "pool": False}
    call = {"call": "preview", "vectors": "x", "meta": None, "asked": asked, "memory_bytes": 10**9, "computing_s": 60.0}
    reading_process.write_message(process.stdin, call)
    time.sleep(0.1)
    process.stdin.close()
    assert process.wait(timeout=30) == 1
    process.stdout.close()
