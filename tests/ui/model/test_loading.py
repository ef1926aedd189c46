"""Compilation of the search kernels in a separate process."""

import sys

import pytest

from lsh.warm import SEARCHABLE
from ui.model import loading


@pytest.fixture(autouse=True)
def _fresh():
    loading._kernels.clear()
    yield
    loading._kernels.clear()


@pytest.fixture
def started(monkeypatch):
    """Record the commands of processes; each is replaced by one that compiles nothing."""
    commands, start = [], loading.subprocess.Popen

    def popen(command, **options):
        commands.append(command)
        return start([sys.executable, "-c", f"print({SEARCHABLE!r})"], **options)

    monkeypatch.setattr(loading.subprocess, "Popen", popen)
    return commands


def test_kernels_are_compiled_once_in_a_separate_process(monkeypatch, started):
    monkeypatch.setattr(loading, "is_warm", lambda: False)
    loading._kernels()
    loading._kernels()
    assert started == [[sys.executable, "-m", "lsh.warm"]]


def test_compiled_kernels_start_no_process(monkeypatch, started):
    monkeypatch.setattr(loading, "is_warm", lambda: True)
    loading._kernels()
    assert started == []


def test_the_app_continues_if_no_process_can_be_started(monkeypatch):
    def refuse(*_, **__):
        raise OSError("no more processes")

    monkeypatch.setattr(loading, "is_warm", lambda: False)
    monkeypatch.setattr(loading.subprocess, "Popen", refuse)
    loading._kernels()
