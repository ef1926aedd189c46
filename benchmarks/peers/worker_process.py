"""The other end of a worker: starts its process on one thread, and asks it things."""

import json
import subprocess
import sys
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any, Self

from benchmarks.errors import MethodError
from data_prep.processes import environment, last_line

# Each library reads one of these as it is loaded, so they must be set before the process starts.
_ONE_THREAD = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "PARLAY_NUM_THREADS",
)


class Child:
    """A worker's process. Use it in a `with` statement: it ends with the block."""

    def __init__(self) -> None:
        self._noise = TemporaryFile()  # noqa: SIM115  closed with the process
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.peers.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._noise,
            env=environment() | dict.fromkeys(_ONE_THREAD, "1"),
            text=True,
            encoding="utf-8",
        )

    def ask(self, **request: Any) -> dict[str, Any]:
        """Send a request and wait for its answer; raise MethodError when the method cannot go on."""
        assert self._process.stdin  # noqa: S101  they are pipes, as asked for
        assert self._process.stdout  # noqa: S101
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise MethodError(f"its process ended with {self._process.wait()}{last_line(self._noise)}")
        answer: dict[str, Any] = json.loads(line)
        if "trouble" in answer:
            raise MethodError(answer["trouble"])
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the process: politely, since it stops when there is nothing more to read."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe and not pipe.closed:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._noise.close()
