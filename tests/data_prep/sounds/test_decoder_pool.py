"""The pool of decoder processes: limits on time and memory, crashes, order, and nothing left running."""

import os
import select
import signal
import struct
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from data_prep.errors import InputError
from data_prep.sounds import audio, decoder_pool
from data_prep.sounds.decoder_pool import DecoderPool
from tests.data_prep.sounds.sound_bytes import by_libsndfile, inserted

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux only")


def pool_that(does, monkeypatch, **limits):
    """Return a pool of one worker that runs a statement in place of decoding, and the limits that are changed."""
    for name, seconds in limits.items():
        monkeypatch.setattr(decoder_pool, name, seconds)
    lines = [
        "import os, signal, time",
        "from data_prep.sounds import decoder_worker",
        "def fail(**facts):",
        f"    {does}",
    ]
    lines += [
        "    yield {}, [decoder_worker.np.empty(0)]",
        "decoder_worker.CALLS['clips'] = lambda source, **facts: fail(**facts)",
    ]
    return DecoderPool(1, (sys.executable, "-c", "\n".join([*lines, "decoder_worker.main()"])))


def is_running(pid):
    """Return whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.mp3"])
def test_clips_and_spans_are_those_of_the_decoder(write, name):
    path, pool = write(name, seconds=25.0, rate=44_100, channels=2), DecoderPool()
    for source in (path, path.read_bytes()):
        for ours, theirs in zip(pool.read_clips(source, "it"), audio.read_clips(source, "it"), strict=True):
            np.testing.assert_array_equal(ours.samples, theirs.samples)
            assert (ours.start_s, ours.end_s, ours.note) == (theirs.start_s, theirs.end_s, theirs.note)
        np.testing.assert_array_equal(pool.read_span(source, 3.0, 5.0, "it"), audio.read_span(source, 3.0, 5.0, "it"))
        assert pool.for_browser(source, 1.0, 2.0, "it") == audio.for_browser(source, 1.0, 2.0, "it")


def test_files_are_decoded_in_order_and_a_refused_one_loses_no_other(write, sounds):
    paths = [write(f"{i}.wav", seconds=0.1 * (i + 1)) for i in range(5)]
    (sounds / "bad.wav").write_bytes(b"MZ" + bytes(500))
    paths.insert(2, sounds / "bad.wav")
    found = []
    for clips in DecoderPool().read_files(paths, "it"):
        try:
            found += [round(clip.end_s, 3) for clip in clips]
        except InputError as error:
            found.append(str(error)[:20])
    assert found == [0.1, 0.2, "it cannot be decoded", 0.3, 0.4, 0.5]


def test_files_that_are_not_wanted_after_all_leave_the_pool_usable(write):
    path, pool = write("a.wav", seconds=60.0), DecoderPool()
    with closing(pool.read_files([path] * 5, "it")) as files:
        assert next(next(files)).end_s == 10.0
    assert len(list(islice(pool.read_clips(path, "it"), 3))) == 3
    assert len(list(pool.read_clips(path, "it"))) == 6


@pytest.mark.parametrize(
    ("does", "limits"),
    [
        ("while True: pass", {"_COMPUTING_S": 0.0}),
        ("time.sleep(1000)", {"_WAITING_S": 0.2}),
        ("os.kill(os.getpid(), signal.SIGSTOP)", {"_WAITING_S": 0.2}),
    ],
)
def test_a_file_that_hangs_is_refused_by_name_and_its_worker_ends(write, monkeypatch, does, limits):
    pool, workers = pool_that(does, monkeypatch, **limits), []
    run = decoder_pool._Worker.begin
    monkeypatch.setattr(decoder_pool._Worker, "begin", lambda worker, *a: workers.append(worker) or run(worker, *a))
    with pytest.raises(InputError, match=r"^kick\.wav takes too long to be decoded"):
        list(pool.read_clips(write("a.wav"), "kick.wav"))
    (worker,) = workers
    assert worker.process.poll() is not None
    assert not is_running(worker.process.pid)


def test_a_wav_that_libsndfile_never_finishes_to_open_ends_in_time(sounds, monkeypatch):
    monkeypatch.setattr(decoder_pool, "_COMPUTING_S", 0.0)
    info = b"INFOxxxx" + struct.pack("<I", 0xFFFF_FFF8) + b"abcd"  # in libsndfile 1.2.2, this size is added and wraps
    chunk = b"LIST" + struct.pack("<I", len(info)) + info
    (sounds / "hang.wav").write_bytes(inserted(by_libsndfile("WAV", seconds=0.1), b"data", chunk))
    pool = DecoderPool()
    with suppress(InputError):  # a later libsndfile may decode it
        list(pool.read_clips(sounds / "hang.wav", "it"))
    assert len(list(pool.read_clips(by_libsndfile(), "it"))) == 1


def test_an_upload_has_a_time_limit_of_its_own(write, monkeypatch):
    pool = pool_that("time.sleep(1000)", monkeypatch, UPLOAD_S=0.2)
    with pytest.raises(InputError, match="takes too long"):
        list(pool.read_clips(write("a.wav").read_bytes(), "it"))


@LINUX
def test_a_file_that_needs_much_memory_is_refused_by_name(write, monkeypatch):
    pool = pool_that("bytearray(10**10)", monkeypatch)
    with pytest.raises(InputError, match=r"^it needs more than 256 MB of memory"):
        list(pool.read_clips(write("a.wav"), "it"))


@LINUX
def test_limits_that_the_process_was_given_are_kept(write):
    limit = "import resource as r; r.setrlimit(r.RLIMIT_AS, (4 << 30, 4 << 30)); r.setrlimit(r.RLIMIT_CPU, (60, 60))"
    code = f"{limit}\nfrom data_prep.sounds import decoder_worker\ndecoder_worker.main()"
    pool = DecoderPool(1, (sys.executable, "-c", code))
    for _ in range(2):
        assert len(list(pool.read_clips(write("a.wav"), "it"))) == 1


@LINUX
def test_200_mb_may_be_used(write, monkeypatch):
    pool = pool_that("bytearray(200_000_000)", monkeypatch)
    with pytest.raises(KeyError, match="measures"):  # the worker answers with a part that is no clip
        list(pool.read_clips(write("a.wav"), "it"))


def test_a_file_that_crashes_the_decoder_is_refused_by_name_and_the_next_is_decoded(write, monkeypatch):
    pool = pool_that("os.kill(os.getpid(), signal.SIGSEGV)", monkeypatch)
    path = write("a.wav")
    for _ in range(2):
        with pytest.raises(InputError, match=r"^it cannot be decoded \(its decoder crashed\)"):
            list(pool.read_clips(path, "it"))
    assert len(list(DecoderPool().read_clips(path, "it"))) == 1


def test_many_visitors_share_the_workers(write, monkeypatch):
    path, pool = write("a.wav", seconds=30.0), DecoderPool(2)
    lock, at_once, most = threading.Lock(), [0], [0]
    begin, give = decoder_pool._Worker.begin, decoder_pool._IDLE.give

    def count(change):
        with lock:
            at_once[0] += change
            most[0] = max(most[0], at_once[0])

    monkeypatch.setattr(decoder_pool._Worker, "begin", lambda worker, *a: count(1) or begin(worker, *a))
    monkeypatch.setattr(decoder_pool._IDLE, "give", lambda worker: count(-1) or give(worker))
    with ThreadPoolExecutor(8) as threads:
        lengths = threads.map(lambda _: len(list(pool.read_clips(path, "it"))), range(24))
    assert list(lengths) == [3] * 24
    assert most[0] == 2


def test_a_visitor_is_told_when_all_workers_are_busy(write, monkeypatch):
    monkeypatch.setattr(decoder_pool, "_BUSY_S", 0.01)
    path, pool = write("a.wav", seconds=60.0), DecoderPool(1)
    with closing(pool.read_clips(path, "it")) as clips:
        next(clips)
        with pytest.raises(InputError, match="too many sounds are waiting; try again in a minute"):
            list(pool.read_clips(path, "it"))


HUNG_PARENT = """
import sys
from data_prep.sounds.decoder_pool import DecoderPool
spin = "from data_prep.sounds import decoder_worker as w\\nimport os\\ndef hang(source, **facts):\\n"
spin += "    yield {"pid": os.getpid()}, b''\\n    while True: pass\\n"
spin += "w.CALLS['clips'] = hang\\nw.main()"
with DecoderPool(1, (sys.executable, "-c", spin))._asked("clips", b"x", "it", max_s=None) as parts:
    print(next(parts)[0]["pid"], flush=True)
    sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_hung_worker_ends_with_the_process_that_started_it(root, ending):
    code = HUNG_PARENT.replace('"pid"', "'pid'")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([sys.executable, "-c", code], cwd=root, text=True, **pipes) as parent:
        worker = int(parent.stdout.readline())
        assert is_running(worker)
        parent.send_signal(ending)
        parent.wait()
        end = os.pidfd_open(worker) if is_running(worker) else None
    if end is not None:
        poll = select.poll()
        poll.register(end)
        assert poll.poll(60_000)
        os.close(end)
    assert not is_running(worker)


def test_the_worker_imports_neither_the_app_nor_numba(root):
    code = "import sys, data_prep.sounds.decoder_worker, av; print([m for m in {} if m in sys.modules])"
    unwanted = ["streamlit", "numba", "ai_edge_litert", "pyarrow", "pandas"]
    done = subprocess.run([sys.executable, "-c", code.format(unwanted)], cwd=root, capture_output=True, check=True)
    assert done.stdout.strip() == b"[]"


def test_the_process_that_uses_the_pool_does_not_load_ffmpeg(root):
    code = "import sys, data_prep.sounds.decoder_pool; print('av' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, check=True)
    assert done.stdout.strip() == b"False"
