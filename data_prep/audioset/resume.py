"""Shards kept from an interrupted reading of AudioSet's archive, and the position at which to resume it.

A gzip archive cannot be read from just any byte, and 2.4 GB are too much to store for the 65 MB that `balanced` needs.
So the wanted shards are appended to a tar file, `shards.tar`, and a journal says how many of its bytes are on disk,
their sha256, where in the archive the next member begins, and the last position before that from which gzip can be
inflated (`data_prep.download.gunzip`). The next run takes its shards from here and asks the server for the rest.
"""

import io
import tarfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from data_prep.audioset.archive import Shard, shards_of_tar
from data_prep.download.gunzip import Entry
from data_prep.download.journal import JournaledFile
from data_prep.download.remote import Identity

_TAR_END = bytes(2 * tarfile.BLOCKSIZE)  # not in the file, to which more shards may be appended


class KeptShards:
    """The shards kept in `folder`. `identity`, `entry` and `offset` say which archive, and where to resume in it.

    `complete`: no more shards are wanted.
    """

    def __init__(self, folder: Path) -> None:
        self._tar = JournaledFile(folder / "shards.tar", folder / "shards.json")
        facts = self._tar.resume()
        self.identity = Identity(**facts["identity"]) if facts else Identity()
        self.entry = Entry.from_json(facts["entry"]) if facts else Entry()
        self.offset: int = facts.get("offset", 0)
        self.complete: bool = facts.get("complete", False)

    def close(self) -> None:
        """Close the file."""
        self._tar.close()

    @property
    def n_bytes(self) -> int:
        """Size of the tar file."""
        return self._tar.size

    def shards(self) -> Iterator[Shard]:
        """Yield the shards of earlier runs."""
        file = self._tar.file
        file.seek(0)
        yield from shards_of_tar(io.BytesIO(file.read(self.n_bytes) + _TAR_END), file.name)

    def add(self, shard: Shard) -> None:
        """Append a shard."""
        member = tarfile.TarInfo(shard.name)
        member.size = len(shard.data)
        for data in (member.tobuf(), shard.data, bytes(-len(shard.data) % tarfile.BLOCKSIZE)):
            self._tar.write(data)

    def note(self, identity: Identity, entry: Entry, offset: int, *, complete: bool) -> None:
        """Force the shards onto the disk, and note that the archive is read up to byte `offset` of its tar."""
        self.identity, self.entry, self.offset, self.complete = identity, entry, offset, complete
        self._tar.note(identity=asdict(identity), entry=entry.to_json(), offset=offset, complete=complete)

    def discard(self) -> None:
        """Drop all shards: the archive is read from its beginning."""
        self._tar.restart()
        self.identity, self.entry, self.offset, self.complete = Identity(), Entry(), 0, False
