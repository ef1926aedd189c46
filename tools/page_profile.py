"""Profile of pages, `python -m tools.page_profile`: what a move of the slider K costs in each's script.

Each page is drawn by itself in this process, with settings whose figures are known. Its processor time per move is
measured first without the profiler, which lengthens it; then the functions of `ui` are printed that take most of it,
with their shares, those that they call included, so that shares overlap. The server's event loop, the protocol and the
navigation are not part of it: `python -m benchmarks.visitors` measures all.
"""

import argparse
import cProfile
import logging
import os
import pstats
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.testing.v1 import AppTest

from app import PAGES
from benchmarks.errors import BenchmarkError
from benchmarks.machine import describe
from benchmarks.markdown import table
from benchmarks.visitors.visitor import BITS, clips_for
from data_prep.errors import DataError
from earshot_common import command_line
from earshot_common.command_line import whole_number

_WHOLE = {"show", "enter"}  # functions that draw all of a page, or all around it
_FOLDER = Path(__file__).parents[1] / "ui"
_HEAD = ("page", "ms per move", "calls", "functions of ui that take most of it")


def main(arguments: list[str] | None = None) -> int:
    """Print a row per page; return the exit code (see `command_line.run`)."""
    options = _parser().parse_args(arguments)
    return command_line.run(lambda: _run(options), (DataError, BenchmarkError))


def _run(options: argparse.Namespace) -> None:
    dataset = options.dataset.resolve()
    clip = clips_for(dataset, 1)[0]
    print(f"{describe()}\n")
    warnings = logging.getLogger("streamlit.runtime.scriptrunner_utils.script_run_context")  # there is no browser
    with (
        mock.patch.object(warnings, "disabled", new=True),
        mock.patch.dict(os.environ, EARSHOT_DATA=str(dataset.parent)),
    ):
        link = {"dataset": dataset.name, "clip": clip, "lens": "on"}
        rows = [_row(module, link, options) for *_, module in PAGES]
    print(table(_HEAD, rows, (0, 3)), flush=True)


def _row(module: str, link: dict[str, str], options: argparse.Namespace) -> list[str]:
    """Return the row of a page; raise BenchmarkError if it shows an exception."""
    page = AppTest.from_function(draw_page, default_timeout=300, args=(module,))
    for name, value in link.items():
        page.query_params[name] = value
    page.run()
    for _ in range(2):
        _move(page, len(BITS))
    with _each_run(time.thread_time) as seconds:
        _move(page, options.moves)
    profile = cProfile.Profile(time.thread_time)
    with _each_run(time.thread_time, profile):
        _move(page, options.moves)
    if page.exception:
        raise BenchmarkError(f"{module} shows an exception; open the page to see it: streamlit run app.py")
    stats: Any = pstats.Stats(profile)
    own = [
        (entry[3] / stats.total_tt, f"{Path(file).relative_to(_FOLDER).with_suffix('').as_posix()}:{name}")
        for (file, _, name), entry in stats.stats.items()
        if Path(file).is_relative_to(_FOLDER) and name.isidentifier() and name not in _WHOLE
    ]
    most = ", ".join(f"{name} {share:.0%}" for share, name in sorted(own, reverse=True)[: options.functions])
    calls = round(stats.total_calls / options.moves)
    return [module.removeprefix("ui.pages."), f"{1000 * np.median(seconds):.1f}", f"{calls:,}", most]


def draw_page(module: str) -> None:
    """Draw a page; AppTest takes this text alone, without what is imported above."""
    from importlib import import_module

    from ui.frame import shell
    from ui.model import session

    shell.set_up()
    session.repeat_moves(by_back=False)  # as app.py does
    context = shell.enter()
    if context is not None:
        import_module(module).show(context)


def _move(page: AppTest, times: int) -> None:
    for move in range(times):
        page.slider(key="K").set_value(BITS[move % len(BITS)]).run()


@contextmanager
def _each_run(clock: Callable[[], float], profile: cProfile.Profile | None = None) -> Iterator[list[float]]:
    """Yield the processor times of the runs of scripts, in their threads, with a profile of them where one is given."""
    seconds: list[float] = []
    unmeasured: Any = ScriptRunner._run_script  # noqa: SLF001

    def measured(self: ScriptRunner, *given: Any, **named: Any) -> None:
        began = clock()
        if profile is not None:
            profile.enable()
        try:
            unmeasured(self, *given, **named)
        finally:
            if profile is not None:
                profile.disable()
            seconds.append(clock() - began)

    with mock.patch.object(ScriptRunner, "_run_script", measured):
        yield seconds


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.page_profile", description="Profile a move of the slider K on each page."
    )
    add = parser.add_argument
    add("dataset", type=Path, metavar="DATASET", help="folder of a prepared dataset, with clips in its test split")
    add("--moves", type=whole_number(1, 1000), default=25, metavar="N", help="moves to measure (default: 25)")
    functions = "functions to print per page (default: 4)"
    add("--functions", type=whole_number(1, 50), default=4, metavar="N", help=functions)
    return parser


if __name__ == "__main__":
    sys.exit(main())
