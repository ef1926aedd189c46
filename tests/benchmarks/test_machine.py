import sys
from types import SimpleNamespace

import pytest

from benchmarks import machine


def test_memory_is_given_in_bytes(monkeypatch):
    held = bytearray(50_000_000)
    assert 50e6 < machine.resident() <= machine.peak() < 1e11
    assert len(held) == 50_000_000


@pytest.mark.parametrize(("platform", "unit"), [("darwin", 1), ("linux", 1024)])
def test_without_linuxs_status_the_maximum_is_that_of_getrusage(monkeypatch, platform, unit):
    def missing(*_, **__):
        raise FileNotFoundError

    monkeypatch.setattr(machine.Path, "read_text", missing)
    monkeypatch.setattr(machine.sys, "platform", platform)
    usage = SimpleNamespace(RUSAGE_SELF=0, getrusage=lambda who: SimpleNamespace(ru_maxrss=123_456 + who))
    monkeypatch.setitem(sys.modules, "resource", usage)
    assert machine.resident() == machine.peak() == 123_456 * unit
