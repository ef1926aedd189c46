"""Signatures of sound files: what the first bytes of a file say about its format."""

HEADER_SIZE = 16_384  # bytes that are examined

# Formats that libsndfile decodes, and checks for itself.
SNDFILE = (b"RIFF", b"RIFX", b"RF64", b"fLaC", b"OggS", b"FORM", b".snd", b"dns.", b"caff", b"riff\x2e\x91\xcf\x11")
_IN_CHUNKS = {  # types of the files that begin with these four bytes
    b"RIFF": {b"WAVE", b"AVI "},
    b"RIFX": {b"WAVE"},
    b"RF64": {b"WAVE"},
    b"FORM": {b"AIFF", b"AIFC", b"8SVX", b"16SV", b"MAUD"},
}
OLD_SNDFILE = (b"Creative Voice File", b"NIST_1A", b" paf", b"fap ", b"PVF1")
_ASF = b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"
# Formats that FFmpeg decodes: Matroska and WebM, ASF, APE, WavPack, TTA, TAK, Musepack, DSD, AMR, RealMedia, FLV,
# Shorten, MPEG program streams, NUT, QOA, DTS, AAC in LATM.
_FFMPEG = (
    *(b"\x1a\x45\xdf\xa3", _ASF, b"MAC ", b"wvpk", b"TTA1", b"TTA2", b"tBaK", b"MPCK", b"MP+\x07", b"DSD ", b"FRM8"),
    *(b"#!AMR", b".RMF", b".ra\xfd", b"FLV\x01", b"ajkg", b"\0\0\1\xba", b"nut/multimedia", b"qoaf"),
    *(b"\x7f\xfe\x80\x01", b"ID3"),
)
_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")  # at byte 4 of MPEG-4 and QuickTime files
_PICTURES = (b"avif", b"avis", b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1", b"jxl ", b"crx ")

_TRACKER = "is a tracker module, a score with its instruments: render it to wav in a tracker program"
_CHIP = "is a program for the sound chip of an old computer: record it to wav in a player for it"
_SCORE = "is a MIDI file: it holds notes and no sound; render it to wav with an instrument"
_BANK = "is a bank of instruments: export its samples as wav"
_PROTECTED = "is protected (DRM), so it can be played only by the program that it was bought for"
# Sounds, or files near to sounds, that hold no samples to decode: offset, signature, what is said of them.
_NOT_DECODED = (
    (0, b"MThd", _SCORE),
    (8, b"RMID", _SCORE),
    (0, b"XMF_", _SCORE),
    (0, b"Extended Module: ", _TRACKER),
    (0, b"IMPM", _TRACKER),
    (44, b"SCRM", _TRACKER),
    *((0, tag, _TRACKER) for tag in (b"MMD0", b"MMD1", b"MMD2", b"MMD3")),
    (0, b"OKTASONG", _TRACKER),
    (0, b"MTM\x10", _TRACKER),
    (0, b"ziRCONia", _TRACKER),
    *(
        (1080, tag, _TRACKER)
        for tag in (b"M.K.", b"M!K!", b"FLT4", b"FLT8", b"4CHN", b"6CHN", b"8CHN", b"OCTA", b"CD81")
    ),
    (0, b"PSID", _CHIP),
    (0, b"RSID", _CHIP),
    (0, b"NESM\x1a", _CHIP),
    (0, b"SNES-SPC700", _CHIP),
    (0, b"Vgm ", _CHIP),
    (0, b"GBS\x01", _CHIP),
    (0, b"KSCC", _CHIP),
    (0, b"ZXAYEMUL", _CHIP),
    (0, b"SC68", _CHIP),
    (8, b"sfbk", _BANK),
    (8, b"DLS ", _BANK),
    (0, b"Extended Instrument: ", _BANK),
    (0, b"OFR ", "is OptimFROG audio, which is not decoded here: convert it to flac or wav"),
    (0, b"LA0", "is LA (Lossless Audio), which is not decoded here: convert it to flac or wav"),
    (0, b"LPAC", "is LPAC audio, which is not decoded here: convert it to flac or wav"),
    (8, b"aax ", _PROTECTED),
    (8, b"M4P ", _PROTECTED),
)
_ASF_ENCRYPTION = (
    bytes.fromhex("fbb31122 23bd d211 b4b700a0c955fc6e"),
    bytes.fromhex("14e68a29 2226 174c b935dae07ee9289c"),
)

_MIN_MPEG_FRAMES = 3  # consecutive frames, which do not occur by chance

# ISO/IEC 11172-3 and 13818-3: kbit/s by (version 1, layer) and index; versions 2 and 2.5 share theirs.
_LOW = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_KBITS = {
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): _LOW,
    (False, 3): _LOW,
}
_HERTZ = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}


def is_sound(header: bytes) -> bool:
    """Return whether the first `HEADER_SIZE` bytes of a file (or all of it) are those of a sound file, or of a video.

    FFmpeg decodes more formats than these: a file of another one is known by its name, or by FFmpeg itself.
    """
    return (
        (header.startswith(SNDFILE) and header[8:12] in _IN_CHUNKS.get(header[:4], {header[8:12]}))
        or header.startswith((*OLD_SNDFILE, *_FFMPEG))
        or (header[4:8] in _BOXES and header[8:12] not in _PICTURES)
        or not_decoded(header) is not None
        or _holds_adts(header)
        or holds_mpeg(header)
    )


def is_container(header: bytes) -> bool:
    """Return whether these bytes begin a file of its own: some programs put an ID3v2 tag before one."""
    return header.startswith((*SNDFILE, *OLD_SNDFILE)) or header[4:8] == b"ftyp"


def not_decoded(header: bytes) -> str | None:
    """Return why a file that a person would call a sound is not decoded; None for all other files."""
    for offset, signature, reason in _NOT_DECODED:
        if header[offset : offset + len(signature)] == signature:
            return reason
    if header.startswith(_ASF) and any(guid in header for guid in _ASF_ENCRYPTION):
        return _PROTECTED
    return None


def after_id3(header: bytes) -> int:
    """Return the size in bytes of the ID3v2 tag at the start of a file; 0 if there is none."""
    if len(header) < 10 or not header.startswith(b"ID3"):
        return 0
    size = 0
    for byte in header[6:10]:
        size = size << 7 | byte & 0x7F
    return size + 10


def mpeg_length(header: bytes) -> tuple[float | None, int]:
    """Return the least length in seconds that the Xing, Info or VBRI frame of an MP3 declares, and its size in bytes.

    Up to three of the frames that it counts are padding, which is not played. None, 0: it declares none.
    header: of the file, after its ID3v2 tag.
    """
    start = header.find(b"\xff")
    while start >= 0:
        if frame_length(header[start : start + 4]):
            version, rate = header[start + 1] >> 3 & 3, header[start + 2] >> 2 & 3
            frame_s = (1152 if version == 3 else 576) / _HERTZ[version][rate]
            for tag, flags, frames, size in ((b"Xing", 3, 8, 12), (b"Info", 3, 8, 12), (b"VBRI", 0, 14, 10)):
                at = header.find(tag, start, start + 64)
                if at >= 0 and header[at + 7] & flags == flags:
                    seconds = (int.from_bytes(header[at + frames : at + frames + 4], "big") - 3) * frame_s
                    return (seconds if seconds > 0 else None), int.from_bytes(header[at + size : at + size + 4], "big")
            return None, 0
        start = header.find(b"\xff", start + 1)
    return None, 0


def _holds_adts(header: bytes) -> bool:
    """Return whether the header begins with ADTS frames of AAC."""
    at = 0
    for _ in range(_MIN_MPEG_FRAMES):
        if len(header) < at + 6 or header[at] != 0xFF or header[at + 1] & 0xF6 != 0xF0:
            return False
        length = (header[at + 3] & 3) << 11 | header[at + 4] << 3 | header[at + 5] >> 5
        if length < 7:
            return False
        at += length
        if at >= len(header):
            return True
    return True


def holds_mpeg(header: bytes) -> bool:
    """Return whether MPEG frames follow each other anywhere in the header: a recorded stream starts inside a frame."""
    header = header.lstrip(b"\0")
    start = header.find(b"\xff")
    while start >= 0:
        at = start
        for _ in range(_MIN_MPEG_FRAMES):
            length = frame_length(header[at : at + 4])
            if not length or header[at + 1] != header[start + 1] or (header[at + 2] ^ header[start + 2]) & 0x0C:
                break  # not a frame, or one of another layer or rate
            if start and header[at + 1] >> 1 & 3 == 3:
                break  # layer 1 anywhere else: its frames are so short that other files contain similar bytes
            at += length
            if at + 4 > len(header) and not start:  # a file of one or two frames
                return True
        else:
            return True
        start = header.find(b"\xff", start + 1)
    return False


def frame_length(header: bytes) -> int:
    """Return the size in bytes of the MPEG audio frame with this 4-byte header; 0 if it is not a frame header."""
    if len(header) < 4 or header[0] != 0xFF or header[1] < 0xE0:
        return 0
    version, layer = header[1] >> 3 & 3, 4 - (header[1] >> 1 & 3)
    bitrate, rate, padding = header[2] >> 4, header[2] >> 2 & 3, header[2] >> 1 & 1
    if version == 1 or layer == 4 or bitrate in {0, 15} or rate == 3:
        return 0
    bits, hertz = 1000 * _KBITS[version == 3, layer][bitrate - 1], _HERTZ[version][rate]
    if layer == 1:
        return (12 * bits // hertz + padding) * 4
    samples = 576 if layer == 3 and version != 3 else 1152
    return samples // 8 * bits // hertz + padding
