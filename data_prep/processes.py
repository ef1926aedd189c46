"""Subprocesses that run a module of this project: their environment variables, messages, and last line of output."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

Message = tuple[dict[str, Any], list[npt.NDArray[Any]]]  # facts, as JSON has them, and arrays

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


def write_message(pipe: IO[bytes], facts: dict[str, Any], arrays: Sequence[npt.NDArray[Any]] = ()) -> None:
    """Write a message: a line of JSON, with facts and the layouts of arrays, and then the bytes of the arrays."""
    pipe.write(json.dumps([facts, [(array.dtype.str, array.shape) for array in arrays]]).encode() + b"\n")
    for array in arrays:
        pipe.write(np.ascontiguousarray(array).data)
    pipe.flush()


def read_message(pipe: IO[bytes]) -> Message:
    """Read a message; raises EOFError when the pipe ends before it does."""
    line = pipe.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    facts, layouts = json.loads(line)
    arrays = [np.empty(shape, dtype) for dtype, shape in layouts]
    for array in arrays:
        if pipe.readinto(array.reshape(-1).view(np.uint8)) < array.nbytes:  # type: ignore[attr-defined]
            raise EOFError
    return facts, arrays
