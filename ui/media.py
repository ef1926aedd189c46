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
from data_prep.synth import SAMPLE_RATE, render, wav_bytes
from ui.text import clean

LARGEST_SOUND = 8_000_000  # bytes of a person's own file that are sent to the browser
FEW, MANY = 48, 120  # bars of a neighbour's and of the query's waveform

_VIDEO_ID = re.compile(r"[\w-]{11}", re.ASCII)
_TYPES = {".wav": "audio/wav", ".mp3": "audio/mpeg", ".ogg": "audio/ogg", ".flac": "audio/flac", ".m4a": "audio/mp4"}


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


def when(dataset: Dataset, clip: Clip) -> str:
    """Say in a few words where the sound is from."""
    if dataset.media == "youtube":
        return f"YouTube, {_clock(clip.start_s)} to {_clock(clip.end_s)}"
    if dataset.media == "synth":
        return f"synthesised, {clip.end_s - clip.start_s:.1f} s"
    return clean(clip.media)


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
    if dataset.media != "synth":
        return [0] * bars
    try:
        return _peaks(clip.media, bars)
    except DataError:
        return [0] * bars


@st.cache_resource(max_entries=200, show_spinner=False)
def _synthesised(recipe: str) -> Sound:
    return Sound("audio/wav", base64.b64encode(wav_bytes(render(recipe), SAMPLE_RATE)).decode())


@st.cache_resource(max_entries=5000, show_spinner=False)
def _peaks(recipe: str, bars: int) -> list[int]:
    return bar_heights(render(recipe), bars)


def bar_heights(audio: npt.NDArray[np.float32], bars: int) -> list[int]:
    """Return the loudest moment of each stretch of a sound, 0 to 100, softened so that quiet parts stay visible."""
    if not audio.size:
        return [0] * bars
    edges = np.linspace(0, audio.size, bars, endpoint=False).astype(np.int64)
    loudest = np.maximum.reduceat(np.abs(audio), edges)
    heights = 100 * np.sqrt(loudest / max(float(loudest.max()), 1e-9))
    return [round(height) for height in heights.tolist()]


def _file(dataset: Dataset, clip: Clip) -> Sound | None:
    """Read a person's own file, if it is what it should be: a sound, not too large, inside the folder they named."""
    folder = Path(str(dataset.manifest.get("media_folder") or "")).resolve()
    path = (folder / clip.media).resolve()
    mime = _TYPES.get(path.suffix.lower())
    if mime is None or not path.is_relative_to(folder) or path.stat().st_size > LARGEST_SOUND:
        return None
    return Sound(mime, base64.b64encode(path.read_bytes()).decode())


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
