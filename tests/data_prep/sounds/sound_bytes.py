"""Sound files made by tests: by libsndfile, by FFmpeg, and with wrong headers."""

import io
import struct
from fractions import Fraction

import av
import numpy as np
import soundfile

RATE = 22_050


def tone(seconds=2.0, rate=RATE, channels=1, peak=0.4):
    """Return a tone of 440 Hz, float32[n, channels]."""
    wave = peak * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)
    return np.repeat(wave[:, None], channels, axis=1).astype(np.float32)


def by_libsndfile(container="WAV", subtype=None, seconds=2.0, rate=RATE, channels=1, **how):
    """Return the bytes of a tone."""
    file = io.BytesIO()
    soundfile.write(file, tone(seconds, rate, channels, **how), rate, format=container, subtype=subtype)
    return file.getvalue()


def by_ffmpeg(container, codec, rate=44_100, channels=2, seconds=2.0, options=None, samples=None, **how):
    """Return the bytes of a tone, or of given samples float32[n, channels], encoded in frames of the codec's size."""
    samples = tone(seconds, rate, channels) if samples is None else samples
    file, layout = io.BytesIO(), "mono" if channels == 1 else "stereo"
    with av.open(file, "w", format=container, options=options or {}) as output:
        stream = output.add_stream(codec, rate=rate)
        stream.layout = layout
        context = stream.codec_context
        context.format = context.codec.audio_formats[0]
        if codec.startswith("wma"):
            context.bit_rate = 128_000
        context.options = how
        context.open()
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T), "fltp", layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        size = context.frame_size or 1024
        resampler = av.AudioResampler(context.format.name, layout, rate, frame_size=size)
        for piece in [*resampler.resample(frame), *resampler.resample(None), None]:
            output.mux(stream.encode(piece))
    return file.getvalue()


def video_without_sound(container="mp4", codec="mpeg4"):
    """Return the bytes of a video of eight grey pictures."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=8)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for _ in range(8):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((64, 64, 3), 99, np.uint8), "rgb24")))
        output.mux(stream.encode(None))
    return file.getvalue()


def patched(data, at, value, form="<I"):
    """Return the bytes with a number written at an offset, or behind the first occurrence of a name."""
    data = bytearray(data)
    offset = at if isinstance(at, int) else data.index(at[0]) + at[1]
    struct.pack_into(form, data, offset, value)
    return bytes(data)


def inserted(data, before, chunk):
    """Return the bytes with a chunk inserted before the first occurrence of a name."""
    at = data.index(before)
    return data[:at] + chunk + data[at:]


def ogg_pages(data):
    """Return the pages of an Ogg file."""
    pages, at = [], 0
    while at < len(data):
        end = at + 27 + data[at + 26] + sum(data[at + 27 : at + 27 + data[at + 26]])
        pages.append(data[at:end])
        at = end
    return pages


def ogg_page(page, **changed):
    """Return a page with another `serial`, `flags` or `granule` offset, and its checksum."""
    flags, granule, serial = struct.unpack("<BqI", page[5:18])
    flags, serial = changed.get("flags", flags), changed.get("serial", serial)
    granule = granule if granule <= 0 else granule + changed.get("granule", 0)
    page = page[:5] + struct.pack("<BqI", flags, granule, serial) + page[18:22] + bytes(4) + page[26:]
    checksum = 0
    for byte in page:
        checksum ^= byte << 24
        for _ in range(8):
            checksum = (checksum << 1 ^ 0x04C11DB7 if checksum & 1 << 31 else checksum << 1) & 0xFFFFFFFF
    return page[:22] + struct.pack("<I", checksum) + page[26:]
