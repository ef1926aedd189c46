"""Soak test of the app: as many page runs as wanted, with its memory, files and processes: `--help` tells more.

25 visitors of all pages, in turns in each of the collections, move sliders without thinking, upload sounds on Ask if
`EARSHOT_MODELS` is set, and are replaced by new ones once a minute; in each tenth minute the index of a collection is
built anew under them. The collections are copies. Each minute becomes a line of JSON in a file; a later call goes on
from there with a new server. Exit code 1 if a run failed, a session received what is another one's, or the server's log
has an error.
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.errors import BenchmarkError
from benchmarks.machine import describe
from benchmarks.markdown import table
from benchmarks.served_app import children, memory_mb, served
from benchmarks.visitors.visitor import CLIPS, PAGES, Behaviour, Results, Visitor, clips_for, visit
from data_prep.errors import DataError
from earshot_common import command_line
from earshot_common.command_line import whole_number

_BUILD_EVERY = 10  # batches
_BUILD = [sys.executable, "-m", "lsh", "build"]
_SHOW_EVERY = 10
_THINK_S = 0.01
_FORGOTTEN_S = 90.0  # a session is forgotten 60 s after it has left (.streamlit/config.toml)
_HEAD = ("run", "own_mb", "open_files", "temporary_files", "processes", "threads")
_LOGGED_ERROR = re.compile(rb"Traceback|\bERROR\b|\bCRITICAL\b")


def main(arguments: list[str] | None = None) -> int:
    """Visit until the wanted number of runs is done; return the exit code (see `command_line.run`)."""
    options = _parser().parse_args(arguments)
    errors: list[str] = []
    code = command_line.run(lambda: errors.extend(_soak(options)), (DataError, BenchmarkError))
    return code or int(bool(errors))


def _soak(options: argparse.Namespace) -> list[str]:
    """Visit, print one row per minute and the errors, and return these."""
    clips = {path.resolve().name: clips_for(path, options.sessions) for path in options.datasets}
    print(describe(), flush=True)
    lines = [json.loads(line) for line in options.record.read_text().splitlines()] if options.record.exists() else []
    done, errors = lines[-1]["run"] if lines else 0, [error for line in lines for error in line["errors"]]
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("wb") as log:
        copies = [Path(shutil.copytree(path, Path(folder) / "data" / path.resolve().name)) for path in options.datasets]
        temporary = Path(folder) / "tmp"
        temporary.mkdir()
        with served(copies[0], environment={"TMPDIR": str(temporary)}, log=log) as (process, address, _):
            until = time.monotonic() + 60 * options.minutes
            while done < options.runs and time.monotonic() < until:
                results = Results()
                with _built_meanwhile(copies, len(lines), results):
                    visit(_visitors(address, clips, results, options.sessions), options.seconds)
                lines.append(_line(done, results, process.pid, temporary))
                done = lines[-1]["run"]
                errors += lines[-1]["errors"]
                with options.record.open("a") as record:
                    record.write(json.dumps(lines[-1]) + "\n")
                print(json.dumps(lines[-1]), flush=True)
            time.sleep(_FORGOTTEN_S)
            visit(_visitors(address, clips, Results(), 1), 1)  # Streamlit forgets sessions when another one comes
            left = _line(done, Results(), process.pid, temporary)
        logged = len(_LOGGED_ERROR.findall((Path(folder) / "log").read_bytes()))
    print(f"\n{done:,} of {options.runs:,} runs, {len(errors)} errors; the log of the last server has {logged}\n")
    shown = [*lines[:1], *lines[_SHOW_EVERY - 1 :: _SHOW_EVERY], left]
    print(*errors[:10], table(_HEAD, [[str(line[name]) for name in _HEAD] for line in shown], ()), sep="\n", flush=True)
    return [*errors, *["an error in the log"] * logged]


def _visitors(address: str, clips: dict[str, list[str]], results: Results, n: int) -> list[Visitor]:
    """Return n visitors, in turns of each dataset, with clips of their own."""
    uploads, names = "EARSHOT_MODELS" in os.environ, list(clips)
    visitors = []
    for i in range(n):
        name = names[i % len(names)]
        does = Behaviour(name, PAGES, _THINK_S, new=False, uploads=uploads)
        visitors.append(Visitor(i, address, clips[name][CLIPS * i : CLIPS * (i + 1)], results, does))
    return visitors


@contextlib.contextmanager
def _built_meanwhile(datasets: list[Path], number: int, results: Results) -> Iterator[None]:
    """Build the index of one of the datasets anew during each tenth batch, and count it as an error if that fails."""
    if number % _BUILD_EVERY != _BUILD_EVERY - 1:
        yield
        return
    dataset = datasets[number // _BUILD_EVERY % len(datasets)]
    with subprocess.Popen([*_BUILD, dataset], stdout=subprocess.DEVNULL) as build:
        yield
    if build.returncode:
        results.errors[f"the index of {dataset.name} was not built: exit code {build.returncode}"] += 1


def _line(done: int, results: Results, pid: int, temporary: Path) -> dict[str, Any]:
    """Return the runs so far, the errors of a batch, and what the server holds: memory, files, processes, threads."""
    processes = [pid, *children(pid)]
    return {
        "run": done + len(results.runs),
        "errors": [f"{text} ({times} times)" for text, times in results.errors.most_common()],
        "own_mb": round(memory_mb(pid).own),
        "open_files": sum(_entries(f"/proc/{process}/fd") for process in processes),
        "temporary_files": sum(1 for path in temporary.rglob("*") if path.is_file()),
        "processes": len(processes),
        "threads": sum(_entries(f"/proc/{process}/task") for process in processes),
    }


def _entries(folder: str) -> int:
    """Return the number of entries of a folder, 0 if it is gone."""
    try:
        return sum(1 for _ in Path(folder).iterdir())
    except OSError:
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.visitors.soak",
        description="Visit all pages very often, and report what is not given back.",
    )
    add, number = parser.add_argument, whole_number(1, 10_000_000)
    add("datasets", type=Path, nargs="+", metavar="DATASET", help="folders of prepared datasets, visited in turns")
    add("--record", type=Path, required=True, metavar="FILE", help="file of the minutes done, to which more are added")
    add("--runs", type=number, default=144_000, metavar="N", help="page runs in all (default: 144000)")
    add("--minutes", type=number, default=60, metavar="N", help="minutes of this call, at most (default: 60)")
    add("--seconds", type=number, default=60, metavar="S", help="length of a batch (default: 60)")
    add("--sessions", type=number, default=25, metavar="N", help="visitors at once (default: 25)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
