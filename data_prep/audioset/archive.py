"""Reader of AudioSet's shards: from features.tar.gz or .tar as a stream, from a folder, or from one file.

Whether a file is gzipped is decided by its contents: browsers may unpack features.tar.gz and keep its name. Hidden
files, such as the `._ab.tfrecord` of macOS, and those in hidden folders are passed over.

The archive is never unpacked: shard names differ only by case (`-A.tfrecord`, `-a.tfrecord`), so a case-insensitive
disk would lose half of them, and a malicious member could be written outside the folder.
"""

import gzip
import itertools
import re
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath
from typing import BinaryIO, Protocol

from isal import igzip, igzip_threaded, isal_zlib

from data_prep.audioset.splits import SOURCES
from data_prep.errors import DamageError, InputError

MAX_SHARD_BYTES = 1 << 28  # AudioSet's largest has about 1 MB
MAX_MEMBERS = 100_000
MAX_TRAILING_BYTES = 1 << 24

GZIP = b"\x1f\x8b"
_INFLATED_BYTES = 1 << 22  # per block that the thread inflates
_BLOCK = tarfile.BLOCKSIZE
_PLAIN_FILES = {tarfile.REGTYPE, tarfile.AREGTYPE}
_HARMLESS = _PLAIN_FILES | {tarfile.DIRTYPE, tarfile.XHDTYPE, tarfile.XGLTYPE}  # the X types are pax comments
_SUFFIX = ".tfrecord"
SUFFIXES = (_SUFFIX, f"{_SUFFIX}.gz")
_EXPECTED = f"expected audioset_v1_embeddings/{{{','.join(SOURCES)}}}/XX{_SUFFIX}"
_PLAIN_PATH = re.compile(r"[A-Za-z0-9_ .+@-]+(/[A-Za-z0-9_ .+@-]+)*/?")


class PlainStream(Protocol):
    """A stream of the bytes of a tar file; `read` returns fewer bytes than requested only at the end."""

    def read(self, size: int, /) -> bytes: ...  # noqa: D102

    def tell(self) -> int: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Shard:
    """A shard in memory: its name (`bal_train/XX.tfrecord`), its AudioSet folder, and its bytes."""

    name: str
    source: str
    data: bytes

    @property
    def key(self) -> str:
        """The two characters of the file name, with which the video ids of its clips begin."""
        return PurePosixPath(self.name).name.removesuffix(".gz").removesuffix(_SUFFIX)


def read_shards(features: Path, progress: Callable[[int, int], None] = lambda _done, _total: None) -> Iterator[Shard]:
    """Yield every shard of an archive or a folder (in order of path), or the one shard at `features`.

    `progress` is called with the bytes read so far and the total. Raises InputError for invalid files.
    """
    try:
        if features.is_dir():
            yield from _shards_of_folder(features, progress)
        elif not features.is_file():
            raise missing(str(features))
        elif features.name.endswith(SUFFIXES):
            yield from _shards_of_files([features], progress)
        else:
            yield from _shards_of_archive(features, progress)
    except OSError as error:
        raise InputError(f"cannot read {error.filename or features}: {error.strerror or error}") from error


def _shards_of_folder(folder: Path, progress: Callable[[int, int], None]) -> Iterator[Shard]:
    paths = [path for path in folder.rglob(f"*{_SUFFIX}*") if is_shard(path.relative_to(folder))]
    if not paths:
        raise without_shards(str(folder))
    yield from _shards_of_files(sorted(paths), progress)


def _shards_of_files(paths: list[Path], progress: Callable[[int, int], None]) -> Iterator[Shard]:
    total, done = sum(path.stat().st_size for path in paths), 0
    for path in paths:
        source = source_of(path.absolute().parent.name, str(path))
        check_size(str(path), path.stat().st_size)
        data = path.read_bytes()
        done += len(data)
        yield Shard(f"{source}/{path.name}", source, data)
        progress(done, total)


def _shards_of_archive(path: Path, progress: Callable[[int, int], None]) -> Iterator[Shard]:
    with path.open("rb") as file:
        yield from shards_of_archive(file, str(path), path.stat().st_size, progress)


def shards_of_archive(
    file: BinaryIO, where: str, total: int, progress: Callable[[int, int], None] = lambda _done, _total: None
) -> Iterator[Shard]:
    """Yield every shard of an open archive of `total` bytes; `where`: its path or address."""
    name = PurePosixPath(where).name
    head = file.read(_BLOCK)
    file.seek(0)
    if head.startswith(GZIP):
        shards = _inflated(file, name)
    elif is_tar(head):
        shards = shards_of_tar(file, name)
    else:
        raise InputError(f"{where} is neither a tar archive nor a *{_SUFFIX} shard: expected features.tar.gz")
    found = False
    try:
        for shard in shards:
            found = True
            yield shard
            progress(file.tell(), total)
    except EOFError:
        raise DamageError(name, total, "the archive is cut short: get it again") from None
    except (gzip.BadGzipFile, isal_zlib.error) as error:
        raise DamageError(name, file.tell(), f"the archive is damaged ({error}): get it again") from None
    if not found:
        raise InputError(f"{where} holds no shard: {_EXPECTED}")


def missing(features: str) -> InputError:
    """Return the error for features that are not there."""
    return InputError(f"{features} does not exist: expected AudioSet's features.tar.gz, a folder or a shard")


def without_shards(folder: str) -> InputError:
    """Return the error for a folder in which there is no shard."""
    return InputError(f"{folder} holds no *{_SUFFIX} file: {_EXPECTED}")


def is_tar(head: bytes) -> bool:
    """Return whether a file that begins with these bytes, at least 512, is a tar file."""
    try:
        tarfile.TarInfo.frombuf(head[:_BLOCK], "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def _inflated(file: BinaryIO, name: str) -> Iterator[Shard]:
    """Yield the shards of an archive, inflated by a thread.

    At damage the thread drops a whole block. Then the archive is read again without a thread, to yield the shards
    before the damage.
    """
    found = 0
    file.seek(0)
    try:
        with igzip_threaded.open(file, "rb", threads=1, block_size=_INFLATED_BYTES) as stream:
            for shard in shards_of_tar(stream, name):
                found += 1
                yield shard
    except (EOFError, gzip.BadGzipFile, isal_zlib.error):
        file.seek(0)
        with igzip.IGzipFile(fileobj=file) as stream:
            yield from itertools.islice(shards_of_tar(stream, name), found, None)


def shards_of_tar(stream: PlainStream, name: str) -> Iterator[Shard]:
    """Yield the shards of a tar file from the stream's position on, which must be the start of a member.

    Headers are parsed here because `tarfile` takes a damaged or missing one for the end of the archive.
    """
    for _ in range(MAX_MEMBERS):
        offset = stream.tell()
        block = _read(stream, _BLOCK, name)
        if not any(block):
            _check_trailing(stream, name)
            return
        try:
            member = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except tarfile.HeaderError as error:
            raise DamageError(name, offset, f"no tar header where one should be ({error}): get it again") from None
        data = _member_data(stream, member, name)
        if data is not None:
            path = PurePosixPath(member.name)
            source = source_of(path.parent.name, f"{name}:{path}")
            yield Shard(f"{source}/{path.name}", source, data)
    raise InputError(f"{name} has more than {MAX_MEMBERS:,} members: {_EXPECTED}")


def _member_data(stream: PlainStream, member: tarfile.TarInfo, name: str) -> bytes | None:
    """Return the bytes of a shard; None for folders, comments and other plain files. InputError for unsafe members."""
    where = f"{name}:{ascii(member.name)[1:-1]:.200}"
    path = PurePosixPath(member.name)
    if not _PLAIN_PATH.fullmatch(member.name) or ".." in path.parts:
        raise InputError(f"{where} is not a plain path inside the archive: {_EXPECTED}")
    if member.type not in _HARMLESS:
        raise InputError(f"{where} is a link, a device or something else that is not a plain file: {_EXPECTED}")
    check_size(where, member.size)
    data = _read(stream, -(-member.size // _BLOCK) * _BLOCK, name)[: member.size]
    return data if member.type in _PLAIN_FILES and is_shard(path) else None


def is_shard(path: PurePath) -> bool:
    """Return whether a path inside a folder or an archive is that of a shard, and nothing in it is hidden."""
    return path.name.endswith(SUFFIXES) and not any(part.startswith(".") for part in path.parts)


def _check_trailing(stream: PlainStream, name: str) -> None:
    """Read to the end, so that gzip verifies its checksum; only padding may follow the end mark."""
    offset = stream.tell()
    trailing = stream.read(MAX_TRAILING_BYTES + 1)
    if len(trailing) > MAX_TRAILING_BYTES or trailing.strip(b"\0"):
        raise DamageError(name, offset, "the archive continues after its end mark: get it again")


def check_size(where: str, size: int) -> None:
    """Raise InputError for a size in bytes that no shard has."""
    if not 0 <= size <= MAX_SHARD_BYTES:
        raise InputError(f"{where} claims {size:,} bytes, more than the {MAX_SHARD_BYTES:,} allowed for a shard")


def source_of(folder: str, where: str) -> str:
    """Return the name of a shard's folder; raise InputError for one that is not AudioSet's."""
    if folder not in SOURCES:
        raise InputError(
            f"{where} lies in a folder {folder!r}, so its split is unknown: {_EXPECTED}, "
            "as the folder determines the split"
        )
    return folder


def _read(stream: PlainStream, size: int, name: str) -> bytes:
    data = stream.read(size)
    if len(data) != size:
        raise DamageError(name, stream.tell(), "the tar is cut before its end mark: get the archive again")
    return data
