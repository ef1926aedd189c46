"""Worker process that reads one file of vectors, with limits on memory and computing time.

`data_prep.vectors.reading_process` starts it as `python -m data_prep.vectors.worker` and sends one request: a call of
`CALLS`, the limits, and the arguments. The answer is any number of messages with `done` and `total` rows, then one with
`result`; or, instead of that, one with `refused` and the reason. The process ends when its input is closed.
"""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from data_prep.errors import DataError
from data_prep.processes import limit_computing, limit_memory, read_message, write_message
from data_prep.vectors.clip_columns import Asked
from data_prep.vectors.collection import Progress, prepare_vectors
from data_prep.vectors.preview import preview
from data_prep.vectors.roles import Roles

RESERVED = 16  # times the memory in use that may be reserved: Arrow reserves a block for each column of a text file


def _preview(_: Progress, vectors: str, meta: str | None, asked: Asked) -> dict[str, Any]:
    return preview(vectors, meta, asked).as_dict()


def _prepare(
    progress: Progress, vectors: str, meta: str | None, asked: Asked, out: str, overwrite: bool
) -> dict[str, Any]:
    outcome = prepare_vectors(vectors, out, meta=meta, asked=asked, overwrite=overwrite, progress=progress)
    facts = asdict(outcome)
    facts["left_out"] = list(outcome.left_out.items())
    return facts


CALLS: dict[str, Callable[..., dict[str, Any]]] = {"preview": _preview, "prepare": _prepare}


def main() -> None:
    """Answer one request."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    facts, _ = read_message(requests)
    threading.Thread(target=_end_with, args=(requests,), daemon=True).start()
    limit_memory("RLIMIT_DATA", RESERVED * facts.pop("memory_bytes"))
    limit_computing(facts.pop("computing_s"))

    def progress(done: int, total: int) -> None:
        write_message(answers, {"done": done, "total": total})

    with contextlib.suppress(BrokenPipeError):
        write_message(answers, _answer(facts, progress))


def _end_with(requests: IO[bytes]) -> None:
    """End this process when the one that asked has ended."""
    requests.read()
    os._exit(1)


def _answer(facts: dict[str, Any], progress: Progress) -> dict[str, Any]:
    asked = facts.pop("asked")
    folder = asked.pop("audio_folder")
    asked = Asked(
        **asked | {"roles": Roles(**asked["roles"]), "audio_folder": None if folder is None else Path(folder)}
    )
    try:
        return {"result": CALLS[facts.pop("call")](progress, asked=asked, **facts)}
    except MemoryError:
        return {"memory": True}
    except DataError as error:
        return {"memory": True} if isinstance(error.__context__, MemoryError) else {"refused": str(error)}


if __name__ == "__main__":
    main()
