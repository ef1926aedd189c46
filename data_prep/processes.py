"""Subprocesses that run a module of this project: their environment variables, messages, and last line of output."""

import json
import os
import struct
from pathlib import Path
from typing import IO, Any

Message = tuple[dict[str, Any], bytes]  # facts as JSON, and bytes

_HEAD = struct.Struct("<IQ")  # length of the JSON, number of the bytes
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


def write_message(pipe: IO[bytes], facts: dict[str, Any], data: bytes = b"") -> None:
    """Write a message."""
    text = json.dumps(facts).encode()
    pipe.write(_HEAD.pack(len(text), len(data)) + text)
    pipe.write(data)
    pipe.flush()


def read_message(pipe: IO[bytes]) -> Message:
    """Read a message; raises EOFError at the end of the pipe."""
    n_text, n_data = _HEAD.unpack(_read(pipe, _HEAD.size))
    return json.loads(_read(pipe, n_text)), _read(pipe, n_data)


def _read(pipe: IO[bytes], size: int) -> bytes:
    data = pipe.read(size)
    if len(data) < size:
        raise EOFError
    return data
