"""Memory freed by threads returns to the system."""

import gc
import platform
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from ui.server import memory

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """
import re, threading
from pathlib import Path
import numpy as np
from ui.server.memory import return_freed

def resident_mb():
    return int(re.search(r"VmRSS:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

def work():
    for _ in range(2):
        np.ones(3_000_000)  # 24 MB

return_freed()
work()
before = resident_mb()
threads = [threading.Thread(target=work) for _ in range(3)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(resident_mb() - before)
"""


def test_the_limits_are_set_by_their_numbers(monkeypatch):
    asked = []
    library = SimpleNamespace(mallopt=lambda *pair: asked.append(pair))
    monkeypatch.setattr(memory, "ctypes", SimpleNamespace(CDLL=lambda _: library))
    monkeypatch.setattr(memory, "sys", SimpleNamespace(platform="linux"))
    memory.return_freed.__wrapped__()
    assert asked == [(-3, 9 * 2**20), (-1, 16 * 2**20), (-8, 2)]
    del library.mallopt  # as with another library of C
    memory.return_freed.__wrapped__()
    monkeypatch.setattr(memory, "sys", SimpleNamespace(platform="darwin"))
    memory.return_freed.__wrapped__()
    assert len(asked) == 3


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the limits are those of glibc")
def test_memory_freed_by_threads_returns_to_the_system():
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True)
    assert float(done.stdout) < 10


def test_no_garbage_is_collected_during_a_start_and_what_it_loaded_is_left_out_afterwards():
    def start():
        assert not gc.isenabled()
        raise ValueError("a damaged dataset")

    gc.unfreeze()
    with pytest.raises(ValueError, match="damaged"):
        memory.without_collections()(start)()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 1000
    gc.unfreeze()
