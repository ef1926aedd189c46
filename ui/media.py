"""Sounds and their looks: what a browser needs to show a clip, and to play it when it is asked to."""

import base64
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import streamlit as st

from data_prep.dataset import Clip, Dataset
from data_prep.errors import DataError
from data_prep.sounds.audio import read_span, seconds, span_as_wav
from data_prep.synth import SAMPLE_RATE, render, wav_bytes
from ui.text import clean

MAX_SOUND_BYTES = 8_000_000  # bytes of a person's own file that are sent to the browser
CARD_BARS, PLAYER_BARS = 48, 120  # bars of a neighbour's and of the query's waveform

_VIDEO_ID = re.compile(r"[\w-]{11}", re.ASCII)
_TYPES = {".wav": "audio/wav", ".mp3": "audio/mpeg", ".ogg": "audio/ogg", ".flac": "audio/flac"}


@dataclass(frozen=True, slots=True)
class Sound:
    """A whole sound file, as a browser takes it."""

    mime: str
    base64: str


def source(dataset: Dataset, clip: Clip) -> dict[str, object]:
    """Return what the page's components need to know of a clip's medium; only checked values reach an address."""
    if dataset.media == "youtube" and _VIDEO_ID.fullmatch(clip.media):
        return {"kind": "youtube", "video": clip.media, "start": clip.start_s, "end": clip.end_s}
    return {"kind": "sound"}


def origin(dataset: Dataset, clip: Clip) -> str:
    """Say in a few words where the sound is from."""
    if dataset.media == "youtube":
        return f"YouTube, {_clock(clip.start_s)} to {_clock(clip.end_s)}"
    if dataset.media == "synth":
        return f"synthesised, {clip.end_s - clip.start_s:.1f} s"
    whole = clean(clip.media)
    return whole if clip.start_s == 0 else f"{whole}, {_clock(clip.start_s)} to {_clock(clip.end_s)}"


def sound(dataset: Dataset, clip: Clip) -> Sound | None:
    """Return the sound of a clip that this project can play itself, or None when it cannot be read."""
    try:
        if dataset.media == "synth":
            return _synthesised(clip.media)
        return _file(dataset, clip) if dataset.media == "file" else None
    except (DataError, OSError):  # a recipe of a newer version, a file that was moved: the card says so
        return None


def peaks(dataset: Dataset, clip: Clip, bars: int) -> list[int]:
    """Return the heights of a waveform's bars, 0 to 100; a quiet line where the sound is not at hand."""
    try:
        if dataset.media == "synth":
            return _peaks(clip.media, bars)
        if dataset.media == "file":
            return _peaks_of_file(dataset.fingerprint, clip.clip_id, bars, dataset, clip)
    except (DataError, OSError):  # as for `sound`
        pass
    return [0] * bars


@st.cache_resource(max_entries=200, show_spinner=False)
def _synthesised(recipe: str) -> Sound:
    return Sound("audio/wav", base64.b64encode(wav_bytes(render(recipe), SAMPLE_RATE)).decode())


@st.cache_resource(max_entries=5000, show_spinner=False)
def _peaks(recipe: str, bars: int) -> list[int]:
    return bar_heights(render(recipe), bars)


@st.cache_resource(max_entries=5000, show_spinner=False)
def _peaks_of_file(fingerprint: str, clip_id: str, bars: int, _dataset: Dataset, _clip: Clip) -> list[int]:  # noqa: ARG001
    return bar_heights(read_span(path_of(_dataset, _clip), _clip.start_s, _clip.end_s, _clip.media), bars)


def bar_heights(audio: npt.NDArray[np.float32], bars: int) -> list[int]:
    """Return the loudest moment of each stretch of a sound, 0 to 100, softened so that quiet parts stay visible."""
    if not audio.size:
        return [0] * bars
    edges = np.linspace(0, audio.size, bars, endpoint=False).astype(np.int64)
    loudest = np.maximum.reduceat(np.abs(audio), edges)
    heights = 100 * np.sqrt(loudest / max(float(loudest.max()), 1e-9))
    return [round(height) for height in heights.tolist()]


def path_of(dataset: Dataset, clip: Clip) -> Path:
    """Return the file that a clip is of, or raise OSError: only files inside the folder that was prepared are read."""
    folder = Path(str(dataset.manifest.get("media_folder") or "")).resolve(strict=True)
    path = (folder / clip.media).resolve(strict=True)
    if not path.is_relative_to(folder) or not path.is_file():
        raise FileNotFoundError(clip.media)
    return path


def _file(dataset: Dataset, clip: Clip) -> Sound | None:
    """Return a person's own file as it is, or the clip cut out of it where it is long or no browser plays its kind."""
    path = path_of(dataset, clip)
    mime = _TYPES.get(path.suffix.lower())
    if mime is not None and path.stat().st_size <= MAX_SOUND_BYTES and clip.start_s == 0 and not _goes_on(path, clip):
        return Sound(mime, base64.b64encode(path.read_bytes()).decode())
    return Sound("audio/wav", base64.b64encode(span_as_wav(path, clip.start_s, clip.end_s, clip.media)).decode())


def _goes_on(path: Path, clip: Clip) -> bool:
    """Tell whether the file is longer than the clip."""
    return seconds(path, clip.media) > clip.end_s + 0.1


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
