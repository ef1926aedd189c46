"""Splits of AudioSet: its evaluation clips are test; its training clips are divided into train and validation."""

import hashlib

SOURCES = {"bal_train": "balanced", "unbal_train": "unbalanced", "eval": "evaluation"}  # AudioSet's folders
VALIDATION_FRACTION = 0.1

_HASH = hashlib.blake2b(digest_size=8, person=b"earshot-split")  # copied per clip: twice as fast as a new one
_LIMIT = int(VALIDATION_FRACTION * 2**64).to_bytes(8, "big")


def split_of(source: str, video_id: str) -> str:
    """Return the split of a clip: `eval` is test; of the rest, 10 % are validation, chosen by a hash of the video id.

    The hash makes the choice the same for any order of files, subset of AudioSet, machine and version of Python.
    """
    if source == "eval":
        return "test"
    digest = _HASH.copy()
    digest.update(video_id.encode())
    return "validation" if digest.digest() < _LIMIT else "train"
