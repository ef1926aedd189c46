"""YAMNet's model file: found, downloaded once from its official address, and verified by its sha256."""

import hashlib
import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from data_prep.download.progress import Progress
from data_prep.download.resumable import fetch_file
from data_prep.errors import DownloadError, InputError

NAME = "yamnet_classification.tflite"
SHA256 = "10c95ea3eb9a7bb4cb8bddf6feb023250381008177ac162ce169694d05c317de"
ADDRESS = (
    "https://storage.googleapis.com/download.tensorflow.org/models/tflite/task_library/audio_classification/android/"
    "lite-model_yamnet_classification_tflite_1.tflite"
)
_LABELS = "yamnet_label_list.txt"  # in a zip archive at the end of the model file
_MAX_BYTES = 1 << 24


@dataclass(frozen=True, slots=True)
class Model:
    """The model's bytes, and its class names in the order of its scores: display names of AudioSet's labels."""

    content: bytes
    names: tuple[str, ...]


def model_path() -> Path:
    """Return the path of the model: in the folder named by EARSHOT_MODELS if it is set, else in the user's cache."""
    named = os.environ.get("EARSHOT_MODELS")
    if named:
        return Path(named) / NAME
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "earshot" / "models" / NAME


def get_model(progress: Callable[[Progress], None] = lambda _: None, *, retry: bool = True) -> Model:
    """Return YAMNet; its 4 MB are downloaded the first time; `retry`: again after pauses, if that fails.

    Raises InputError for a file that is not the model, DownloadError when it is missing and cannot be downloaded.
    """
    path = model_path()
    if not path.is_file():
        try:
            fetch_file([ADDRESS], path, sha256=SHA256, max_bytes=_MAX_BYTES, progress=progress, retry=retry)
        except DownloadError as error:
            raise DownloadError(
                f"YAMNet, the model that embeds sounds, is not at {path} and cannot be downloaded: go online once, or "
                f"put the file there yourself, from {ADDRESS} ({error})"
            ) from None
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}; expected YAMNet's model") from None
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise InputError(
            f"{path} is not YAMNet as published: its sha256 differs; remove it, and it is downloaded again"
        )
    with zipfile.ZipFile(path) as archive:
        return Model(content, tuple(archive.read(_LABELS).decode().splitlines()))
