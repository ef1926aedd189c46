"""Packed datasets: a prepared dataset in one zip file, packed, unpacked and downloaded.

The archive holds the dataset's own files, uncompressed, `manifest.json` first, and indexes of its features. Of the
files only those that the manifest names are extracted, each with the size and sha256 that the manifest states.

Sketches are packed with the dataset, hash tables on request: at 100 Mbit/s sketches of 500,000 clips are downloaded in
half of the time in which one processor builds them, and hash tables are not (docs/DEPLOY.md).
"""

import lzma
import os
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO

from data_prep.arrays import FeatureDtype
from data_prep.dataset.hashed_file import HashedFile, file_facts
from data_prep.dataset.indexes import index_files, is_index_of, problems_of_indexes
from data_prep.dataset.manifest import parse_manifest
from data_prep.dataset.output_folder import as_output_error, new_folder
from data_prep.dataset.reader import Dataset, open_dataset
from data_prep.dataset.reencode import reencode
from data_prep.dataset.schema import INDEXES, MANIFEST
from data_prep.dataset.verify import verify_dataset
from data_prep.download.journal import read_journal, write_journal
from data_prep.download.progress import ProgressCallback
from data_prep.download.resumable import fetch_file
from data_prep.errors import InputError, OutputError
from earshot_common.atomic import atomic_file, write_file

_MAX_MANIFEST_BYTES = 1 << 26
_BLOCK_BYTES = 1 << 20
_NOT_A_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    KeyError,
    EOFError,
    NotImplementedError,
    RuntimeError,
)
_ADDRESS = re.compile(r"(?P<address>https?://[^\s#]+)#sha256=(?P<sha256>[0-9a-fA-F]{64})")


def pack(path: str | Path, out: str | Path, dtype: FeatureDtype | None = None, *, with_tables: bool = False) -> str:
    """Write the whole dataset at `path` into the file `out`; return the file's sha256.

    dtype: in which its features are stored in the packed dataset, by default as they are; with another one its indexes
    are left out. Otherwise saved indexes of sketches are packed too, and with `with_tables` hash tables. Raises
    InputError for a damaged dataset or index, OutputError when `out` exists or cannot be written.
    """
    target = Path(out)
    if os.path.lexists(target):
        raise OutputError(f"{target} exists already: choose another name, or remove it")
    problems = verify_dataset(path)
    if problems:
        raise InputError(f"{path} is damaged, so it is not packed: {problems[0]}")
    dataset = open_dataset(path)
    manifest, arrays = reencode(dataset, dtype or dataset.dtype)
    contents = {name: arrays.get(name) or partial(_blocks, dataset.path / name) for name in dataset.manifest["files"]}
    indexes = [] if arrays else index_files(dataset, "sketches", *(["tables"] if with_tables else []))
    if indexes and (problems := problems_of_indexes(dataset)):
        raise InputError(f"an index of {path} is damaged, so it is not packed; remove it: {problems[0]}")
    contents |= {f"{INDEXES}/{index.name}": partial(_blocks, index) for index in indexes}
    with (
        as_output_error(target),
        atomic_file(target) as part,
        zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive,
    ):
        for name, blocks in {MANIFEST: lambda: [manifest], **contents}.items():
            entry = zipfile.ZipInfo(name)  # of a fixed date: the same dataset is the same file
            with archive.open(entry, "w", force_zip64=True) as member:
                for block in blocks():
                    member.write(block)
    return str(file_facts(target)["sha256"])


def unpack(packed: Path, out: Path, *, overwrite: bool = False) -> Dataset:
    """Unpack a packed dataset into the folder `out`, in one step. Raises InputError for an invalid file."""
    try:
        with zipfile.ZipFile(packed) as archive, new_folder(out, overwrite=overwrite) as folder:
            _extract(archive, folder, packed)
    except _NOT_A_ZIP as error:
        raise InputError(f"{packed} is not a packed dataset ({error}); expected what `data_prep pack` writes") from None
    return open_dataset(out)


def fetch_dataset(
    address: str,
    out: Path,
    progress: ProgressCallback = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Dataset:
    """Download the dataset at the address `https://...#sha256=...` to the folder `out`, unless it is there already.

    A dataset at `out` that was not made of this file is replaced once the new one is complete.
    Raises InputError for another form of address, DownloadError when no file is there or it has another sha256.
    """
    found = _ADDRESS.fullmatch(address.strip())
    if found is None:
        raise InputError(
            f"{address[:200]!r} is not the address of a dataset; expected https://, the address of a packed one, then "
            "#sha256= and the 64 digits that `python -m data_prep pack` printed"
        )
    if is_fetched(address, out):
        return open_dataset(out)
    sha256 = found["sha256"].lower()
    packed = out.with_name(f".{out.name}.zip")
    fetch_file([found["address"]], packed, sha256=sha256, signature=b"PK", progress=progress, should_stop=should_stop)
    try:
        with as_output_error(out):
            _origin(out).unlink(missing_ok=True)
            dataset = unpack(packed, out, overwrite=True)
            write_journal(_origin(out), {"sha256": sha256})
    finally:
        packed.unlink(missing_ok=True)
    return dataset


def is_fetched(address: str, out: Path) -> bool:
    """Return whether `fetch_dataset` has made the dataset at `out` of the file that this address names."""
    found, origin = _ADDRESS.fullmatch(address.strip()), read_journal(_origin(out))
    here = (out / MANIFEST).exists()
    return here and found is not None and origin is not None and origin["sha256"] == found["sha256"].lower()


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            yield block


def _origin(out: Path) -> Path:
    """Return the path of the file beside a downloaded dataset that holds the sha256 of the packed file."""
    return out.with_name(f".{out.name}.origin.json")


def _extract(archive: zipfile.ZipFile, folder: Path, packed: Path) -> None:
    with archive.open(MANIFEST) as member:
        data = _read(member, _MAX_MANIFEST_BYTES + 1, packed)
    if len(data) > _MAX_MANIFEST_BYTES:
        raise InputError(f"{packed} holds a manifest of more than {_MAX_MANIFEST_BYTES:,} bytes: not a packed dataset")
    files = parse_manifest(data, packed)["files"]
    for name, facts in files.items():
        left = facts["bytes"]
        with archive.open(name) as member, HashedFile(folder / name) as file:
            while left and (piece := _read(member, min(left, _BLOCK_BYTES), packed)):
                file.write(piece)
                left -= len(piece)
        if left or file.facts["sha256"] != facts["sha256"]:
            raise InputError(f"{packed}: its {name} is not the file that its manifest describes; get the file again")
    _extract_indexes(archive, folder, files["train.npy"]["sha256"])
    write_file(folder / MANIFEST, data)


def _extract_indexes(archive: zipfile.ZipFile, folder: Path, features_sha256: str) -> None:
    """Extract the indexes of these features. Uncompressed alone: then they are no larger than the archive."""
    for member in archive.infolist():
        place, _, name = member.filename.rpartition("/")
        stored = member.compress_type == zipfile.ZIP_STORED
        if place == INDEXES and stored and is_index_of(features_sha256, name):
            (folder / INDEXES).mkdir(exist_ok=True)
            with archive.open(member) as source, HashedFile(folder / INDEXES / name) as file:
                while piece := source.read(_BLOCK_BYTES):
                    file.write(piece)


def _read(member: IO[bytes], size: int, packed: Path) -> bytes:
    try:
        return member.read(size)
    except OSError as error:  # bz2 raises it too, for damaged data
        raise InputError(f"{packed} cannot be read ({error.strerror or error}); get the file again") from None
