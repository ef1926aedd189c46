"""Program of the tutorial: runs the Python blocks of docs/tutorial in order and writes what they print and draw.

`make tutorial` runs it, `make notebook` writes the same as one notebook, and `python -m tools.tutorial lines` counts
the lines of code. A block ```text after a Python block holds what that block prints; ```text measured holds times and
other figures that differ between two runs. The blocks of a chapter's solutions run after the chapter, on a copy of its
variables. Blocks marked ```python tensorflow are left out where TensorFlow is not installed.
"""

import argparse
import contextlib
import importlib.util
import io
import itertools
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from tools.count import code_lines

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "tutorial"
CHAPTERS = sorted(FOLDER.glob("[1-9]-*.md"))
SOLUTIONS = FOLDER / "solutions.md"
BLOCK = re.compile(
    r"^```python(?P<needs> tensorflow)?\n(?P<code>.*?)^```\n"
    r"(?P<printed>\n```text(?P<measured> measured)?\n(?P<output>.*?)^```\n)?",
    flags=re.MULTILINE | re.DOTALL,
)
NOTEBOOK = FOLDER.parents[1] / "build" / "tutorial.ipynb"
RELATIVE_LINK = re.compile(r"\]\((?!https?:|#)")
FIND_FOLDER = """import os
import sys

while not os.path.exists("docs/tutorial"):
    os.chdir("..")
sys.path.insert(0, os.getcwd())"""
TENSORFLOW = importlib.util.find_spec("tensorflow") is not None


def render(*, measured: bool) -> Iterator[tuple[Path, str]]:
    """Run all blocks; yield each chapter, and at last the solutions, with what they printed.

    measured: also write blocks of measured figures anew; else these keep what they held.
    """
    variables: dict[str, Any] = {"__name__": "tutorial"}
    solved, *sections = _solutions()
    for path, section in zip(CHAPTERS, sections, strict=True):
        yield path, _run(path, path.read_text(encoding="utf-8"), variables, measured=measured)
        solved += _run(SOLUTIONS, section, variables.copy(), measured=measured, lines_above=solved.count("\n"))
    yield SOLUTIONS, solved


def _solutions() -> list[str]:
    """Return what stands above the solutions, and those of each chapter."""
    return re.split(r"^(?=## Chapter)", SOLUTIONS.read_text(encoding="utf-8"), flags=re.MULTILINE)


def _run(path: Path, text: str, variables: dict[str, Any], *, measured: bool, lines_above: int = 0) -> str:
    """Run the blocks of a text, and return it with what they printed; lines_above: in the file, for error messages."""

    def run(match: re.Match[str]) -> str:
        if match["needs"] and not TENSORFLOW:
            return match[0]
        printed = io.StringIO()
        lines_before = "\n" * (
            lines_above + text.count("\n", 0, match.start("code"))
        )  # so that an error names its line
        with contextlib.redirect_stdout(printed), threadpool_limits(1):  # more threads would wait for each other
            exec(compile(lines_before + match["code"], str(path), "exec"), variables)  # noqa: S102 - this is its purpose
        head = f"```python{match['needs'] or ''}\n{match['code']}```\n"
        if match["measured"] and not measured:
            return head + match["printed"]
        output = printed.getvalue()
        return head + (f"\n```text{match['measured'] or ''}\n{output}```\n" if output else "")

    return BLOCK.sub(run, text)


def notebook() -> dict[str, Any]:
    """Return all chapters and the solutions as one notebook, without outputs, for any folder of the checkout."""
    cells = [_cell("code", FIND_FOLDER)]
    chapters = (path.read_text(encoding="utf-8") for path in CHAPTERS)
    sections = (section.replace("## Chapter", "## Solutions of chapter") for section in _solutions()[1:])
    for text in itertools.chain.from_iterable(zip(chapters, sections, strict=True)):
        end = 0
        for match in BLOCK.finditer(text):
            cells += [_cell("markdown", text[end : match.start()]), _cell("code", match["code"])]
            end = match.end()
        cells.append(_cell("markdown", text[end:]))
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {"language_info": {"name": "python"}}, "cells": cells}


def _cell(kind: str, text: str) -> dict[str, Any]:
    if kind == "code":
        return {"cell_type": kind, "metadata": {}, "source": text.strip(), "execution_count": None, "outputs": []}
    return {"cell_type": kind, "metadata": {}, "source": RELATIVE_LINK.sub("](../docs/tutorial/", text.strip())}


def lines_of_code(path: Path) -> int:
    """Return how many lines of a chapter's blocks hold code, without docstrings and comments."""
    return sum(code_lines(match["code"]) for match in BLOCK.finditer(path.read_text(encoding="utf-8")))


def main() -> int:
    """Write the chapters and the solutions, or the notebook, or count the chapters' code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "task",
        nargs="?",
        choices=("text", "notebook", "lines"),
        default="text",
        help="text: write output and figures into the chapters; notebook: write build/tutorial.ipynb; lines: count the "
        "lines of code (default: text)",
    )
    task = parser.parse_args().task
    if task == "lines":
        counts = {path.stem: lines_of_code(path) for path in CHAPTERS}
        print("\n".join(f"{n:4}  {name}" for name, n in (*counts.items(), ("in all", sum(counts.values())))))
        return 0
    if task == "notebook":
        NOTEBOOK.parent.mkdir(exist_ok=True)
        NOTEBOOK.write_text(json.dumps(notebook(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        print(f"wrote {NOTEBOOK}", file=sys.stderr)
        return 0
    for path, text in render(measured=True):
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path.name}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
