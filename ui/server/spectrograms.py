"""Log-mel spectrograms of clips as pictures, drawn once per clip.

A picture has one row per mel band, the highest at the top, and one column per stretch of time. Its only information is
opacity: the browser lays it as a mask over a colour, so that one picture serves every theme.
"""

import struct
import zlib

import numpy as np
import numpy.typing as npt
import streamlit as st

from data_prep.dataset import Clip, Dataset
from data_prep.sample import logmel
from ui.model import media

MAX_COLUMNS = 240
_CHUNK = 60 * logmel.SAMPLE_RATE  # samples measured at once: a minute needs some 50 MB
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY_AND_ALPHA = 4  # colour type of PNG


def picture_of(dataset: Dataset, clip: Clip) -> bytes:
    """Return the spectrogram of a clip as PNG. Raises DataError or OSError where its sound cannot be read."""
    return _drawn(key=(dataset.fingerprint, clip.clip_id), _dataset=dataset, _clip=clip)


@st.cache_resource(max_entries=2000, show_spinner=False)  # 5 to 10 kB each
def _drawn(key: tuple[str, str], _dataset: Dataset, _clip: Clip) -> bytes:  # noqa: ARG001
    return png(opacity_of(media.samples(_dataset, _clip)))


def opacity_of(audio: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """Return uint8[64, n]: `logmel.log_mel` of mono samples at 16 kHz, the loudest frame of each column; n <= 240.

    0 is silence, 255 the loudest band of the sound; all is 0 for a silent one.
    """
    padded = np.pad(audio, (0, max(0, logmel.WINDOW - audio.size)))
    overlap = logmel.WINDOW - logmel.HOP
    starts = range(0, padded.size - logmel.WINDOW + 1, _CHUNK)
    frames = np.concatenate([logmel.log_mel(padded[start : start + _CHUNK + overlap]) for start in starts])
    columns = min(MAX_COLUMNS, len(frames))
    edges = np.linspace(0, len(frames), columns, endpoint=False).astype(np.int64)
    above_silence = np.maximum.reduceat(frames, edges) - np.log(logmel.LOG_OFFSET)
    scaled = 255 * above_silence / max(float(above_silence.max()), 1e-6)
    opacity: npt.NDArray[np.uint8] = np.round(scaled.T[::-1]).astype(np.uint8)
    return opacity


def png(opacity: npt.NDArray[np.uint8]) -> bytes:
    """Return a PNG picture, black with the opacities of uint8[rows, columns]."""
    rows, columns = opacity.shape
    lines = np.zeros((rows, 1 + 2 * columns), dtype=np.uint8)  # each begins with the number of its filter, 0 for none
    lines[:, 2::2] = opacity
    header = struct.pack(">2I5B", columns, rows, 8, _GREY_AND_ALPHA, 0, 0, 0)
    parts = (b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes(), 9)), (b"IEND", b"")
    return _SIGNATURE + b"".join(_chunk(kind, content) for kind, content in parts)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
