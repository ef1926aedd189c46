"""Names, sounds and waveforms of clips, as the browser needs them to show and play a clip.

What synthesises and decodes sounds is imported by the functions that need it: a page of videos does not.
"""

import re
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import streamlit as st

from data_prep.dataset import Clip, Dataset
from data_prep.dataset.schema import UNKNOWN_END_S
from data_prep.errors import DataError
from ui.model.text import clean

MAX_LABELS = 6  # of a clip that are shown
CARD_BARS, PLAYER_BARS = 48, 120  # bars of the waveforms on a card and on the player

_ADDRESS = re.compile(r"https?://[^\s/]\S*")
_VIDEO_ID = re.compile(r"[\w-]{11}", re.ASCII)
MIME_TYPES = {  # of files that are saved or dragged
    f".{suffix}": mime
    for mime, suffixes in {
        "audio/wav": ("wav", "wave"),
        "audio/mpeg": ("mp3",),
        "audio/flac": ("flac",),
        "audio/aac": ("aac",),
        "audio/ogg": ("ogg", "oga", "opus"),
        "audio/aiff": ("aif", "aiff", "aifc"),
        "audio/mp4": ("m4a", "m4b"),
        "audio/webm": ("webm", "weba"),
        "audio/x-ms-wma": ("wma",),
        "video/mp4": ("mp4",),
    }.items()
    for suffix in suffixes
}


# `:` separates type, name and address of a dragged file in Chromium; the others are reserved on some system.
_NOT_IN_NAMES = re.compile(r'[:/\\*?"<>|%]')
_MAX_STEM_LENGTH = 100
UNREADABLE = "This sound cannot be read. Its file may have been moved or removed since its folder was prepared."


class Waveform(NamedTuple):
    """Heights of a waveform's bars, 0 to 100, and the level of the sound in dB below full scale; None without sound."""

    heights: list[int]
    level: float | None


class Sound(NamedTuple):
    """A sound for the browser: its MIME type, and its bytes or the file that holds them."""

    mime: str
    content: bytes | Path


def is_video_id(text: object) -> bool:
    """Return whether this is the id of a YouTube video: 11 characters of a to z, A to Z, 0 to 9, _ and -."""
    return isinstance(text, str) and _VIDEO_ID.fullmatch(text) is not None


def title(dataset: Dataset, clip: Clip) -> str:
    """Return a clip's own name, if it has one, and its labels."""
    names = [clean(dataset.label_names[label], 80) for label in clip.labels[:MAX_LABELS]]
    return " · ".join(filter(None, [name(dataset, clip), *names])) or "no label"


def name(dataset: Dataset, clip: Clip) -> str:
    """Return the title of a clip; else the file name of one's own sound, else the id of one without labels; else ""."""
    if clip.title and (own := clean(clip.title, 80)):
        return own
    if dataset.media == "file" and clip.media:
        return clean(clip.media.rsplit("/", 1)[-1], 80)
    return clean(clip.clip_id, 80) if dataset.media in {"file", "url"} and not clip.labels else ""


def source(dataset: Dataset, clip: Clip) -> dict[str, object]:
    """Return the medium of a clip for the components; only a validated video id is put into an address."""
    if dataset.media == "youtube" and is_video_id(clip.media):
        return {"kind": "youtube", "video": clip.media, "start": clip.start_s, "end": clip.end_s}
    if dataset.media == "url":  # a media fragment (W3C, Media Fragments URI 1.0) tells the browser which part to play
        end = "" if clip.end_s >= UNKNOWN_END_S else f",{clip.end_s:g}"
        return {"kind": "sound", "fragment": f"#t={clip.start_s:g}{end}"}
    return {"kind": "sound"}


def origin(dataset: Dataset, clip: Clip) -> str:
    """Return where the sound is from, in a few words."""
    if dataset.media == "youtube":
        return f"YouTube, {_clock(clip.start_s)} to {_clock(clip.end_s)}"
    if dataset.media == "synth":
        return f"synthesised, {length(clip)}"
    whole = clean(clip.media) or "no sound"
    if clip.start_s == 0:
        return whole
    return f"{whole}, from {_clock(clip.start_s)}" + (f" to {_clock(clip.end_s)}" if length(clip) else "")


def length(clip: Clip) -> str:
    """Return the length of a clip in seconds; "" where it is not known."""
    return f"{clip.end_s - clip.start_s:.1f} s" if clip.end_s < UNKNOWN_END_S else ""


def address(dataset: Dataset, clip: Clip) -> str | None:
    """Return the address of a clip's sound in a collection of addresses; the server never fetches it."""
    return clip.media if dataset.media == "url" and _ADDRESS.match(clip.media) else None


def sound(dataset: Dataset, clip: Clip) -> Sound:
    """Return the sound of a synthesised or own clip. Raises DataError or OSError if there is none or it is unreadable.

    A file is returned as it is if every browser plays it and the clip is all of it; else the clip as PCM WAV.
    """
    if dataset.media == "synth":
        return Sound("audio/wav", _synthesised(clip.media))
    path = path_of(dataset, clip)
    facts = path.stat()
    mime, wav = _for_browser((facts.st_size, facts.st_mtime_ns), path, clip.start_s, clip.end_s, clip.media)
    return Sound(mime, path if wav is None else wav)


def has_samples(dataset: Dataset) -> bool:
    """Return whether the sounds are on this machine, so that their samples can be read, measured and drawn."""
    return dataset.media in {"synth", "file"}


def samples(dataset: Dataset, clip: Clip) -> npt.NDArray[np.float32]:
    """Return float32[n], mono at 16 kHz, of a synthesised or own clip. Raises as `sound` does."""
    if dataset.media == "synth":
        from data_prep.sample import synth

        return synth.render(clip.media)
    from data_prep.sounds.decoder_pool import shared_pool

    return shared_pool().read_span(path_of(dataset, clip), clip.start_s, clip.end_s, clip.media)


def waveform(dataset: Dataset, clip: Clip, bars: int) -> Waveform:
    """Return the waveform of a clip; it is flat, without a level, where the sound cannot be read."""
    if not has_samples(dataset):
        return Waveform([0] * bars, None)
    try:
        return _waveform(key=(dataset.fingerprint, clip.clip_id), bars=bars, _dataset=dataset, _clip=clip)
    except (DataError, OSError):  # a recipe of a newer version, or a file that was moved
        return Waveform([0] * bars, None)


@st.cache_resource(max_entries=200, show_spinner=False)
def _synthesised(recipe: str) -> bytes:
    from data_prep.sample import synth

    return synth.wav_bytes(synth.render(recipe), synth.SAMPLE_RATE)


@st.cache_resource(max_entries=20, show_spinner=False)  # a browser asks for one sound in several ranges
def _for_browser(
    key: tuple[int, int],  # noqa: ARG001
    path: Path,
    start_s: float,
    end_s: float,
    name: str,
) -> tuple[str, bytes | None]:
    from data_prep.sounds.decoder_pool import shared_pool

    return shared_pool().for_browser(path, start_s, end_s, name)


@st.cache_resource(max_entries=5000, show_spinner=False)
def _waveform(key: tuple[str, str], bars: int, _dataset: Dataset, _clip: Clip) -> Waveform:  # noqa: ARG001
    from data_prep.sounds.measure_columns import LOUDNESS
    from data_prep.sounds.measures import loudness_of

    audio, clips = samples(_dataset, _clip), _dataset.clips(_clip.split)
    # What was computed when a file was decoded is what its collection is filtered and sorted by.
    stored = clips[LOUDNESS][_clip.row].as_py() if LOUDNESS in clips.column_names else None
    return Waveform(bar_heights(audio, bars), loudness_of(audio) if stored is None else stored)


def bar_heights(audio: npt.NDArray[np.float32], bars: int) -> list[int]:
    """Return the square root of each stretch's peak, scaled to 0 to 100, so that quiet parts stay visible."""
    if not audio.size:
        return [0] * bars
    edges = np.linspace(0, audio.size, bars, endpoint=False).astype(np.int64)
    loudest = np.maximum.reduceat(np.abs(audio), edges)
    heights = 100 * np.sqrt(loudest / max(float(loudest.max()), 1e-9))
    return [round(height) for height in heights.tolist()]


def file_facts(dataset: Dataset, clip: Clip) -> dict[str, object] | None:
    """Return the name and MIME type of a clip's own file, and whether it is there; None for other collections."""
    if dataset.media != "file":
        return None
    try:
        found = bool(path_of(dataset, clip))
    except OSError:
        found = False
    return {"name": file_name(clip), "mime": mime_type(clip.media), "found": found}


def mime_type(name: str) -> str:
    """Return the MIME type of a file by its name."""
    return MIME_TYPES.get(PurePosixPath(name).suffix.lower(), "application/octet-stream")


def file_name(clip: Clip) -> str:
    """Return the name under which a clip's file is saved: its own, without characters reserved on some system."""
    own = PurePosixPath(_NOT_IN_NAMES.sub("_", clean(clip.media.rsplit("/", 1)[-1], 1000)))
    return f"{own.stem[:_MAX_STEM_LENGTH].strip('. ') or 'sound'}{own.suffix}"


def path_of(dataset: Dataset, clip: Clip) -> Path:
    """Return the path of a clip's file; raise OSError if there is none, or it is outside the folder prepared."""
    if dataset.media != "file":
        raise FileNotFoundError(clip.media)
    folder = Path(str(dataset.manifest.get("media_folder") or "")).resolve(strict=True)
    path = (folder / clip.media).resolve(strict=True)
    if not path.is_relative_to(folder) or not path.is_file():
        raise FileNotFoundError(clip.media)
    return path


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
