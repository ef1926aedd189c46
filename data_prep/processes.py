"""Subprocesses that run a module of this project: environment variables, messages, last line of output, limits."""

import json
import math
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

try:
    import resource
except ImportError:  # Windows, which has no such limits
    resource = None  # type: ignore[assignment]

Message = tuple[dict[str, Any], list[npt.NDArray[Any]]]  # facts, as JSON has them, and arrays

_ROOT = Path(__file__).resolve().parents[1]
_STATM = Path("/proc/self/statm")


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


def limit_process(kind: str, value: float) -> None:
    """Set a limit of this process, such as "RLIMIT_CPU", but not above the one that it was given and cannot raise.

    value: inf for no limit. Does nothing on Windows.
    """
    if resource is not None:
        number, no_limit = getattr(resource, kind), resource.RLIM_INFINITY
        given = resource.getrlimit(number)[1]
        wanted = no_limit if math.isinf(value) else math.ceil(value)
        if given != no_limit:
            wanted = given if wanted == no_limit else min(wanted, given)
        resource.setrlimit(number, (wanted, given))


def limit_computing(seconds: float) -> None:
    """Let the system end this process after so many more seconds of computing; inf for no limit."""
    limit_process("RLIMIT_CPU", time.process_time() + seconds)


def limit_memory(kind: str, n_bytes: int) -> None:
    """Limit the memory of this process to so many bytes above what it has; on Linux alone.

    kind: "RLIMIT_AS" for its address space, "RLIMIT_DATA" for what of it is private and can be written.
    """
    if resource is not None and _STATM.is_file():
        pages = _STATM.read_text().split()[{"RLIMIT_AS": 0, "RLIMIT_DATA": 5}[kind]]
        limit_process(kind, int(pages) * resource.getpagesize() + n_bytes)
