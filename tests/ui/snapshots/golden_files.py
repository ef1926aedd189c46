"""Comparison with committed texts: words and whole numbers must be equal, decimals up to one unit in the last place."""

import difflib
import os
import re
from decimal import Decimal
from pathlib import Path

FOLDER = Path(__file__).with_name("golden")
SWITCH = "EARSHOT_WRITE_SNAPSHOTS"
COMMAND = "python -m tests.ui.snapshots"
COMPARED = set()  # paths of this run
_DECIMAL = re.compile(r"(-?\d+\.\d+(?:e[+-]?\d+)?)")


def compare(name, text):
    """Compare a text with the file of this name; with `SWITCH` set, write the file instead."""
    path = FOLDER / f"{name}.txt"
    COMPARED.add(path)
    text = text.rstrip("\n") + "\n"
    if os.environ.get(SWITCH) == "1":
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = path.read_text(encoding="utf-8") if path.exists() else ""
        if not same(kept, text):
            path.write_text(text, encoding="utf-8")
        return
    expected = path.read_text(encoding="utf-8") if path.exists() else ""
    if not same(expected, text):
        raise AssertionError(
            f"{path.name} is not what is shown now. If the change is meant, `{COMMAND}` writes the files anew; look at "
            f"what changed before you commit it.\n{difference(expected, text)}"
        )


def same(expected, shown):
    """Return whether two texts are equal up to one unit in the last place of their decimals."""
    return expected == shown or (
        len(lines := expected.splitlines()) == len(others := shown.splitlines()) and all(map(_same_line, lines, others))
    )


def difference(expected, shown):
    """Return the lines that differ as a unified diff; those that are the same but for last digits are left out."""
    lines, others = expected.splitlines(), shown.splitlines()
    if len(lines) == len(others):
        others = [line if _same_line(line, other) else other for line, other in zip(lines, others, strict=True)]
    return "\n".join(difflib.unified_diff(lines, others, "committed", "shown now", lineterm="", n=1))


def _same_line(line, other):
    if line == other:
        return True
    parts, others = _DECIMAL.split(line), _DECIMAL.split(other)
    return parts[::2] == others[::2] and all(map(_close, parts[1::2], others[1::2]))


def _close(text, other):
    a, b = Decimal(text), Decimal(other)
    unit = Decimal(1).scaleb(min(a.as_tuple().exponent, b.as_tuple().exponent))
    return abs(a - b) <= unit
