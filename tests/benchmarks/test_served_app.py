"""The app's server as a process: how it is started, waited for and ended, and what it uses; with files like /proc's."""

import contextlib
import os
import resource
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks import served_app
from benchmarks.errors import BenchmarkError
from benchmarks.served_app import Memory, children, memory_mb, processor_s, served


class Server:
    """A process that is started with these arguments, and answers after `refused` requests; -1: it ends at once."""

    def __init__(self, monkeypatch, refused):
        self.refused, self.requests, self.ended, self.slept, self.now = refused, [], [], [], 100.0
        monkeypatch.setattr(served_app.subprocess, "Popen", self.start)
        monkeypatch.setattr(served_app, "urlopen", self.open)
        clock = SimpleNamespace(monotonic=lambda: self.now, sleep=self.sleep)
        monkeypatch.setattr(served_app, "time", clock)

    def start(self, command, *, cwd, env, preexec_fn, stdout, stderr):
        self.command, self.cwd, self.env, self.limit = command, cwd, env, preexec_fn
        assert stdout is stderr is not subprocess.PIPE
        return self

    def poll(self):
        return 1 if self.refused < 0 else None

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += 10

    def open(self, address):
        self.requests.append(address)
        if len(self.requests) <= self.refused:
            raise ConnectionRefusedError
        return contextlib.nullcontext()

    def terminate(self):
        self.ended.append("terminated")

    def wait(self):
        self.ended.append("waited for")


def limit():
    """Do nothing to a new process."""


def test_the_server_is_started_waited_for_and_ended(monkeypatch):
    server = Server(monkeypatch, refused=5)  # the last answer is 50 s after the first request
    monkeypatch.setenv("OF_THIS_PROCESS", "1")
    with served(Path("/data/made"), Path("own.py"), 0, {"OF_THE_SERVER": "2"}, limit) as (process, address, began):
        assert (process, began, server.ended) == (server, 100.0, [])
        assert server.requests == [f"{address}/_stcore/health"] * 6
        assert server.slept == [0.1] * 5
        port = address.removeprefix("http://127.0.0.1:")
        assert 1024 < int(port) < 65_536
        options = {"--server.headless": "true", "--server.address": "127.0.0.1", "--server.port": port}
        words = [word for pair in options.items() for word in pair]
        assert server.command == [sys.executable, "-m", "streamlit", "run", "own.py", *words]
        assert (server.cwd, server.limit) == (Path(__file__).parents[2], limit)
        expected = {"EARSHOT_DATA": "/data", "EARSHOT_DATASET": "made", "OF_THIS_PROCESS": "1", "OF_THE_SERVER": "2"}
        assert {name: server.env.get(name) for name in expected} == expected
    assert server.ended == ["terminated", "waited for"]


def test_several_processes_are_started_behind_nginx(monkeypatch):
    server = Server(monkeypatch, refused=0)
    with served(Path("/data/made"), workers=3) as (_, address, _):
        port = address.rpartition(":")[2]
        assert server.command == [sys.executable, "tools/serve.py", "--workers", "3", "--port", port]
        assert server.limit is None
    assert server.env.keys() >= {"EARSHOT_DATA", "PATH"}


@pytest.mark.parametrize(("refused", "requests"), [(6, 6), (-1, 0)])  # 60 s without an answer; ended
def test_a_server_that_does_not_answer_is_reported_and_ended(monkeypatch, refused, requests):
    server = Server(monkeypatch, refused)
    with pytest.raises(BenchmarkError) as caught, served(Path("/data/made")):
        pytest.fail("it does not answer")
    port = server.command[-1]
    assert str(caught.value) == (
        f"no answer from http://127.0.0.1:{port}/_stcore/health; to see why, start it by hand: "
        f"{' '.join(map(str, server.command))}"
    )
    assert Path(server.command[4]) == Path(__file__).parents[2] / "app.py"
    assert (len(server.requests), server.ended) == (requests, ["terminated", "waited for"])


@pytest.fixture
def processes(tmp_path, monkeypatch):
    """Write a /proc of a process 10, its children 11, and 12 and 14 which have ended, and its grandchild 15."""
    monkeypatch.setattr(served_app, "Path", lambda text: tmp_path / text.removeprefix("/"))
    monkeypatch.setattr(served_app, "_TICKS", 10)
    for pid, sub, cmdline, scale in ((10, "11 12\n", b"a", 1), (11, "15", b"b\0c", 10), (12, "", b"", 100)):
        task = tmp_path / "proc" / str(pid) / "task" / str(pid)
        task.mkdir(parents=True)
        (task / "children").write_text(sub)
        own = task.parent.parent
        (own / "cmdline").write_bytes(cmdline)
        kilobytes = {"VmHWM": 3072 * scale, "VmRSS": 2048 * scale, "RssAnon": 1024 * scale}
        lines = [f"Name:\ta:b{pid}", *(f"{name}:\t    {value} kB" for name, value in kilobytes.items())]
        (own / "status").write_text("\n".join(lines) + "\n")
        numbers = [1 if 11 <= place < 15 else 1000 for place in range(20)]
        numbers[12] = 5 * scale
        (own / "stat").write_text(f"{pid} (a) b) " + " ".join(map(str, numbers)))
    monkeypatch.setattr(served_app, "_own_s", {10: 0.6, 11: 5.1}.__getitem__)
    (tmp_path / "proc/10/task/13").mkdir()
    (tmp_path / "proc/10/task/13/children").write_text("14")
    (tmp_path / "proc/15").mkdir()
    (tmp_path / "proc/15/cmdline").write_bytes(b"d")  # it ends before its figures are read


def test_the_clock_of_a_process_is_that_of_its_processor_time():
    before, seen, after = used(), served_app._own_s(os.getpid()), used()
    assert before <= seen <= after + 2e-6  # the two parts of `used` are cut to microseconds


def used():
    """Return the processor time of this process, user's and system's."""
    return sum(resource.getrusage(resource.RUSAGE_SELF)[:2])


@pytest.mark.usefixtures("processes")
def test_memory_and_processor_time_are_those_of_a_process_and_its_running_descendants():
    assert children(10) == [11, 15]
    assert memory_mb(10) == Memory(resident=22.0, peak=33.0, own=11.0)
    assert processor_s(10) == pytest.approx(0.6 + 5.1 + (1 + 1 + 1 + 1) / 10)
    assert (children(99), memory_mb(99), processor_s(99)) == ([], Memory(0.0, 0.0, 0.0), 0.0)
