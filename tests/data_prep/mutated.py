"""Mutations of files: bytes that are changed, missing, repeated or inserted."""

NUMBERS = (0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 0xFFFFFFF8)  # sizes and counts that programs trip over, 32 bits little-endian


def mutated(rng, data, pieces=(), most=8):
    """Return `data` after 1 to `most` mutations, more often near its start; `pieces` are inserted too."""
    data = bytearray(data)
    for _ in range(rng.integers(1, most + 1)):
        at = int(len(data) * rng.random() ** rng.choice([1, 4]))
        kind, n = rng.integers(8 if pieces else 7), int(rng.integers(1, 65))
        if kind <= 2:
            data[at : at + 1] = bytes([rng.integers(256)])
        elif kind == 3:
            data[at : at + 4] = int(rng.choice(NUMBERS)).to_bytes(4, "little")
        elif kind == 4:
            del data[at : at + n]
        elif kind == 5:
            data[at:at] = data[at : at + n]
        elif kind == 6:
            data[at:] = b""
        else:
            data[at:at] = pieces[rng.integers(len(pieces))]
    return bytes(data)
