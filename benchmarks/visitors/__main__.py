"""Visitors of the app, many at once and without browsers: `python -m benchmarks.visitors DATASET`.

Each visitor is a session that opens a page with a sound of its own, moves a slider, and goes on to another page,
thinking in between. On Listen it also goes on to another sound; on Ask it uploads one, if `EARSHOT_MODELS` is set. A
run is timed from the request until the server has sent the whole page; of one visitor alone, the mean processor time
of the server per run is printed too. The server is started here, unless `--address` names one. With `--drops`, so many
visitors then open a page and leave at once, and memory is compared with before. Exit code 1 if a run failed, or a
session received the sound or the upload of another one.
"""

import argparse
import asyncio
import contextlib
import itertools
import math
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.errors import BenchmarkError
from benchmarks.machine import describe, load
from benchmarks.markdown import table
from benchmarks.served_app import memory_mb, processor_s, served
from benchmarks.visitors.streamlit_client import StreamlitClient
from benchmarks.visitors.visitor import CLIPS, PAGES, Behaviour, Results, Run, Visitor, clips_for, visit
from data_prep.errors import DataError
from earshot_common import command_line
from earshot_common.command_line import whole_number

_DROPS_AT_ONCE, _FORGOTTEN_S = 20, 90.0  # a session is forgotten 60 s after it has left (.streamlit/config.toml)
_HEAD = ["page", "run", "number", "p50", "p95", "longest", "processor per run"]
_SUMMARY_HEAD = ["sessions", "think time", "runs", "p50", "p95", "longest", "errors", "processor per run", "own memory"]


def main(arguments: list[str] | None = None) -> int:
    """Print a table for each number of visitors; return the exit code (see `command_line.run`)."""
    options = _parser().parse_args(arguments)
    errors: list[str] = []
    code = command_line.run(lambda: errors.extend(_run(options)), (DataError, BenchmarkError))
    return code or int(bool(errors))


def _run(options: argparse.Namespace) -> list[str]:
    clips = clips_for(options.dataset, max(options.sessions))
    print(f"{describe()}\n")
    errors, summary = [], []
    with contextlib.ExitStack() as stack:
        address, pid = options.address, options.pid
        if address is None:
            process, address, _ = stack.enter_context(served(options.dataset.resolve(), workers=options.workers))
            pid = process.pid
        name = options.dataset.resolve().name
        does = Behaviour(name, options.pages, 0.01, new=False, uploads="EARSHOT_MODELS" in os.environ)
        if options.warm_up:
            _visits(address, 1, clips, does, options.warm_up)  # builds what is built once, and measures times
        for n, ms in itertools.product(options.sessions, options.think_ms):
            used, began = processor_s(pid) if pid else math.nan, time.monotonic()
            does_now = replace(does, think_s=ms / 1000, new=options.new)
            results = _visits(address, n, clips, does_now, options.seconds, pid)
            errors += _print(results, n, ms / 1000, time.monotonic() - began)
            used = (processor_s(pid) if pid else math.nan) - used
            each = f"{1000 * used / max(1, len(results.runs)):.1f} ms"
            print(f"server: {used:.1f} s of processor time, {each} per run; {_memory_text(pid)}\n" if pid else "")
            if results.runs:
                own = f"{memory_mb(pid).own:.0f} MB" if pid else "?"
                row = [str(n), f"{ms / 1000:g} s", *_times(results.runs)]
                summary.append([*row, str(results.errors.total()), each, own])
        print(table(_SUMMARY_HEAD, summary, ()), end="\n\n", flush=True)
        if options.drops and pid:
            print(f"before visitors who leave at once: {_memory_text(pid)}", flush=True)
            asyncio.run(_drop(address, options.drops, does))
            time.sleep(_FORGOTTEN_S)
            _visits(address, 1, clips, does, 1)  # Streamlit forgets sessions when another one comes
            print(f"after {options.drops:,} of them: {_memory_text(pid)}")
    return errors


def _memory_text(pid: int) -> str:
    resident, _, own = memory_mb(pid)
    return f"{resident:.0f} MB of memory, {own:.0f} MB of it its own (RssAnon)"


async def _drop(address: str, n: int, does: Behaviour) -> None:
    """Open the first page n times and leave while it is being drawn."""
    at_once = asyncio.Semaphore(_DROPS_AT_ONCE)

    async def visit() -> None:
        client = StreamlitClient(address)
        client.query = {"dataset": does.dataset}
        async with at_once, client.connected():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(client.run(""), 0.05)

    await asyncio.gather(*(visit() for _ in range(n)))


def _visits(
    address: str, n: int, clips: Sequence[str], does: Behaviour, seconds: float, pid: int | None = None
) -> Results:
    """Let n visitors visit the app at once for some seconds. pid: its process, whose time is measured for one alone."""
    results, measured = Results(), partial(processor_s, pid) if pid and n == 1 else None
    own = [clips[CLIPS * i : CLIPS * (i + 1)] for i in range(n)]
    visit([Visitor(i, address, own[i], results, does, measured) for i in range(n)], seconds)
    return results


def _print(results: Results, n: int, think_s: float, seconds: float) -> list[str]:
    """Print the times of the runs, and return the errors."""
    runs = results.runs
    print(f"{n} sessions, {think_s:g} s of think time: {len(runs) / seconds:.1f} runs per second, load {load()}\n")
    kinds = sorted({(run.page, run.kind) for run in runs})
    groups = {("all", "all"): runs} | {kind: [run for run in runs if run[:2] == kind] for kind in kinds}
    rows = [[*kind, *_times(some), _processor(some)] for kind, some in groups.items() if some]
    print(table(_HEAD, rows, (0, 1)))
    errors = [f"{text} ({times} times)" for text, times in results.errors.most_common()]
    print(f"\nerrors: {results.errors.total()}", *errors[:10], sep="\n  ", flush=True)
    return errors


def _times(runs: Sequence[Run]) -> list[str]:
    seconds = [run.seconds for run in runs]
    p50, p95 = np.percentile(seconds, [50, 95])
    return [str(len(runs)), *(f"{value:.3f} s" for value in (p50, p95, max(seconds)))]


def _processor(runs: Sequence[Run]) -> str:
    mean = float(np.mean([run.processor_s for run in runs]))
    return "-" if math.isnan(mean) else f"{1000 * mean:.1f} ms"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.visitors", description="Time the app with many visitors at once, without browsers."
    )
    add, number, seconds = parser.add_argument, whole_number(1, 10_000), whole_number(0, 3600)
    add("dataset", type=Path, metavar="DATASET", help="folder of a prepared dataset")
    visitors = (1, 25, 100, 200)
    text = "numbers of visitors (default: 1 25 100 200)"
    add("--sessions", type=number, nargs="+", default=visitors, metavar="N", help=text)
    text = "mean think times in milliseconds (default: 5000 1500)"
    add("--think-ms", type=whole_number(1, 600_000), nargs="+", default=(5000, 1500), metavar="MS", help=text)
    add("--seconds", type=seconds, default=60, metavar="S", help="length of each measurement (default: 60)")
    add("--warm-up", type=seconds, default=60, metavar="S", help="visits of one visitor before (default: 60)")
    add("--pages", nargs="+", choices=PAGES, default=PAGES, metavar="PAGE", help="pages to visit (default: all)")
    text = "visitors who leave at once (default: 0)"
    add("--drops", type=whole_number(0, 100_000), default=0, metavar="N", help=text)
    add("--new", action="store_true", help="move to settings whose figures are not known yet")
    text = "processes behind nginx (default: one alone)"
    add("--workers", type=whole_number(0, 64), default=0, metavar="N", help=text)
    add("--address", metavar="URL", help="address of a running app (default: one is started)")
    add("--pid", type=whole_number(1, 2**31 - 1), metavar="PID", help="process of that app, to measure it")
    return parser


if __name__ == "__main__":
    sys.exit(main())
