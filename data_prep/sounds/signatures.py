"""Signatures of sound files: the first bytes of each format that libsndfile decodes.

Without this check libsndfile relies on the file name, and decodes any file called .mp3.
"""

HEADER_SIZE = 16_384  # bytes that are examined

_SIGNATURES = (b"RIFF", b"RIFX", b"RF64", b"fLaC", b"OggS", b"FORM", b".snd", b"dns.", b"caff", b"riff", b"ID3")
_MIN_MPEG_FRAMES = 3  # consecutive frames, which do not occur by chance

# ISO/IEC 11172-3 and 13818-3: kbit/s by (version 1, layer) and index; versions 2 and 2.5 share theirs. Layer 1 is left
# out: it is not in use, and its frames are so short that other files contain similar byte sequences.
_LOW = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_KBITS = {
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 2): _LOW,
    (False, 3): _LOW,
}
_HERTZ = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}


def is_sound(header: bytes) -> bool:
    """Return whether the first `HEADER_SIZE` bytes of a file (or all of it) are those of a supported sound format."""
    return header.startswith(_SIGNATURES) or _holds_mpeg(header)


def _holds_mpeg(header: bytes) -> bool:
    """Return whether MPEG frames follow each other anywhere in the header: a recorded stream starts inside a frame."""
    header = header.lstrip(b"\0")
    start = header.find(b"\xff")
    while start >= 0:
        at = start
        for _ in range(_MIN_MPEG_FRAMES):
            length = _frame_length(header[at : at + 4])
            if not length or header[at + 1] != header[start + 1] or (header[at + 2] ^ header[start + 2]) & 0x0C:
                break  # not a frame, or one of another layer or rate
            at += length
            if at + 4 > len(header) and not start:  # a file of one or two frames
                return True
        else:
            return True
        start = header.find(b"\xff", start + 1)
    return False


def _frame_length(header: bytes) -> int:
    """Return the size in bytes of the MPEG audio frame with this 4-byte header; 0 if it is not a frame header."""
    if len(header) < 4 or header[0] != 0xFF or header[1] < 0xE0:
        return 0
    version, layer = header[1] >> 3 & 3, 4 - (header[1] >> 1 & 3)
    bitrate, rate, padding = header[2] >> 4, header[2] >> 2 & 3, header[2] >> 1 & 1
    if version == 1 or layer not in {2, 3} or bitrate in {0, 15} or rate == 3:
        return 0
    bits, hertz = 1000 * _KBITS[version == 3, layer][bitrate - 1], _HERTZ[version][rate]
    samples = 576 if layer == 3 and version != 3 else 1152
    return samples // 8 * bits // hertz + padding
