"""Streaming of AudioSet's archive: yields its shards during the download, and stops when all needed ones are read."""

import time
import zlib
from collections.abc import Callable, Iterator
from itertools import chain
from tarfile import BLOCKSIZE

from data_prep.audioset.archive import Shard, is_tar, shards_of_tar
from data_prep.audioset.resume import SavedShards
from data_prep.download.gunzip import Entry, Gunzip, Stored
from data_prep.download.remote import RemoteFile
from data_prep.errors import DamageError

ARCHIVE = "features.tar.gz"
_RECORD_EVERY_S = 2.0  # interval at which the position in the archive is recorded
_BLOCK_BYTES = 1 << 20


def stream_shards(
    remote: RemoteFile, saved: SavedShards, wanted: set[tuple[str, str]], progress: Callable[[int, int], None]
) -> Iterator[Shard]:
    """Yield every shard of the folders in `wanted`, a set of (folder, key): first the saved ones, then downloaded ones.

    Each is saved before it is yielded. Reading ends with the archive, or when all of `wanted` have been read.
    Raises DamageError when the archive is damaged, and what RemoteFile raises.
    """
    missing = set(wanted)
    folders = {folder for folder, _ in wanted}
    for shard in saved.shards():
        missing.discard((shard.source, shard.key))
        yield shard
    if saved.complete:
        return
    recorded_at = time.monotonic()
    try:
        stream = _open(remote, saved.entry)
        _skip_to(stream, saved.offset)
        for shard in shards_of_tar(stream, ARCHIVE):
            if shard.source in folders:
                saved.add(shard)
                missing.discard((shard.source, shard.key))
            if time.monotonic() - recorded_at > _RECORD_EVERY_S or not missing:
                saved.record(remote.identity, stream.entry, stream.tell(), complete=not missing)
                recorded_at = time.monotonic()
            progress(remote.position, remote.identity.length or 0)
            if shard.source in folders:
                yield shard
            if not missing:
                return
        saved.record(remote.identity, stream.entry, stream.tell(), complete=True)
    except EOFError:
        raise DamageError(ARCHIVE, remote.position, "the archive ends too early") from None
    except zlib.error as error:
        raise DamageError(ARCHIVE, remote.position, f"the archive is damaged ({error})") from None


def _open(remote: RemoteFile, entry: Entry) -> Gunzip | Stored:
    """Return a reader of the tar inside the archive, from an entry point on; by its contents, it may not be gzipped."""
    if entry.stored:
        return Stored(remote.read_from, entry)
    if entry.offset:
        return Gunzip(remote.read_from, entry)
    pieces, head = remote.read_from(0), b""
    while len(head) < BLOCKSIZE and (piece := next(pieces, b"")):
        head += piece
    reader = Stored if is_tar(head) else Gunzip
    return reader(lambda _: chain([head], pieces))


def _skip_to(stream: Gunzip | Stored, offset: int) -> None:
    while stream.tell() < offset:
        if not stream.read(min(_BLOCK_BYTES, offset - stream.tell())):
            raise EOFError
