"""What an interrupted reading of AudioSet's archive leaves on disk: the shards that are wanted, and the way back in.

A gzip archive cannot be entered anywhere, and 2.4 GB are too much to store for the 65 MB that `balanced` needs. So the
wanted shards are appended to a tar file, `shards.tar`, and a journal says how many of its bytes are on disk, their
sha256, where in the archive the next member begins, and the last place before that at which gzip can be entered
(`data_prep.gunzip`). The next run takes its shards from here and asks the server for the rest.
"""

import hashlib
import io
import os
import tarfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self

from data_prep.archive import Shard, shards_of_tar
from data_prep.gunzip import Entry
from data_prep.journal import read_journal, write_journal
from data_prep.remote import Identity

_PIECE = 1 << 20
_END = bytes(2 * tarfile.BLOCKSIZE)  # a tar's end mark: not in the file, where more may follow


class Kept:
    """The folder with the shards so far. `identity`, `entry` and `offset`: which archive, and where to go on in it.

    `complete`: nothing more is wanted of it.
    """

    def __init__(self, folder: Path) -> None:
        self._journal = folder / "shards.json"
        self._file = (folder / "shards.tar").open("ab+")
        self._hash = hashlib.sha256()
        self._bytes = 0
        self.identity = Identity()
        self.entry = Entry()
        self.offset = 0
        self.complete = False
        self._take_up()

    def __enter__(self) -> Self:
        """Return what is kept."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self._file.close()

    @property
    def n_bytes(self) -> int:
        """How much is kept."""
        return self._bytes

    def shards(self) -> Iterator[Shard]:
        """Yield the shards of earlier runs."""
        self._file.seek(0)
        yield from shards_of_tar(io.BytesIO(self._file.read(self._bytes) + _END), self._file.name)

    def add(self, shard: Shard) -> None:
        """Append a shard."""
        member = tarfile.TarInfo(shard.name)
        member.size = len(shard.data)
        for data in (member.tobuf(), shard.data, bytes(-len(shard.data) % tarfile.BLOCKSIZE)):
            self._file.write(data)
            self._hash.update(data)
            self._bytes += len(data)

    def note(self, identity: Identity, entry: Entry, offset: int, *, complete: bool) -> None:
        """Put what is kept on disk, and write down that the archive is read up to `offset` of its tar."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self.identity, self.entry, self.offset, self.complete = identity, entry, offset, complete
        facts = {"bytes": self._bytes, "sha256": self._hash.hexdigest(), "offset": offset, "complete": complete}
        write_journal(self._journal, {**facts, "identity": asdict(identity), "entry": entry.to_json()})

    def discard(self) -> None:
        """Begin anew."""
        self._journal.unlink(missing_ok=True)
        self._file.truncate(0)
        self._hash, self._bytes = hashlib.sha256(), 0
        self.identity, self.entry, self.offset, self.complete = Identity(), Entry(), 0, False

    def _take_up(self) -> None:
        """Read the journal, and drop what it does not vouch for."""
        notes = read_journal(self._journal)
        self._file.seek(0)
        left: int = notes["bytes"] if notes else 0
        while left and (piece := self._file.read(min(left, _PIECE))):
            self._hash.update(piece)
            left -= len(piece)
        if notes is None or left or self._hash.hexdigest() != notes["sha256"]:
            self.discard()
            return
        self._bytes, self.offset, self.complete = notes["bytes"], notes["offset"], notes["complete"]
        self.identity, self.entry = Identity(**notes["identity"]), Entry.from_json(notes["entry"])
        self._file.truncate(self._bytes)
        self._file.seek(0, os.SEEK_END)
