"""Resumable reading of AudioSet's archive: the shards saved so far, and the position to resume at.

Gzip cannot be read from an arbitrary byte, and `balanced` needs 3 % of the 2.4 GB archive. So the needed shards are
appended to a tar file, `shards.tar`. A journal records how many of its bytes are on disk, their sha256, the offset of
the next archive member, and the last position before it at which inflating can start (`data_prep.download.gunzip`).
The next run reads these shards from disk and requests the rest.
"""

import io
import tarfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from data_prep.audioset.archive import Shard, shards_of_tar
from data_prep.download.gunzip import Entry
from data_prep.download.identity import Identity
from data_prep.download.journal import JournaledFile

_TAR_END = bytes(2 * tarfile.BLOCKSIZE)  # not written, as more shards may be appended


class SavedShards:
    """The shards saved in `folder`.

    `identity`: of the archive; `entry`, `offset`: where to resume in it; `complete`: no more shards are needed.
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

    def record(self, identity: Identity, entry: Entry, offset: int, *, complete: bool) -> None:
        """Sync the shards to disk, and record that the archive has been read up to byte `offset` of its tar."""
        self.identity, self.entry, self.offset, self.complete = identity, entry, offset, complete
        self._tar.record(identity=asdict(identity), entry=entry.to_json(), offset=offset, complete=complete)

    def discard(self) -> None:
        """Remove all shards, to read the archive from its beginning."""
        self._tar.restart()
        self.identity, self.entry, self.offset, self.complete = Identity(), Entry(), 0, False
