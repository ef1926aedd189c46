"""Which clips are the database, which tune parameters, which ask: AudioSet's own division, plus a validation split."""

import hashlib

SOURCES = {"bal_train": "balanced", "unbal_train": "unbalanced", "eval": "evaluation"}  # AudioSet's folders
VALIDATION_SHARE = 0.1


def split_of(source: str, video_id: str) -> str:
    """Return the split of a clip: `eval` is test; of the rest, 10 % are validation by a hash of the video id.

    The hash makes the choice the same for any order of files, subset of AudioSet, machine and version of Python.
    """
    if source == "eval":
        return "test"
    digest = hashlib.blake2b(video_id.encode(), digest_size=8, person=b"earshot-split").digest()
    return "validation" if int.from_bytes(digest, "big") < VALIDATION_SHARE * 2**64 else "train"
