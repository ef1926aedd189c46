"""Download one file: resumed after any interruption, and whole before it takes its name.

Beside `target` lies `.<name>.part`, what has come so far, and `.<name>.part.json`, its journal: how many of its bytes
are on disk, their sha256, and which file they belong to. The next run hashes them again, drops whatever came after, and
asks for the rest.
"""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from itertools import chain
from pathlib import Path

from data_prep.dataset.hashed_file import file_facts
from data_prep.dataset.output_folder import as_output_error
from data_prep.download.journal import JournaledFile
from data_prep.download.progress import Meter, ProgressCallback
from data_prep.download.remote import Identity, RemoteFile, ShouldStop
from data_prep.errors import ChangedError, DownloadError
from earshot_common.locks import lock_file

BeforeWriting = Callable[[int], None]

_NOTE_EVERY_BYTES = 1 << 26  # between two notes in the journal


def fetch_file(
    addresses: Sequence[str],
    target: Path,
    *,
    sha256: str | None = None,
    signature: bytes = b"",
    max_bytes: int = 1 << 34,
    before_writing: BeforeWriting = lambda _: None,
    progress: ProgressCallback = lambda _: None,
    should_stop: ShouldStop = lambda: False,
) -> None:
    """Download the file at `addresses`, tried in turn, to `target`, unless it exists.

    sha256: which the file must have; an existing file that has another one is replaced. The CRC-32C that Google's
        servers state is compared in any case.
    signature: the bytes with which the file begins; an answer that begins otherwise is never written.
    max_bytes: a larger file is rejected.
    before_writing: called with the number of bytes to download before any is written; what it raises ends the download.

    Raises DownloadError when no address gives the file or its sums are wrong, OutputError when the disk is full, and
    StoppedError on request; a later call resumes.
    """
    with as_output_error(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        if sha256 is not None and target.exists() and file_facts(target)["sha256"] != sha256:
            target.unlink()
        if target.exists():
            return
        part = target.with_name(f".{target.name}.part")
        journal = part.with_name(f"{part.name}.json")
        with lock_file(part.with_suffix(".lock"), wait=True):  # another process that fetches it is waited for
            if target.exists():
                return
            open_remote = partial(
                RemoteFile, addresses, signature=signature, max_bytes=max_bytes, should_stop=should_stop
            )
            try:
                with contextlib.closing(JournaledFile(part, journal)) as file:
                    identity = _fetch(file, open_remote, target.name, before_writing, progress)
                    _check_sums(file, target.name, sha256, identity.crc32c)
                part.rename(target)
            finally:
                if not part.exists() or not part.stat().st_size:  # nothing is left to resume
                    part.unlink(missing_ok=True)
                    journal.unlink(missing_ok=True)


def _fetch(
    file: JournaledFile,
    open_remote: Callable[..., RemoteFile],
    name: str,
    before_writing: BeforeWriting,
    progress: ProgressCallback,
) -> Identity:
    """Fetch what is missing, or all of it where another file has been published meanwhile."""
    meter = Meter(f"downloading {name}", progress)
    noted = file.resume().get("identity", {})
    remote = open_remote(identity=Identity(**noted), report_problem=meter.report_problem)
    try:
        _append(file, remote, before_writing, meter)
    except ChangedError:
        meter = Meter(f"downloading {name} anew", progress)
        remote = open_remote(report_problem=meter.report_problem)
        _append(file, remote, before_writing, meter, anew=True)
    return remote.identity


def _append(
    file: JournaledFile, remote: RemoteFile, before_writing: BeforeWriting, meter: Meter, *, anew: bool = False
) -> None:
    """Append what is missing; `anew`: replace the file by all of the remote one, once its first bytes are there."""
    start = 0 if anew else file.size
    meter.show(start, remote.identity.length, at_once=True)
    blocks = remote.read_from(start)
    first = next(blocks, b"")  # from here on the length is known, if the server states it
    if anew:
        file.restart()
    before_writing(max(0, (remote.identity.length or 0) - start))
    noted = start
    try:
        for block in chain([first], blocks):
            file.write(block)
            meter.show(file.size, remote.identity.length)
            if file.size - noted >= _NOTE_EVERY_BYTES:
                file.note(identity=asdict(remote.identity))
                noted = file.size
    finally:
        file.note(identity=asdict(remote.identity))
    meter.show(file.size, remote.identity.length, at_once=True)


def _check_sums(file: JournaledFile, name: str, sha256: str | None, crc32c: str | None) -> None:
    """Drop the file and raise DownloadError unless it has these sums; the next run downloads it anew."""
    for kind, wanted, found in (("sha256", sha256, file.sha256), ("CRC-32C", crc32c, file.crc32c)):
        if wanted not in {None, found}:
            file.restart()
            raise DownloadError(
                f"{name} was damaged on its way, or is not the file expected: its {kind} is {found}, "
                f"expected {wanted}; what was downloaded is discarded: run it again"
            )
