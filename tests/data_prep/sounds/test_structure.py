"""The structure of sound files: files of some bytes, whose chunks end one byte before, at and after their limits."""

import io
import struct

import pytest

from data_prep.sounds.structure import Structure, examine

RATE = 8000  # bytes per second: mono, 8 bits


def examined(data):
    return examine(io.BytesIO(data), data[:16_384])


def chunk(name, body=b"", size=None, order="<"):
    """Return a chunk with its padding; `size`: what it declares, if not its true size."""
    declared = len(body) if size is None else size
    return struct.pack(f"{order}4sI", name, declared) + body + bytes(len(body) % 2 if size is None else 0)


def fmt(rate=RATE, align=1, tag=1, stated=None, order="<"):
    return chunk(
        b"fmt ", struct.pack(f"{order}HHIIHH", tag, 1, rate, rate * align if stated is None else stated, align, 8)
    )


def wav(*chunks, riff=0, head=b"RIFF", order="<"):
    """Return a WAV file; `riff`: by how much the size in its header is wrong."""
    body = b"WAVE" + b"".join(chunks)
    return struct.pack(f"{order}4sI", head, len(body) + riff) + body


SECOND = b"\x80" * RATE
SIMPLE = Structure(sndfile="first", declared_s=1.0)
FULL = 0xFFFF_FFFF


@pytest.mark.parametrize("off", [-2, -1, 0, 1, 2])
def test_a_wav_is_irregular_if_its_size_is_off_by_more_than_padding(off):
    assert examined(wav(fmt(), chunk(b"data", SECOND), riff=off)).irregular == (abs(off) > 1)


@pytest.mark.parametrize("stated", [RATE - 1, RATE, RATE + 1])
def test_a_wav_is_irregular_if_its_bytes_per_second_are_not_those_of_its_format(stated):
    assert examined(wav(fmt(stated=stated), chunk(b"data", SECOND))).irregular == (stated != RATE)


@pytest.mark.parametrize("tag", [0, 1, 2, 3, 4, 0xFFFE, 0xFFFF])
def test_only_uncompressed_samples_promise_a_length(tag):
    promised = examined(wav(fmt(tag=tag), chunk(b"data", SECOND))).declared_s
    assert promised == (1.0 if tag in {1, 3, 0xFFFE} else None)


def test_a_big_endian_wav_and_bytes_of_several_per_sample_are_understood():
    big = wav(
        fmt(order=">").replace(b"\x10\0\0\0", b"\0\0\0\x10", 1),
        chunk(b"data", SECOND, order=">"),
        head=b"RIFX",
        order=">",
    )
    assert examined(big).declared_s == 1.0
    assert examined(wav(fmt(align=4), chunk(b"data", SECOND))).declared_s == 0.25


def test_chunks_before_the_sound_are_passed_over_with_their_padding():
    for body in (b"", b"a", b"ab", b"abc"):
        assert examined(wav(chunk(b"LIST", body), fmt(), chunk(b"odd ", body), chunk(b"data", SECOND))) == SIMPLE


def test_a_chunk_that_passes_the_end_by_a_byte_is_bridged_to_the_next_known_one():
    sound = chunk(b"data", SECOND)
    for size, bridged in ((4 + len(sound), False), (5 + len(sound), True)):
        data = wav(fmt(), chunk(b"LIST", b"INFO", size=size), sound)
        at = data.index(b"LIST") + 4
        expected = Structure(sndfile="second", declared_s=1.0, patch={at: struct.pack("<I", 4)})
        assert examined(data) == (expected if bridged else Structure(sndfile="first"))


def test_before_the_format_the_next_known_chunk_is_the_format():
    data = wav(chunk(b"LIST", b"data", size=FULL), fmt(), chunk(b"data", SECOND))
    assert examined(data).patch == {data.index(b"LIST") + 4: struct.pack("<I", 4)}
    assert examined(wav(chunk(b"LIST", b"data", size=FULL))) == Structure(sndfile="first")


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        (0, Structure(sndfile="first")),
        (RATE, SIMPLE),
        (8080, Structure(sndfile="first", declared_s=1.01)),
        (8081, Structure(sndfile="first", declared_s=8081 / RATE, cut=True)),  # more than 1 % is missing
        (0x7FFE_FFFF, Structure(sndfile="first", declared_s=0x7FFE_FFFF / RATE, cut=True)),
        (0x7FFF_0000, Structure(sndfile="first")),  # what programs write to a pipe
        (FULL, Structure(sndfile="first")),
    ],
)
def test_the_size_of_the_data_of_a_wav_is_compared_with_the_file(declared, expected):
    present = SECOND if declared else b""
    assert examined(wav(fmt(), chunk(b"data", present, size=declared))) == expected


@pytest.mark.parametrize("odd", [0, 1])
def test_sound_behind_the_declared_data_is_read_from_a_tenth_of_a_second_on(odd):
    for tail in (799, 800):
        data = wav(fmt(), chunk(b"data", SECOND[: 1000 + odd + odd + tail], size=1000 + odd))
        patch = {data.index(b"data") + 4: bytes(4)}
        plain = Structure(sndfile="first", declared_s=(1000 + odd) / RATE)
        assert examined(data) == (Structure(sndfile="second", patch=patch) if tail >= 800 else plain)


REST = b"\x80" * 1000


@pytest.mark.parametrize(
    ("behind", "is_chunk"),
    [
        (chunk(b"LIST", REST), True),
        (chunk(b" ~~~", REST), True),
        (chunk(b"a\x7fcd", REST), False),
        (chunk(b"a\x1fcd", REST), False),
        (chunk(b"\x7fbcd", REST), False),
        (chunk(b"abc\x7f", REST), False),
        (chunk(b"LIST", REST, size=1001), True),  # its padding is missing
        (chunk(b"LIST", REST, size=1002), False),
        (chunk(b"LIST", REST, size=0x0001_0000), True),  # 256 in the other order of bytes
        (chunk(b"TAGx", REST, size=FULL), True),
        (chunk(b"APET", REST, size=FULL), True),
        (chunk(b"ID3\x20", REST, size=FULL), True),
        (chunk(b"ID4\x20", REST, size=FULL), False),
        (bytes(1000), True),
        (bytes(999) + b"\x01", False),
    ],
)
def test_what_follows_the_data_is_a_chunk_a_tag_padding_or_more_sound(behind, is_chunk):
    found = examined(wav(fmt(), chunk(b"data", SECOND[:1000]), behind))
    assert found.sndfile == ("first" if is_chunk else "second")
    unpadded = examined(wav(fmt(), chunk(b"data", SECOND[:1001], size=1001), behind))
    assert unpadded.sndfile == ("first" if is_chunk else "second")


def test_the_size_of_the_data_of_an_rf64_is_in_its_first_chunk():
    for long_size, seconds in ((RATE, 1.0), (RATE // 2, None), (0, None)):
        sizes = chunk(b"ds64", struct.pack("<QQQ", 0, long_size, 0))
        data = wav(sizes, fmt(), chunk(b"data", SECOND, size=FULL), head=b"RF64")
        found = examined(data)
        assert found.declared_s == seconds
        at = data.index(b"data") + 4
        assert found.patch == {RATE: {}, RATE // 2: {at: bytes(4)}, 0: {0: b"RIFF", at: bytes(4)}}[long_size]
    plain = wav(chunk(b"ds64", struct.pack("<QQQ", 0, RATE, 0)), fmt(), chunk(b"data", SECOND, size=FULL))
    assert examined(plain).declared_s is None


@pytest.mark.parametrize(("missing", "is_cut"), [(0, False), (100, False), (113, True), (5000, True)])
def test_an_avi_is_cut_if_it_lacks_more_than_a_hundredth(missing, is_cut):
    data = b"RIFF" + struct.pack("<I", 10_000) + b"AVI " + bytes(9996)
    assert examined(data[: len(data) - missing]) == Structure(cut=is_cut)


@pytest.mark.parametrize(("behind", "is_read_on"), [(4096, False), (4097, True)])
def test_an_aiff_whose_sound_is_longer_than_declared_is_read_to_its_end(behind, is_read_on):
    data = b"FORM\0\0\0\0AIFF" + chunk(b"COMM", bytes(18), order=">")
    at = len(data)
    data += chunk(b"SSND", SECOND[: 100 - 8 + behind], size=100, order=">")
    patched = Structure(sndfile="second", patch={at + 4: bytes(4)}, irregular=True)
    assert examined(data) == (patched if is_read_on else Structure(sndfile="first"))
    text = chunk(b"ANNO", b"x" * behind, order=">")
    assert examined(data[: at + 8 + 100] + text) == Structure(sndfile="first")


@pytest.mark.parametrize(("behind", "is_read_on"), [(4096, False), (4097, True)])
def test_an_au_whose_sound_is_longer_than_declared_is_read_to_its_end(behind, is_read_on):
    data = b".snd" + struct.pack(">II", 24, 100) + bytes(12 + 100 + behind)
    patched = Structure(sndfile="second", patch={8: b"\xff" * 4})
    assert examined(data) == (patched if is_read_on else Structure(sndfile="first"))


def caf(*chunks):
    return b"caff\0\1\0\0" + b"".join(struct.pack(">4sq", name, size) + body for name, size, body in chunks)


@pytest.mark.parametrize(("size", "is_cut"), [(-1, False), (1000, False), (1010, False), (1011, True), (9999, True)])
def test_a_caf_is_cut_if_its_data_lack_more_than_a_hundredth(size, is_cut):
    data = caf((b"desc", 32, bytes(32)), (b"data", size, bytes(1000)))
    assert examined(data) == Structure(sndfile="first", cut=is_cut)
    assert not examined(caf((b"free", size, bytes(1000)))).cut
    whole = caf((b"free", 1000, bytes(1000)), (b"data", size, bytes(1000)))
    assert examined(whole).cut == is_cut


@pytest.mark.parametrize(("size", "is_cut"), [(23, False), (1024, False), (1034, False), (1035, True), (9999, True)])
def test_a_wave64_is_cut_if_its_data_lack_more_than_a_hundredth(size, is_cut):
    head = b"riff\x2e\x91\xcf\x11" + bytes(32)
    whole = struct.pack("<4s12xQ", b"fmt ", 29) + bytes(5 + 3)  # padded to eight bytes
    data = struct.pack("<4s12xQ", b"data", size) + bytes(1000)
    assert examined(head + whole + data) == Structure(sndfile="first", cut=is_cut)
    assert not examined(head + whole + data.replace(b"data", b"junk")).cut
    assert examined(head + struct.pack("<4s12xQ", b"data", 1024) + bytes(1000) + data).cut == is_cut


def box(name, size, body=b"", *, is_long=False):
    return struct.pack(">I4sQ", 1, name, size) + body if is_long else struct.pack(">I4s", size, name) + body


@pytest.mark.parametrize(
    ("boxes", "is_cut"),
    [
        (box(b"mdat", 108, bytes(100)), False),
        (box(b"mdat", 109, bytes(100)), True),
        (box(b"mdat", 116, bytes(100), is_long=True), False),
        (box(b"mdat", 117, bytes(100), is_long=True), True),
        (box(b"mdat", 0, bytes(100)), False),  # to the end of the file
        (box(b"free", 8) + box(b"mdat", 109, bytes(100)), True),
        (box(b"free", 7) + box(b"mdat", 109, bytes(100)), False),
        (box(b"free", 8) + b"\0\0\0", False),
    ],
)
def test_an_mpeg_4_file_is_cut_if_a_box_passes_its_end(boxes, is_cut):
    assert examined(box(b"ftyp", 16, b"M4A \0\0\0\0") + boxes) == Structure(cut=is_cut)


def page(body=b"", *, is_first=False):
    sizes = bytes([255] * (len(body) // 255) + [len(body) % 255])
    return b"OggS\0" + bytes([2 if is_first else 0]) + bytes(20) + bytes([len(sizes)]) + sizes + body


VORBIS, OPUS = page(b"\1vorbis\0", is_first=True), page(b"OpusHead", is_first=True)


@pytest.mark.parametrize(
    ("first", "sndfile"),
    [(VORBIS, "first"), (OPUS, "first"), (page(b"Speex   ", is_first=True), "second"), (VORBIS + OPUS, "second")],
)
def test_an_ogg_of_one_stream_of_vorbis_or_opus_is_read_by_libsndfile(first, sndfile):
    assert examined(first + page(bytes(300))) == Structure(sndfile=sndfile)


def test_streams_of_an_ogg_that_follow_each_other_are_links():
    one, two = VORBIS + page(bytes(300)), OPUS + page(bytes(70)) + page(bytes(10))
    both = one + two
    links = ((0, len(one)), (len(one), len(both)))
    assert examined(both) == Structure(sndfile="second", seekable=False, links=links)
    assert examined(both[:-1]) == Structure(
        sndfile="second", seekable=False, cut=True, links=((0, len(one)), (len(one), len(both) - 1))
    )


@pytest.mark.parametrize(
    ("behind", "is_cut"),
    [(b"", False), (b"O", True), (b"OggS", True), (page(bytes(5))[:-1], True), (b"text", False), (b"text" * 20, False)],
)
def test_an_ogg_is_cut_if_its_last_page_is(behind, is_cut):
    assert examined(VORBIS + page(bytes(300)) + behind) == Structure(sndfile="first", cut=is_cut)
