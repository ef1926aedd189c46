"""One published file onto this disk: resumed after any interruption, and whole before it takes its name.

Beside `target` lies `.<name>.part`, what has come so far, and `.<name>.part.json`: how many of its bytes are known to
be on disk, their sha256, and which file they belong to. The next run hashes them again, drops whatever came after, and
asks for the rest.
"""

import base64
import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import google_crc32c

from data_prep.atomic import as_output_error
from data_prep.errors import ChangedError, DataError, DownloadError
from data_prep.files import file_facts
from data_prep.journal import read_journal, write_journal
from data_prep.progress import Meter, Report
from data_prep.remote import Identity, RemoteFile, ShouldStop
from earshot_common.locks import lock_file

Begin = Callable[[int], None]

_EVERY = 1 << 26  # bytes between two entries in the journal
_PIECE = 1 << 20


def fetch_file(
    addresses: Sequence[str],
    target: Path,
    *,
    sha256: str | None = None,
    begins: bytes = b"",
    most: int = 1 << 34,
    begin: Begin = lambda _: None,
    progress: Report = lambda _: None,
    should_stop: ShouldStop = lambda: False,
) -> None:
    """Download the file behind `addresses`, tried in turn, to `target`; nothing is done where it is there already.

    begin: told how many bytes are to come before any of them is written; what it raises ends the download.

    The bytes must have this `sha256`, if one is given (a file that is there and has another one is replaced), and the
    CRC-32C that Google's servers state. They must begin with `begins`: what cannot be the file takes nothing of what
    has come. Raises DownloadError when they do not or cannot be had, OutputError when the disk is full, and
    StoppedError on request; a later call carries on.
    """
    with as_output_error(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        if sha256 is not None and target.exists() and file_facts(target)["sha256"] != sha256:
            target.unlink()
        if target.exists():
            return
        part = _Part(target)
        meter = Meter(f"downloading {target.name}", progress)

        def remote(identity: Identity) -> RemoteFile:
            return RemoteFile(
                addresses,
                identity=identity,
                begins=begins,
                most=most,
                tell=meter.say_trouble,
                should_stop=should_stop,
            )

        try:
            part.fetch(remote, begin, meter)
        except ChangedError:
            meter = Meter(f"downloading {target.name} anew", progress)
            part.fetch(remote, begin, meter, anew=True)
        part.finish(sha256)


class _Part:
    """What has come so far of one file."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._path = target.with_name(f".{target.name}.part")
        self._journal = target.with_name(f".{target.name}.part.json")
        self._identity = Identity()
        self._start_sums()

    def fetch(
        self, open_remote: Callable[[Identity], RemoteFile], begin: Begin, meter: Meter, *, anew: bool = False
    ) -> None:
        """Get what is missing; somebody else who gets it too is waited for.

        `anew`: get everything; what has come of another file makes room when the first bytes of the new one are there.
        """
        with self._locked() as file:
            if self._target.exists():
                self.discard()
                return
            size = noted = 0 if anew else self._take_up(file)
            remote = open_remote(Identity() if anew else self._identity)
            meter.show(size, remote.identity.length, at_once=True)
            try:
                pieces = remote.read_from(size)
                first = next(pieces, b"")  # the server has answered: the length is known if it says it
                if anew:
                    self._start_sums()
                    file.truncate(0)
                begin(max(0, (remote.identity.length or 0) - size))
            except DataError:
                if not os.fstat(file.fileno()).st_size:
                    self.discard()
                raise
            try:
                for piece in chain([first], pieces):
                    file.write(piece)
                    self._add(piece)
                    size += len(piece)
                    meter.show(size, remote.identity.length)
                    if size - noted >= _EVERY:
                        noted = self._note(file, size, remote.identity)
            finally:
                self._note(file, size, remote.identity)
            meter.show(size, remote.identity.length, at_once=True)

    def finish(self, sha256: str | None) -> None:
        """Compare sums, and give the file its name; one that fails is dropped, and the next run gets it anew."""
        if self._target.exists():
            return
        crc32c = base64.b64encode(self._crc32c.to_bytes(4, "big")).decode()
        sums = [("sha256", sha256, self._sha256.hexdigest()), ("CRC-32C", self._identity.crc32c, crc32c)]
        for name, wanted, found in sums:
            if wanted is not None and wanted != found:
                self.discard()
                raise DownloadError(
                    f"{self._target.name} was damaged on its way, or is not the file expected: its {name} is {found}, "
                    f"expected {wanted}; what came is discarded: run it again"
                )
        self._path.rename(self._target)
        self._journal.unlink(missing_ok=True)

    def discard(self) -> None:
        """Forget what came."""
        self._path.unlink(missing_ok=True)
        self._journal.unlink(missing_ok=True)
        self._identity = Identity()
        self._start_sums()

    @contextlib.contextmanager
    def _locked(self) -> Iterator[BinaryIO]:
        """Yield the part for this process alone; another one that has it is waited for."""
        with lock_file(self._path.with_suffix(".lock"), wait=True), self._path.open("ab+") as file:
            yield file

    def _take_up(self, file: BinaryIO) -> int:
        """Return how many bytes of an earlier run are good, after dropping the rest."""
        notes = read_journal(self._journal) or {"bytes": 0, "sha256": "", "identity": {}}
        left: int = notes["bytes"]
        file.seek(0)
        while left and (piece := file.read(min(left, _PIECE))):
            self._add(piece)
            left -= len(piece)
        if left or self._sha256.hexdigest() != notes["sha256"]:
            self._start_sums()
            notes = {"bytes": 0, "identity": {}}
        self._identity = Identity(**notes["identity"])
        file.truncate(notes["bytes"])
        file.seek(0, os.SEEK_END)
        return int(notes["bytes"])

    def _note(self, file: BinaryIO, size: int, identity: Identity) -> int:
        file.flush()
        os.fsync(file.fileno())
        facts = {"bytes": size, "sha256": self._sha256.hexdigest(), "identity": asdict(identity)}
        write_journal(self._journal, facts)
        self._identity = identity
        return size

    def _start_sums(self) -> None:
        self._sha256 = hashlib.sha256()
        self._crc32c = 0

    def _add(self, piece: bytes) -> None:
        self._sha256.update(piece)
        self._crc32c = google_crc32c.extend(self._crc32c, piece)
