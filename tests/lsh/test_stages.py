"""Stages of a long build: logged at INFO with their seconds, and silent by default."""

import logging
import re

import numpy as np
import pytest

import lsh
from earshot_common import stages
from lsh.__main__ import main
from tests.commands import runner

TABLES = ["hash functions", "hashing", "measuring the default setting", "sorting the tables"]
SKETCHES = ["learning the buckets", "sorting into buckets and sketching", "measuring the default setting"]


@pytest.mark.parametrize(("kind", "expected"), [(lsh.LSHIndex, TABLES), (lsh.SketchIndex, SKETCHES)])
def test_the_stages_of_a_build_are_logged_with_their_seconds(kind, expected, caplog, monkeypatch):
    X = np.random.default_rng(0).standard_normal((50, 4))
    monkeypatch.setattr(stages, "MIN_S", 0.0)
    kind().fit(X)
    assert not [record for record in caplog.records if record.levelno == logging.INFO]
    with caplog.at_level(logging.INFO, "lsh"):
        kind().fit(X)
    messages = [record.getMessage() for record in caplog.records if record.name == "lsh"]
    assert sorted({message.split(":")[0] for message in messages}) == sorted(expected)
    assert all(re.fullmatch(r"[a-z ]+: \d+\.\d s", message) for message in messages)


def test_a_stage_that_takes_longer_says_every_two_seconds_how_much_is_done(caplog, monkeypatch):
    clock = iter([0.0, 0.1, 1.9, 2.0, 3.9, 4.1])
    monkeypatch.setattr(stages.time, "perf_counter", lambda: next(clock))
    with caplog.at_level(logging.INFO, "lsh"):
        assert list(stages.steps("lsh", "sorting", "abcde")) == list("abcde")
    assert [record.getMessage() for record in caplog.records] == ["sorting: 40 %", "sorting: 80 %"]


@pytest.mark.parametrize("kind", [lsh.LSHIndex, lsh.SketchIndex])
def test_the_longest_stages_of_a_build_say_how_much_is_done(kind, caplog, monkeypatch):
    monkeypatch.setattr(stages, "EVERY_S", 0.0)
    with caplog.at_level(logging.INFO, "lsh"):
        kind().fit(np.random.default_rng(0).standard_normal((50, 4)))
    names = {record.getMessage().split(":")[0] for record in caplog.records if record.getMessage().endswith(" %")}
    of_tables, of_sketches = (
        {"hashing", "sorting the tables"},
        {"learning the buckets", "sorting into buckets", "sketching"},
    )
    assert names == (of_tables if kind is lsh.LSHIndex else of_sketches)


def test_a_stage_of_less_than_a_tenth_of_a_second_is_not_logged(caplog):
    with caplog.at_level(logging.INFO, "lsh"):
        stages.stage("lsh", "short")(lambda: None)()
    assert not caplog.records


def test_a_build_on_the_command_line_shows_its_stages(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(stages, "MIN_S", 0.0)
    monkeypatch.setattr(stages, "EVERY_S", 0.0)
    np.save(tmp_path / "X.npy", np.random.default_rng(0).standard_normal((300, 4)))
    run = runner(main, capsys)
    code, _, err = run("build", tmp_path / "X.npy", "--out", tmp_path / "X.lsh", "--kind", "sketches")
    lines = err.splitlines()
    assert code == 0
    assert {"learning the buckets: 88 %", "sketching: 0 %"} <= set(lines)
    assert {line.split(":")[0] for line in lines if re.search(r": \d+\.\d s$", line)} == set(SKETCHES)
    assert run("search", tmp_path / "X.lsh", tmp_path / "X.npy", "--out", tmp_path / "found.npz")[0] == 0
    assert not logging.getLogger("lsh").handlers
    assert logging.getLogger("lsh").level == logging.NOTSET
