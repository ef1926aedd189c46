"""Damaged files of every kind: all damage must be detected when they are loaded."""

import struct

import numpy as np
import pytest

import lsh
from lsh.storage import container
from tests.lsh.storage.index_files import aligned, fit, make, overwrite, refusal, vectors
from tests.stress import IS_STRESS

FLIPS, HEADER_BYTES, BLOCKS, TAILS, SPLICES, CUTS = (
    (10_000, 5000, 2000, 500, 500, 20_000) if IS_STRESS else (800, 400, 100, 60, 100, 1000)
)


def first_accepted(path, mutants, original):
    """Return a word for the first mutant that is not refused by the file's name, or None."""
    count = 0
    for name, data in mutants:
        if data != original:
            overwrite(path, data)
            count += 1
            if str(path) not in (refusal(path)[0] or ""):
                return name
    assert count, "nothing was damaged"
    return None


def test_a_file_cut_anywhere_is_refused(saved, tmp_path):
    data, _ = saved
    cuts = {*range(300), *np.random.default_rng(7).integers(0, len(data), CUTS).tolist(), len(data) - 1}
    assert first_accepted(tmp_path / "index", ((n, data[:n]) for n in cuts), data) is None


def test_a_flipped_bit_anywhere_is_refused(saved, tmp_path):
    data, _ = saved
    rng = np.random.default_rng(0)

    def flips():
        for place in rng.integers(0, 8 * len(data), FLIPS):
            changed = bytearray(data)
            changed[place // 8] ^= 1 << (place % 8)
            yield f"bit {place}", bytes(changed)

    assert first_accepted(tmp_path / "index", flips(), data) is None


def test_a_changed_byte_of_the_header_is_refused(saved, tmp_path):
    data, _ = saved
    (length,) = struct.unpack_from("<I", data, 12)
    rng = np.random.default_rng(1)

    def changes():
        for place, value in zip(
            rng.integers(0, 48 + length, HEADER_BYTES), rng.integers(0, 256, HEADER_BYTES), strict=True
        ):
            yield f"byte {place} = {value}", data[:place] + bytes([value]) + data[place + 1 :]

    assert first_accepted(tmp_path / "index", changes(), data) is None


def test_a_nonzero_byte_between_arrays_is_refused(saved, tmp_path):
    data, _ = saved
    (length,) = struct.unpack_from("<I", data, 12)
    gap = range(48 + length, aligned(48 + length))
    assert first_accepted(tmp_path / "index", ((i, data[:i] + b"x" + data[i + 1 :]) for i in gap), data) is None


def test_blocks_that_are_zeroed_swapped_doubled_or_moved_are_refused(saved, tmp_path):
    data, _ = saved
    rng = np.random.default_rng(2)

    def blocks():
        for i in range(BLOCKS):
            size = int(rng.integers(1, 600))
            a, b = sorted(rng.integers(0, len(data) - size, 2).tolist())
            one, other = data[a : a + size], data[b : b + size]
            yield f"zeroed {i}", data[:a] + bytes(size) + data[a + size :]
            yield f"doubled {i}", data[: a + size] + one + data[a + size :]
            yield f"removed {i}", data[:a] + data[a + size :]
            yield f"copied {i}", data[:b] + one + data[b + size :]
            if b >= a + size:
                yield f"swapped {i}", data[:a] + other + data[a + size : b] + one + data[b + size :]

    assert first_accepted(tmp_path / "index", blocks(), data) is None


def test_bytes_after_the_end_are_refused(saved, tmp_path):
    data, _ = saved
    rng = np.random.default_rng(3)
    tails = [b"\0", b"\n", bytes(64), bytes(4096), data] + [rng.bytes(rng.integers(1, 200)) for _ in range(TAILS)]
    assert first_accepted(tmp_path / "index", ((t, data + t) for t in tails), data) is None


@pytest.mark.parametrize("kind", ["tables-cosine", "sketches-euclidean"])
def test_a_file_spliced_from_two_is_refused(tmp_path, kind):
    lsh.save(make(kind, seed=1), tmp_path / "one")
    lsh.save(make(kind, seed=2), tmp_path / "two")
    one, two = (tmp_path / "one").read_bytes(), (tmp_path / "two").read_bytes()
    cuts = np.random.default_rng(4).integers(1, min(len(one), len(two)), SPLICES)
    spliced = ((f"cut at {cut}", one[:cut] + two[cut:]) for cut in cuts if one[:cut] + two[cut:] not in {one, two})
    assert first_accepted(tmp_path / "index", spliced, one) is None


@pytest.mark.parametrize("data", [b"", b"\0" * 5000, b"\x93NUMPY" + b"\0" * 122, b"PK\x03\x04" + b"\0" * 100, b"{}"])
def test_a_file_of_another_kind_is_refused(refused, data):
    assert "it is not a saved index" in refused(data)


def test_noise_after_a_valid_beginning_is_refused(saved, tmp_path):
    data, _ = saved
    rng = np.random.default_rng(5)
    noise = ((i, data[: int(rng.integers(8, 60))] + rng.bytes(int(rng.integers(0, 5000)))) for i in range(300))
    assert first_accepted(tmp_path / "index", noise, data) is None


def test_each_kind_of_damage_is_named(saved, refused):
    data, _ = saved
    flipped = bytearray(data)
    flipped[-1] ^= 1
    assert "sha256" in refused(bytes(flipped))
    assert f"it has {len(data) - 1} bytes; expected {len(data)}" in refused(data[:-1])
    assert f"it has {len(data) + 1} bytes; expected {len(data)}" in refused(data + b"\0")
    assert "its header has sha256" in refused(data[:60] + b"~" + data[61:])
    assert "it has 20 bytes" in refused(data[:20])


def test_unverified_damage_never_makes_a_kernel_read_outside_its_arrays(saved, tmp_path):
    """What `verify=False` leaves: flipped bits of the data may change answers, and nothing worse."""
    data, _ = saved
    rng = np.random.default_rng(6)
    Q = rng.standard_normal((4, 5)).astype(np.float32)
    loaded = 0
    for place in rng.integers(0, 8 * len(data), 600):
        changed = bytearray(data)
        changed[place // 8] ^= 1 << (place % 8)
        overwrite(tmp_path / "index", changed)
        _, index = refusal(tmp_path / "index", verify=False)
        if index is not None:
            found = index.search(Q, k=5)
            assert ((found.ids >= -1) & (found.ids < index.n)).all()
            loaded += 1
    assert loaded


@pytest.mark.parametrize("mapped", [True, False])
def test_a_file_truncated_while_it_is_opened_is_refused(tmp_path, monkeypatch, mapped):
    path, real = tmp_path / "index", container.arrays_of
    lsh.save(fit("tables-cosine", vectors(2000)), path)
    data = path.read_bytes()

    def shrink_and_go_on(*arguments, **options):
        overwrite(path, data[:-100])
        return real(*arguments, **options)

    monkeypatch.setattr(container, "arrays_of", shrink_and_go_on)
    assert str(path) in refusal(path, mapped=mapped)[0]
