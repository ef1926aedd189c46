"""A fresh machine compiles the kernels in a process of its own, and does without where there is none to be had."""

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
def begun(monkeypatch):
    """Record the commands of processes begun, and begin one that compiles nothing in their place."""
    commands, begin = [], loading.subprocess.Popen

    def popen(command, **options):
        commands.append(command)
        return begin([sys.executable, "-c", f"print({SEARCHABLE!r})"], **options)

    monkeypatch.setattr(loading.subprocess, "Popen", popen)
    return commands


def test_the_kernels_are_compiled_once_in_a_process_of_their_own(monkeypatch, begun):
    monkeypatch.setattr(loading, "is_warm", lambda: False)
    loading._kernels()
    loading._kernels()
    assert begun == [[sys.executable, "-m", "lsh.warm"]]


def test_compiled_kernels_begin_no_process(monkeypatch, begun):
    monkeypatch.setattr(loading, "is_warm", lambda: True)
    loading._kernels()
    assert begun == []


def test_without_another_process_the_app_goes_on(monkeypatch):
    def refuse(*_, **__):
        raise OSError("no more processes")

    monkeypatch.setattr(loading, "is_warm", lambda: False)
    monkeypatch.setattr(loading.subprocess, "Popen", refuse)
    loading._kernels()
