"""What was heard of files, written down at once: work on a folder that is killed loses the file in hand and no more.

Beside the dataset to come lies its journal, `.<name>.heard`. Each file that has been heard appends a line: a sha256 and
the facts as JSON. A kill tears the last line at most, and its sum gives that away. The sum is also of the folder and of
the model, so what was heard elsewhere or otherwise is not believed. When the dataset stands, which holds the same, the
journal is removed.
"""

import base64
import contextlib
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from data_prep.arrays import Float32Array
from data_prep.atomic import as_output_error
from data_prep.errors import OutputError
from data_prep.sounds.walk import SoundFile
from data_prep.sounds.yamnet import EMBEDDER
from earshot_common.locks import try_lock

_FORMAT = "heard 1"

Feature = Float32Array


@dataclass(frozen=True, slots=True)
class HeardClip:
    """One clip of a file as it goes into the dataset; `suggested`: names of labels, the surest first.

    excerpt: the feature of its middle half, where it is one of those that give an excerpt.
    """

    start_s: float
    end_s: float
    suggested: tuple[str, ...]
    n_frames: int
    feature: Feature
    excerpt: Feature | None


class HeardJournal:
    """What earlier runs heard of the files of `folder` for the dataset `target`, and what this one hears.

    share: of the clips that give an excerpt. Raises OutputError where another run is at work on `target`.
    """

    def __init__(self, target: Path, folder: Path, share: float) -> None:
        self._path = target.absolute().parent / f".{target.absolute().name}.heard"
        self._share = share
        self._seal = f"{_FORMAT}\n{EMBEDDER}\n{folder}\n".encode()
        with as_output_error(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("ab+")
        if try_lock(self._file.fileno()) is False:
            self._file.close()
            raise OutputError(f"another run is at work on {target}: wait for it, or stop it")
        self._heard = dict(self._take_up())

    def __enter__(self) -> Self:
        """Return the journal."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove it when the work is done, or none was."""
        if kind is None or not self._file.tell():
            self._path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # of a full disk, which was told of when the line was written
            self._file.close()

    def clips(self, file: SoundFile) -> list[HeardClip] | None:
        """Return the clips of a file that has been heard as it is now; None for any other."""
        clips = self._heard.get(file)
        if clips is None:
            return None
        with_excerpt = [file.draw(number) < self._share for number in range(len(clips))]
        if any(wanted and clip.excerpt is None for wanted, clip in zip(with_excerpt, clips, strict=True)):
            return None  # fewer clips gave one when there were more files
        return [
            clip if wanted else replace(clip, excerpt=None) for wanted, clip in zip(with_excerpt, clips, strict=True)
        ]

    def add(self, file: SoundFile, clips: Sequence[HeardClip]) -> None:
        """Write down what was heard of a file."""
        text = json.dumps({**asdict(file), "clips": [_to_json(clip) for clip in clips]}).encode()
        with as_output_error(self._path):
            self._file.write(self._sum(text) + b" " + text + b"\n")
            self._file.flush()  # to the system, which a kill leaves alone; waiting for the disk would cost more

    def _take_up(self) -> list[tuple[SoundFile, list[HeardClip]]]:
        """Read the lines up to the first that is not whole, and drop the rest."""
        found, good = [], 0
        self._file.seek(0)
        for line in self._file:
            digest, _, text = line.removesuffix(b"\n").partition(b" ")
            if not line.endswith(b"\n") or digest != self._sum(text):
                break
            facts = json.loads(text)
            clips = [_from_json(clip) for clip in facts.pop("clips")]
            found.append((SoundFile(**facts), clips))
            good += len(line)
        self._file.truncate(good)
        self._file.seek(0, os.SEEK_END)
        return found

    def _sum(self, text: bytes) -> bytes:
        return hashlib.sha256(self._seal + text).hexdigest().encode()


def _to_json(clip: HeardClip) -> dict[str, Any]:
    excerpt = None if clip.excerpt is None else _packed(clip.excerpt)
    return {
        "start_s": clip.start_s,
        "end_s": clip.end_s,
        "suggested": clip.suggested,
        "n_frames": clip.n_frames,
        "feature": _packed(clip.feature),
        "excerpt": excerpt,
    }


def _from_json(facts: dict[str, Any]) -> HeardClip:
    excerpt = None if facts["excerpt"] is None else _unpacked(facts["excerpt"])
    parts = {"suggested": tuple(facts["suggested"]), "feature": _unpacked(facts["feature"]), "excerpt": excerpt}
    return HeardClip(**{**facts, **parts})


def _packed(feature: Feature) -> str:
    return base64.b85encode(feature.astype("<f4").tobytes()).decode()


def _unpacked(text: str) -> Feature:
    return np.frombuffer(base64.b85decode(text), "<f4").astype(np.float32)
