"""Soak test: what is counted, how a later call goes on, and which faults fail it."""

import contextlib
import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks.visitors import soak
from benchmarks.visitors.visitor import PAGES, Run
from tests.ui.apptest import write_small


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Return a function that soaks two small datasets, each batch 100 runs, and what it asked for and printed."""
    datasets = [write_small(tmp_path / name, {"train": 40, "validation": 4, "test": 12}) for name in ("one", "two")]
    record, batches, slept = tmp_path / "record.jsonl", [], []

    def soaked(*options, errors=(), logged=b"", built=0):
        @contextlib.contextmanager
        def served(dataset, environment, log):
            assert dataset.name == "one"
            assert dataset.parent != datasets[0].parent
            soaked.copies = {path.name for path in dataset.parent.iterdir()}
            soaked.temporary = environment["TMPDIR"]
            yield SimpleNamespace(pid=os.getpid()), "http://here", 0.0
            log.write(logged)
            log.flush()

        def visit(visitors, seconds):
            if len(visitors) == 1:  # the one after all others have left
                assert (seconds, slept[-1:]) == (1, [90.0])
                return
            batches.append([visitor._does.dataset for visitor in visitors])
            assert [len(visitor._clips) for visitor in visitors] == [4, 4, 4]
            assert all(visitor._does.pages == PAGES for visitor in visitors)
            assert seconds == 7
            Path(soaked.temporary, f"left-{len(batches)}").touch()
            visitors[0]._results.runs += [Run("listen", "opened", 0.1)] * 100
            visitors[0]._results.errors.update(errors)

        for name, value in {"served": served, "visit": visit}.items():
            monkeypatch.setattr(soak, name, value)
        monkeypatch.setattr(soak, "_BUILD", [sys.executable, "-c", f"import sys; sys.exit({built})"])
        monkeypatch.setattr(soak.time, "sleep", slept.append)
        arguments = [*map(str, datasets), "--record", str(record), "--sessions", "3", "--seconds", "7", *options]
        code = soak.main(arguments)
        return code, capsys.readouterr().out

    soaked.record, soaked.batches, soaked.slept = record, batches, slept
    return soaked


def test_a_later_call_goes_on_until_all_runs_are_done(run):
    code, out = run("--runs", "250")
    assert (code, len(run.batches), run.slept) == (0, 3, [90.0])
    assert run.batches[0] == ["one", "two", "one"]
    assert run.copies == {"one", "two"}
    assert "300 of 250 runs, 0 errors" in out
    lines = [json.loads(line) for line in run.record.read_text().splitlines()]
    assert [line["run"] for line in lines] == [100, 200, 300]
    assert [line["temporary_files"] for line in lines] == [1, 2, 3]
    assert all(line["own_mb"] > 10 and line["processes"] >= 1 and line["threads"] >= 1 for line in lines)
    assert all(line["open_files"] >= 3 for line in lines)
    code, out = run("--runs", "500")
    assert (code, len(run.batches)) == (0, 5)
    assert [line["run"] for line in map(json.loads, run.record.read_text().splitlines())][3:] == [400, 500]
    assert out.splitlines()[-1].split("|")[1].strip() == "500"  # after all have left


def test_errors_of_runs_and_of_the_log_fail_it(run):
    code, out = run("--runs", "100", errors={"a page says: no": 2})
    assert code == 1
    assert "a page says: no (2 times)" in out
    run.record.unlink()
    code, out = run("--runs", "100", logged=b"Traceback (most recent call last):\n")
    assert code == 1
    assert "the log of the last server has 1" in out


def test_each_tenth_batch_builds_an_index_and_a_failure_is_an_error(run):
    assert run("--runs", "900", built=3)[0] == 0
    code, out = run("--runs", "1000", built=3)
    assert code == 1
    assert "the index of one was not built: exit code 3" in out
