"""Journal of embedded files, so that a killed run loses only the file that it was embedding.

The journal of a dataset is the file `.<name>.heard` beside it. Each embedded file appends one line: a sha256, and
the facts as JSON. A kill can truncate only the last line, which its hash reveals. The hash also covers the folder and
the model, so a journal of another folder or model is ignored. The journal is removed when the dataset is complete, but
for a dataset in uint8: the next run needs the features as they were computed.
"""

import base64
import contextlib
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from data_prep.arrays import Float32Array
from data_prep.dataset.output_folder import as_output_error
from data_prep.errors import OutputError
from data_prep.sounds.measures import NOT_MEASURED, Measures
from data_prep.sounds.sound_files import SoundFile
from data_prep.sounds.yamnet import EMBEDDER
from earshot_common.locks import try_lock

_FORMAT = "heard 2"


@dataclass(frozen=True, slots=True)
class EmbeddedClip:
    """One clip of a file as it is written to the dataset.

    suggested: names of labels, best first. feature: float32[128]. excerpt: float32[128], the feature of the
    clip's middle half, or None. note: what is wrong with the file, for its last clip. measures: of the clip's sound.
    """

    start_s: float
    end_s: float
    suggested: tuple[str, ...]
    n_frames: int
    feature: Float32Array
    excerpt: Float32Array | None
    note: str = ""
    measures: Measures = NOT_MEASURED


class ProgressJournal:
    """The embedded files of `folder` for the dataset `target`: those of earlier runs, and those added by this run.

    keep: do not remove the journal when the dataset is complete.
    Raises OutputError if another run writes `target`.
    """

    def __init__(self, target: Path, folder: Path, *, keep: bool = False) -> None:
        self._keep = keep
        self._path = target.absolute().parent / f".{target.absolute().name}.heard"
        self._salt = f"{_FORMAT}\n{EMBEDDER}\n{folder}\n".encode()
        with as_output_error(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("ab+")
        if try_lock(self._file.fileno()) is False:
            self._file.close()
            raise OutputError(f"another run is writing {target}: wait for it, or stop it")
        self._embedded = dict(self._read())

    def __enter__(self) -> Self:
        """Return the journal."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the journal if nothing was embedded, or if the dataset was written and does not need it."""
        if (kind is None and not self._keep) or not self._file.tell():
            self._path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # a full disk, reported by `add`
            self._file.close()

    def clips(self, file: SoundFile) -> list[EmbeddedClip]:
        """Return the clips of an embedded, unchanged file; an empty list for other files."""
        return self._embedded.get(file, [])

    def add(self, file: SoundFile, clips: Sequence[EmbeddedClip]) -> None:
        """Append the clips of a file."""
        text = json.dumps({**asdict(file), "clips": [_to_json(clip) for clip in clips]}).encode()
        with as_output_error(self._path):
            self._file.write(self._hash(text) + b" " + text + b"\n")
            self._file.flush()  # enough to survive a kill; a sync to disk would cost more

    def _read(self) -> list[tuple[SoundFile, list[EmbeddedClip]]]:
        """Return the lines before the first invalid one, and truncate the file there."""
        found, valid_size = [], 0
        self._file.seek(0)
        for line in self._file:
            digest, _, text = line.removesuffix(b"\n").partition(b" ")
            if not line.endswith(b"\n") or digest != self._hash(text):
                break
            facts = json.loads(text)
            clips = [_from_json(clip) for clip in facts.pop("clips")]
            found.append((SoundFile(**facts), clips))
            valid_size += len(line)
        self._file.truncate(valid_size)
        self._file.seek(0, os.SEEK_END)
        return found

    def _hash(self, text: bytes) -> bytes:
        return hashlib.sha256(self._salt + text).hexdigest().encode()


def _to_json(clip: EmbeddedClip) -> dict[str, Any]:
    excerpt = None if clip.excerpt is None else _encode(clip.excerpt)
    return {**asdict(clip), "feature": _encode(clip.feature), "excerpt": excerpt}


def _from_json(facts: dict[str, Any]) -> EmbeddedClip:
    excerpt = None if facts["excerpt"] is None else _decode(facts["excerpt"])
    arrays = {"feature": _decode(facts["feature"]), "excerpt": excerpt}
    texts = {"suggested": tuple(facts["suggested"]), "measures": Measures(*facts["measures"])}
    return EmbeddedClip(**{**facts, **texts, **arrays})


def _encode(feature: Float32Array) -> str:
    return base64.b85encode(feature.astype("<f4").tobytes()).decode()


def _decode(text: str) -> Float32Array:
    return np.frombuffer(base64.b85decode(text), "<f4").astype(np.float32)
