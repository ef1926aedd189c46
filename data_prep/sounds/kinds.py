"""Does a file begin as a sound does? Where libsndfile knows no better it goes by the name, and decodes programs."""

HEAD = 16_384  # bytes to look at

_BEGINNINGS = (b"RIFF", b"RIFX", b"RF64", b"fLaC", b"OggS", b"FORM", b".snd", b"dns.", b"caff", b"riff", b"ID3")
_CHAIN = 3  # MPEG frames in a row that do not come about by chance

# ISO/IEC 11172-3 and 13818-3: kbit/s by (version 1, layer) and index; version 2 and "2.5" share theirs. Nobody keeps
# sounds of layer 1, and its frames are so short that programs are full of what looks like a few.
_LOW = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_KBITS = {
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 2): _LOW,
    (False, 3): _LOW,
}
_HERTZ = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}


def begins_as_sound(head: bytes) -> bool:
    """Tell whether the first `HEAD` bytes of a file (or all of them) are those of a kind of sound read here."""
    return head.startswith(_BEGINNINGS) or _holds_mpeg(head)


def _holds_mpeg(head: bytes) -> bool:
    """Tell whether MPEG frames follow each other somewhere in the head; a recorded stream begins inside of one."""
    head = head.lstrip(b"\0")
    begin = head.find(b"\xff")
    while begin >= 0:
        at = begin
        for _ in range(_CHAIN):
            length = _frame_length(head[at : at + 4])
            if not length or head[at + 1] != head[begin + 1] or (head[at + 2] ^ head[begin + 2]) & 0x0C:
                break  # no frame, or one of another layer or rate
            at += length
            if at + 4 > len(head) and not begin:  # a sound of a frame or two
                return True
        else:
            return True
        begin = head.find(b"\xff", begin + 1)
    return False


def _frame_length(header: bytes) -> int:
    """Return the bytes of the MPEG audio frame with this header of 4 bytes; 0 for what is none."""
    if len(header) < 4 or header[0] != 0xFF or header[1] < 0xE0:
        return 0
    version, layer = header[1] >> 3 & 3, 4 - (header[1] >> 1 & 3)
    bitrate, rate, padding = header[2] >> 4, header[2] >> 2 & 3, header[2] >> 1 & 1
    if version == 1 or layer not in {2, 3} or bitrate in {0, 15} or rate == 3:
        return 0
    bits, hertz = 1000 * _KBITS[version == 3, layer][bitrate - 1], _HERTZ[version][rate]
    samples = 576 if layer == 3 and version != 3 else 1152
    return samples // 8 * bits // hertz + padding
