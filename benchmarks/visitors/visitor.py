"""Visitors of the app without browsers: what each does, the times of its runs, and what it received of others."""

import asyncio
import math
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.visitors.streamlit_client import StreamlitClient
from data_prep.dataset import open_dataset
from data_prep.errors import DataError
from data_prep.sample.synth import SAMPLE_RATE, wav_bytes
from lsh.params import MAX_BITS, MAX_TABLES

PAGES = ("listen", "ask", "tune", "race", "inside", "map", "learn", "data")
_SLIDER = "Bits per key, K"
BITS = (6, 7, 8, 9, 10)  # to which the slider is moved in turn: their figures are known after one visitor
CLIPS = 4  # of each visitor
_AFTERWARDS_S = 0.1  # in which the server ends what belongs to a run
_END = 4  # bytes at the end of a text, by which it is sought
_FAULTS = (b"Something went wrong here", b"This collection cannot be opened", b"cannot be searched")


class Run(NamedTuple):
    """A completed run. kind: what the visitor did; seconds: until the page was complete.

    processor_s: the server's processor time until 0.1 s later, where the visitor is alone; otherwise NaN.
    """

    page: str
    kind: str
    seconds: float
    processor_s: float = math.nan


@dataclass(frozen=True)
class Behaviour:
    """What visitors do. new: they move to settings whose figures are not known; uploads: whether they upload on Ask."""

    dataset: str
    pages: Sequence[str]
    think_s: float
    new: bool
    uploads: bool


@dataclass
class Results:
    """What all sessions have seen. owners: the number of the session that alone may receive a text."""

    owners: dict[bytes, int] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    _ends: dict[int, set[int]] = field(default_factory=dict)  # last four bytes of texts, as a number: their lengths
    _hashes: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(1 << 16, dtype=np.bool_))  # of those ends

    def own(self, text: str, number: int) -> None:
        """Register a text of at least four bytes that only this session may receive."""
        encoded = text.encode()
        end = np.frombuffer(encoded[-_END:], "<u4")
        self.owners[encoded] = number
        self._ends.setdefault(int(end[0]), set()).add(len(encoded))
        self._hashes[_hash(end)] = True

    def check(self, number: int, received: bytes) -> None:
        """Count what a session has received of another one, and faults that it shows."""
        for text, owner in sorted(self._found(received).items()):
            if owner != number:
                self.errors[f"session {number} received {text.decode()}, which is of session {owner}"] += 1
        for fault in _FAULTS:
            if fault in received:
                self.errors[f"a page says: {fault.decode()}"] += 1

    def _found(self, received: bytes) -> dict[bytes, int]:
        """Return the texts with an owner that are in what was received. One search for each takes longer than a run."""
        found = {}
        for first in range(min(_END, max(0, len(received) - _END + 1))):
            ends = np.frombuffer(received, "<u4", (len(received) - first) // _END, first)
            for i in np.flatnonzero(self._hashes[_hash(ends)]).tolist():
                until = first + _END * (i + 1)
                for length in self._ends.get(int(ends[i]), ()):
                    text = received[max(0, until - length) : until]
                    if text in self.owners:
                        found[text] = self.owners[text]
        return found


class Visitor:
    """A visitor with a number, from 0, and clips of its own.

    processor_s: returns the processor time of the server, which is then measured for each run; for a visitor who is
    alone.
    """

    def __init__(
        self,
        number: int,
        address: str,
        clips: Sequence[str],
        results: Results,
        does: Behaviour,
        processor_s: Callable[[], float] | None = None,
    ) -> None:
        self._number, self._clips, self._results, self._does = number, clips, results, does
        self._processor_s = processor_s
        self._upload = f"upload-of-{number:04d}.wav"
        self._random = random.Random(number)  # noqa: S311  (no secret)
        self._moves = 0
        self._app = StreamlitClient(address)
        self._app.query = {"dataset": does.dataset, "clip": clips[0], "lens": "on"}
        for text in (*clips, self._upload):
            results.own(text, number)

    async def visit(self, until: float) -> None:
        """Visit the pages in turn, each visitor first another one, until a time (time.monotonic())."""
        pages = self._does.pages
        try:
            await asyncio.sleep(self._random.uniform(0, self._does.think_s))
            async with self._app.connected():
                step = self._number
                while time.monotonic() < until:
                    await self._visit_page(pages[step % len(pages)], until)
                    step += 1
        except (OSError, TimeoutError) as error:
            self._results.errors[f"{type(error).__name__}: {error}"] += 1

    async def _visit_page(self, page: str, until: float) -> None:
        await self._run(page, "opened")
        if page == "ask" and self._does.uploads and await self._think(until):
            await self._app.upload(self._upload, tone(200.0 + 10 * self._number))
            await self._run(page, "upload")
        for _ in BITS:
            if not await self._think(until):
                return
            if self._app.has_slider(_SLIDER):  # not before the kernels are compiled
                await self._run(page, "slider", bits=self._next_bits())
        if page == "listen" and await self._think(until):
            self._app.query["clip"] = self._random.choice(self._clips)
            await self._run(page, "another sound", back=True)
        await self._think(until)

    async def _think(self, until: float) -> bool:
        """Wait for the think time, by chance up to half more or less; return whether there is time left."""
        await asyncio.sleep(self._does.think_s * self._random.uniform(0.5, 1.5))
        return time.monotonic() < until

    async def _run(self, page: str, kind: str, *, bits: int | None = None, back: bool = False) -> None:
        path = "" if page == PAGES[0] else page
        used, began = math.nan if self._processor_s is None else self._processor_s(), time.monotonic()
        await self._app.run(path, None if bits is None else (_SLIDER, bits), back=back)
        seconds = time.monotonic() - began
        if self._processor_s is not None:
            await asyncio.sleep(_AFTERWARDS_S)
            used = self._processor_s() - used
        self._results.runs.append(Run(page, kind, seconds, used))
        self._results.check(self._number, b"".join(self._app.received))
        self._results.errors.update(self._app.exceptions)
        self._app.received.clear()
        self._app.exceptions.clear()

    def _next_bits(self) -> int:
        """Return the slider's next value, which the browser writes into the URL, too."""
        self._moves += 1
        bits = BITS[self._moves % len(BITS)]
        if self._does.new:
            bits = 1 + (self._number + 5 * self._moves) % MAX_BITS
            self._app.query["L"] = str(self._random.randint(1, MAX_TABLES))
        self._app.query["K"] = str(bits)
        return bits


def _hash(ends: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """Return a number below 2^16 for each end."""
    return ends * np.uint32(2654435761) >> np.uint32(16)


def tone(hertz: float) -> bytes:
    """Return two seconds of a tone as a WAV file."""
    t = np.arange(2 * SAMPLE_RATE, dtype=np.float32) / SAMPLE_RATE
    return wav_bytes(np.float32(0.3) * np.sin(np.float32(2 * np.pi * hertz) * t), SAMPLE_RATE)


def clips_for(path: Path, n: int) -> list[str]:
    """Return the clips of n visitors, the first of a dataset's test split. Raises DataError if there are fewer."""
    dataset, needed = open_dataset(path), CLIPS * n
    if dataset.n_rows("test") < needed:
        raise DataError(
            f"{path} has {dataset.n_rows('test'):,} clips in its test split, but {n} visitors need {needed:,}, "
            f"{CLIPS} each; make do with fewer --sessions"
        )
    return [dataset.clip("test", row).clip_id for row in range(needed)]


def visit(visitors: Sequence[Visitor], seconds: float) -> None:
    """Let visitors visit the app at once for some seconds."""

    async def visit_all() -> None:
        until = time.monotonic() + seconds
        await asyncio.gather(*(visitor.visit(until) for visitor in visitors))

    asyncio.run(visit_all())
