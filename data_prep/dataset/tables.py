"""Tables of a dataset: read from Parquet and checked; a large one is mapped, from a copy in Arrow's own format.

A table in memory takes several times the bytes of its Parquet file. The copy is as large, but is mapped, so that the
processes of a machine share what they read of it. It is written when the table is read for the first time, into the
folder of index files, and named by the first digits of the sha256 of the Parquet file, and by its own CRC-32, which is
compared at each opening: that takes a tenth of the time of a sha256.
"""

import contextlib
import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from isal import isal_zlib

from data_prep.arrays import UInt8Array
from data_prep.dataset import schema
from data_prep.errors import DatasetError
from earshot_common.atomic import WriteError, atomic_file

if TYPE_CHECKING:
    from io import IOBase

MAPPED_ROWS = 200_000  # from which a table is mapped
_DIFFERENT = {"clip_id", "row", "media"}  # columns without repeated values
_DIGITS = 16  # of the sha256 in the name of a copy
_BLOCK = 1 << 20


def read_table(path: Path, columns: pa.Schema, manifest: dict[str, Any], n_rows: int, copies: Path) -> pa.Table:
    """Return the table in a Parquet file as one chunk; DatasetError unless its sha256, schema and rows match.

    columns: those of the format; manifest: of the dataset, which states the sha256; copies: the folder of Arrow copies.
    """
    expected = manifest["files"][path.name]["sha256"]
    if n_rows >= MAPPED_ROWS:
        table = _copied(copies, path, expected)
        if table is not None:
            return table
    table = _parsed(path, columns, manifest, n_rows)
    if n_rows >= MAPPED_ROWS and _save_copy(copies, path, expected, table):
        return _copied(copies, path, expected) or table
    return table


def is_table_copy(name: str) -> bool:
    """Return whether a file of this name in the folder of index files is a copy of a table."""
    return (
        re.fullmatch(r"\.?(clips|labels)-[0-9a-f]{16}-[0-9a-f]{8,16}\.arrow(\.[0-9a-f]{8}\.(tmp|lock))?", name)
        is not None
    )


def _parsed(path: Path, columns: pa.Schema, manifest: dict[str, Any], n_rows: int) -> pa.Table:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror}; prepare the dataset again") from error
    if hashlib.sha256(data).hexdigest() != manifest["files"][path.name]["sha256"]:
        raise DatasetError(
            f"{path} is not the file its manifest describes: it was damaged, or the dataset was replaced "
            "while open; open it again, and if that fails prepare it again"
        )
    try:
        # Not pq.read_table, which imports pandas: a second.
        file = pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True)
        problem = schema.problem_of_columns(file.schema_arrow, columns, manifest["format_version"])
        if problem:
            raise DatasetError(f"{path} has other columns than expected: {problem}; prepare the dataset again")
        if file.metadata.num_rows != n_rows or n_rows == 0:
            raise DatasetError(f"{path} has {file.metadata.num_rows:,} rows, its manifest states {n_rows:,}")
        return file.read().combine_chunks()
    except (pa.ArrowException, OSError) as error:
        raise DatasetError(f"{path} is damaged ({error}); prepare the dataset again") from error


def _copied(copies: Path, path: Path, sha256: str) -> pa.Table | None:
    """Return the table of a whole copy, mapped; remove copies with another digest than their name states."""
    for copy in sorted(copies.glob(f"{path.stem}-{sha256[:_DIGITS]}-*.arrow")):
        with contextlib.suppress(OSError, pa.ArrowException):
            source = pa.memory_map(str(copy))
            if copy.stem.endswith(f"-{_digest(source)}"):
                table: pa.Table = pa.ipc.open_file(source).read_all()
                return table
        with contextlib.suppress(OSError):
            copy.unlink()
    return None


def _save_copy(copies: Path, path: Path, sha256: str, table: pa.Table) -> bool:
    """Write a copy of a table; return False where the folder cannot be written."""
    try:
        copies.mkdir(exist_ok=True)
        part = copies / f"{path.stem}-{sha256[:_DIGITS]}-{'0' * 8}.arrow"
        with atomic_file(part) as file, pa.ipc.new_file(cast("IOBase", file), table.schema) as writer:
            for batch in table.to_batches():
                writer.write_batch(batch)
        with pa.memory_map(str(part)) as source:
            digest = _digest(source)
        part.replace(part.with_name(f"{part.stem[:-8]}{digest}.arrow"))
    except (OSError, WriteError):
        return False
    return True


def _digest(source: pa.MemoryMappedFile) -> str:
    """Return the CRC-32 of a mapped file as 8 hexadecimal digits."""
    source.seek(0)
    crc = 0
    while block := source.read_buffer(_BLOCK):
        crc = isal_zlib.crc32(block, crc)
    return f"{crc:08x}"


def parquet_bytes(columns: pa.Schema, groups: Iterable[pa.Table]) -> UInt8Array:
    """Return a table as a Parquet file; columns whose values are all different have no dictionary of them."""
    repeated = [
        f"{column.name}.list.element" if pa.types.is_list(column.type) else column.name
        for column in columns
        if column.name not in _DIFFERENT
    ]
    options: Any = {"compression": "zstd", "compression_level": 9, "use_dictionary": repeated}
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, columns, write_page_checksum=True, **options) as writer:
        for group in groups:
            writer.write_table(group)
    data: Any = sink.getvalue()
    return np.frombuffer(data, np.uint8)
