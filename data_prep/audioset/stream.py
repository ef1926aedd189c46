"""Shards of AudioSet's archive read from the network as it arrives: no further than needed, and nothing twice."""

import time
import zlib
from collections.abc import Callable, Iterator

from data_prep.audioset.archive import Shard, shards_of_tar
from data_prep.audioset.resume import KeptShards
from data_prep.download.gunzip import Gunzip
from data_prep.download.remote import RemoteFile
from data_prep.errors import DamageError

ARCHIVE = "features.tar.gz"
_NOTE_EVERY_S = 2.0  # how often the position in the archive is noted
_BLOCK_BYTES = 1 << 20


def stream_shards(
    remote: RemoteFile, kept: KeptShards, wanted: set[tuple[str, str]], progress: Callable[[int, int], None]
) -> Iterator[Shard]:
    """Yield every shard of the folders that `wanted` names, (folder, key): those kept first, then those that arrive.

    Each is kept before it is yielded. Reading ends with the archive, or as soon as all of `wanted` have been read.
    Raises DamageError when the archive is damaged, and what RemoteFile raises.
    """
    missing = set(wanted)
    folders = {folder for folder, _ in wanted}
    for shard in kept.shards():
        missing.discard((shard.source, shard.key))
        yield shard
    if kept.complete:
        return
    noted = time.monotonic()
    try:
        stream = Gunzip(remote.read_from, kept.entry)
        _skip_to(stream, kept.offset)
        for shard in shards_of_tar(stream, ARCHIVE):
            if shard.source in folders:
                kept.add(shard)
                missing.discard((shard.source, shard.key))
            if time.monotonic() - noted > _NOTE_EVERY_S or not missing:
                kept.note(remote.identity, stream.entry, stream.tell(), complete=not missing)
                noted = time.monotonic()
            progress(remote.position, remote.identity.length or 0)
            if shard.source in folders:
                yield shard
            if not missing:
                return
        kept.note(remote.identity, stream.entry, stream.tell(), complete=True)
    except EOFError:
        raise DamageError(ARCHIVE, remote.position, "the archive ends too early") from None
    except zlib.error as error:
        raise DamageError(ARCHIVE, remote.position, f"the archive is damaged ({error})") from None


def _skip_to(stream: Gunzip, offset: int) -> None:
    while stream.tell() < offset:
        if not stream.read(min(_BLOCK_BYTES, offset - stream.tell())):
            raise EOFError
