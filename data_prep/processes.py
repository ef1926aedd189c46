"""Subprocesses that run a module of this project: their environment variables, and the last line of their output."""

import os
from pathlib import Path
from typing import IO

_ROOT = Path(__file__).resolve().parents[1]


def environment() -> dict[str, str]:
    """Return this process's environment, in which `python -m` finds the project's modules from any folder."""
    path = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))
    return os.environ | {"PYTHONPATH": path}


def last_line(output: IO[bytes]) -> str:
    """Return ": " and the last line of the file `output`, to complete an error message; "" if it is empty."""
    output.seek(0)
    lines = output.read().decode(errors="replace").strip().splitlines()
    return f": {lines[-1].strip()}" if lines else ""
