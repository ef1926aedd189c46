"""Downloading one file: resumes after any interruption, verifies, and then renames the file to its target.

Beside the target, `.<name>.part` holds the bytes so far, and `.<name>.part.json` is its journal: the number of synced
bytes, their sha256, and the identity of the remote file. The next run verifies these bytes, truncates the file after
them, and requests the rest.
"""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from itertools import chain
from pathlib import Path

from data_prep.dataset.hashed_file import file_facts
from data_prep.dataset.output_folder import as_output_error
from data_prep.download.identity import Identity
from data_prep.download.journal import JournaledFile
from data_prep.download.progress import Meter, ProgressCallback
from data_prep.download.remote import RemoteFile, ShouldStop, Signature
from data_prep.errors import ChangedError, DownloadError
from earshot_common.locks import lock_file

BeforeWriting = Callable[[int], None]

_RECORD_EVERY_BYTES = 1 << 26  # between two updates of the journal


def fetch_file(
    addresses: Sequence[str],
    target: Path,
    *,
    sha256: str | None = None,
    signature: Signature = b"",
    max_bytes: int = 1 << 34,
    before_writing: BeforeWriting = lambda _: None,
    progress: ProgressCallback = lambda _: None,
    should_stop: ShouldStop = lambda: False,
    retry: bool = True,
) -> None:
    """Download the file at `addresses`, tried in turn, to `target`, unless it exists.

    sha256: expected hash; an existing file with another hash is replaced. The CRC-32C that Google's servers state is
        always verified.
    signature: as in `RemoteFile`; a response without it is never written.
    max_bytes: a larger file is rejected.
    retry: whether to try again after pauses when all addresses fail.
    before_writing: called once with the number of bytes to download; an exception of it ends the download.

    Raises DownloadError when all addresses fail or a checksum is wrong, OutputError when the disk is full, and
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
        with lock_file(part.with_suffix(".lock"), wait=True):  # waits for another process that downloads it
            if target.exists():
                return
            open_remote = partial(
                RemoteFile, addresses, signature=signature, max_bytes=max_bytes, should_stop=should_stop, retry=retry
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
    """Download the missing bytes, or the whole file if another one has been published meanwhile."""
    meter = Meter(f"downloading {name}", progress)
    recorded = file.resume().get("identity", {})
    remote = open_remote(identity=Identity(**recorded), report_problem=meter.report_problem)
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
    """Append the missing bytes. `anew`: replace the file by the remote one once its first bytes have arrived."""
    start = 0 if anew else file.size
    meter.show(start, remote.identity.length, at_once=True)
    blocks = remote.read_from(start)
    first = next(blocks, b"")  # from here on the length is known if the server states it
    if anew:
        file.restart()
    before_writing(max(0, (remote.identity.length or 0) - start))
    recorded_size = start
    try:
        for block in chain([first], blocks):
            file.write(block)
            meter.show(file.size, remote.identity.length)
            if file.size - recorded_size >= _RECORD_EVERY_BYTES:
                file.record(identity=asdict(remote.identity))
                recorded_size = file.size
    finally:
        file.record(identity=asdict(remote.identity))
    meter.show(file.size, remote.identity.length, at_once=True)


def _check_sums(file: JournaledFile, name: str, sha256: str | None, crc32c: str | None) -> None:
    """Raise DownloadError unless the file has these checksums; the next run then starts over."""
    for kind, wanted, found in (("sha256", sha256, file.sha256), ("CRC-32C", crc32c, file.crc32c)):
        if wanted not in {None, found}:
            file.restart()
            raise DownloadError(
                f"{name} was damaged in transfer or is not the expected file: its {kind} is {found}, "
                f"expected {wanted}; it was removed: run it again"
            )
