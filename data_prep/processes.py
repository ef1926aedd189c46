"""A process of this project's own: where it finds the project's modules, and what it said last."""

import os
from pathlib import Path
from typing import IO

_ROOT = Path(__file__).resolve().parents[1]


def environment() -> dict[str, str]:
    """Return this process's environment for `python -m` of a module of the project, wherever one stands."""
    path = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))
    return os.environ | {"PYTHONPATH": path}


def last_words(noise: IO[bytes]) -> str:
    """Return the last line that a process wrote to the file `noise`, to end a message with; "" if it wrote nothing."""
    noise.seek(0)
    lines = noise.read().decode(errors="replace").strip().splitlines()
    return f": {lines[-1].strip()}" if lines else ""
