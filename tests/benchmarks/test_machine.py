"""Descriptions of the machine on which something was measured."""

import json
import sys
from types import SimpleNamespace

import pytest

from benchmarks import machine


def test_memory_is_given_in_bytes():
    held = bytearray(50_000_000)
    assert 50e6 < machine.resident() <= machine.peak() < 1e11
    assert len(held) == 50_000_000


def test_memory_now_and_its_maximum_are_read_from_linuxs_status(monkeypatch):
    lines = "Name:\tVmRSS\nVmHWM:\t 300 kB\nVmRSS:\t 200 kB\nVmRSSx:\t 1 kB\n"
    monkeypatch.setattr(machine.Path, "read_text", lambda *_, **__: lines)
    assert (machine.resident(), machine.peak()) == (200 * 1024, 300 * 1024)


@pytest.mark.parametrize(("platform", "unit"), [("darwin", 1), ("linux", 1024)])
def test_without_linuxs_status_the_maximum_is_that_of_getrusage(monkeypatch, platform, unit):
    def missing(*_, **__):
        raise FileNotFoundError

    monkeypatch.setattr(machine.Path, "read_text", missing)
    monkeypatch.setattr(machine.sys, "platform", platform)
    usage = SimpleNamespace(RUSAGE_SELF=0, getrusage=lambda who: SimpleNamespace(ru_maxrss=123_456 + who))
    monkeypatch.setitem(sys.modules, "resource", usage)
    assert machine.resident() == machine.peak() == 123_456 * unit


def test_the_description_has_the_processor_memory_packages_and_load(monkeypatch):
    sizes = {"SC_PHYS_PAGES": 4_000_000, "SC_PAGE_SIZE": 4096}
    system = SimpleNamespace(sysconf_names=sizes, sysconf=sizes.get, cpu_count=lambda: 3, getloadavg=lambda: (0.567, 9))
    monkeypatch.setattr(machine, "os", system)
    monkeypatch.setattr(machine, "processor", lambda: "Some processor")
    names = {"system": "Linux", "machine": "x86_64", "python_version": "3.11.7"}
    monkeypatch.setattr(
        machine, "platform", SimpleNamespace(**{name: lambda value=value: value for name, value in names.items()})
    )
    monkeypatch.setattr(machine, "PACKAGES", ("numpy", "no-such-package"))
    monkeypatch.setattr(machine, "version", lambda name, known=machine.version: known(name) and "2.3")
    found = machine.describe()
    facts = {"cpu": "Some processor", "cores": 3, "memory_gb": 16, "system": "Linux x86_64", "python": "3.11.7"}
    assert found == facts | {"packages": {"numpy": "2.3"}, "load": 0.57}
    assert json.loads(json.dumps(found)) == found
    monkeypatch.setattr(machine, "os", SimpleNamespace(cpu_count=lambda: None))  # as on Windows
    assert machine.describe() == found | {"cores": None, "memory_gb": None, "load": None}
