"""Worker process of the decoder: reads requests from standard input and writes what it decodes to standard output.

`data_prep.sounds.decoder_pool` starts it as `python -m data_prep.sounds.decoder_worker`.

A request names one of `CALLS`, its arguments, and either the path of a file or, as an array of bytes, its contents.
The answer is one message for each part, then one with "end"; or, instead of that, one with "refused" and the reason.

The process ends when its input is closed, also while it decodes, and when it has waited for a request for a while.
"""

import math
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import IO, Any

import numpy as np

from data_prep.errors import InputError
from data_prep.processes import Message, limit_computing, limit_memory, read_message, write_message
from data_prep.sounds import audio
from data_prep.sounds.decoder import Source, open_sound
from data_prep.sounds.measures import measure

MEMORY_BYTES = 256_000_000  # above what the process takes before it decodes
_IDLE_S = 300.0

Call = Callable[..., Iterator[Message]]


def _clips(source: Source, name: str, max_s: float | None) -> Iterator[Message]:
    for clip in audio.read_clips(source, name, max_s):
        facts = {"start_s": clip.start_s, "end_s": clip.end_s, "note": clip.note}
        yield facts | {"measures": measure(clip.samples)}, [clip.samples]


def _span(source: Source, name: str, start_s: float, end_s: float) -> Iterator[Message]:
    yield {}, [audio.read_span(source, start_s, end_s, name)]


def _for_browser(source: Source, name: str, start_s: float, end_s: float) -> Iterator[Message]:
    mime, wav = audio.for_browser(source, start_s, end_s, name)
    yield {"mime": mime}, [] if wav is None else [np.frombuffer(wav, np.uint8)]


def _probe(source: Source, name: str) -> Iterator[Message]:
    with open_sound(source, name) as sound:
        yield {"channels": sound.channels}, []


CALLS: dict[str, Call] = {"clips": _clips, "span": _span, "for_browser": _for_browser, "probe": _probe}


def main() -> None:
    """Answer requests until there are no more."""
    import av

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what native decoders print
    av.logging.set_level(av.logging.PANIC)
    limit_memory("RLIMIT_AS", MEMORY_BYTES)
    waiting: queue.SimpleQueue[Message] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(requests, waiting), daemon=True).start()
    write_message(answers, {"ready": True})
    while True:
        try:
            facts, arrays = waiting.get(timeout=_IDLE_S)
        except queue.Empty:
            os._exit(0)
        limit_computing(facts.pop("limit_s"))
        _answer(facts, [array.tobytes() for array in arrays], answers)
        limit_computing(math.inf)


def _receive(requests: IO[bytes], waiting: "queue.SimpleQueue[Message]") -> None:
    try:
        while True:
            waiting.put(read_message(requests))
    except EOFError:
        os._exit(0)  # the process that asked has ended: also ends a decoder that hangs


def _answer(facts: dict[str, Any], contents: list[bytes], answers: IO[bytes]) -> None:
    path, name = facts.pop("path"), facts["name"]
    try:
        for part, samples in CALLS[facts.pop("call")](contents[0] if path is None else path, **facts):
            write_message(answers, part, samples)
        write_message(answers, {"end": True})
    except InputError as error:
        write_message(answers, {"refused": str(error)})
    except MemoryError:
        text = f"{name} needs more than {MEMORY_BYTES / 1e6:.0f} MB of memory to be decoded; it may be damaged"
        write_message(answers, {"refused": text})
        os._exit(1)
    except Exception as error:  # noqa: BLE001  (a malformed file must not end the program that reads it)
        write_message(answers, {"refused": f"{name} cannot be decoded ({type(error).__name__}: {error})"})


if __name__ == "__main__":
    main()
