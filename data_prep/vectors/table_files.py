"""Table files besides text: Parquet and JSON Lines, with the columns of nested records side by side."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data_prep.errors import InputError
from data_prep.vectors.cells import is_list, is_number
from data_prep.vectors.text_file import Batch, TextFile
from data_prep.vectors.values import Problems

_HEAD_ROWS = 200
_BATCH_VALUES = 1 << 22
_MAX_BATCH_ROWS = 1 << 14
_BUFFER_BYTES = 1 << 20
_MAX_JSON_BYTES = 1 << 28  # of a file that is one JSON array: it is parsed as a whole
_JSON_ROWS = 2048
_DAMAGE = (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError, NotImplementedError, KeyError)
_REFUSED = {  # by first bytes
    b"\x80\x03": "a pickle",
    b"\x80\x04": "a pickle",
    b"\x80\x05": "a pickle",
    b"\x89HDF": "an HDF5 file",
    b"\x1f\x8b": "a gzip file",
    b"ARROW1": "an Arrow IPC (Feather) file",
    b"SQLite": "an SQLite database",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
}
_INSTEAD = "expected .npy, .npz, Parquet, CSV, TSV or JSON Lines"


class ParquetFile:
    """A Parquet file: its columns, those of structs side by side as `struct.field`."""

    kind = "parquet"
    decimal_comma = False

    def __init__(self, path: Path) -> None:
        self.path, self.said = path, list[str]()
        try:
            self._file = pq.ParquetFile(
                path, buffer_size=_BUFFER_BYTES, pre_buffer=False, page_checksum_verification=True
            )
            self._fields = self._file.schema_arrow
            self.n_rows = self._file.metadata.num_rows
            self.head = self._flat(self._first_rows())
        except _DAMAGE as error:
            raise InputError(f"{path} cannot be read as Parquet ({_line(error)}); write it again") from None
        self.schema = self.head.schema
        self.names = self.schema.names
        twice = sorted({name for name in self.names if self.names.count(name) > 1})
        if twice:
            raise InputError(f"{path} has several columns named {', '.join(twice[:5])}; rename them")
        self.index_names = self._pandas_index()

    def batches(self, names: Sequence[str]) -> Iterator[Batch]:
        """Yield the columns `names`, batch by batch."""
        wide = max(1, len(names), *(_width(self.head[name]) for name in names))
        size = min(_MAX_BATCH_ROWS, max(256, _BATCH_VALUES // wide))
        first = 0
        try:
            for batch in self._file.iter_batches(batch_size=size, columns=list(names), use_threads=True):
                table = self._flat(pa.Table.from_batches([batch])).select(list(names))
                yield Batch(np.arange(first, first + len(table), dtype=np.int64), table, {})
                first += len(table)
        except _DAMAGE as error:
            raise InputError(f"{self.path} is damaged ({_line(error)}); write or copy it again") from None

    def _first_rows(self) -> pa.Table:
        rows = next(self._file.iter_batches(batch_size=_HEAD_ROWS), None)
        return pa.Table.from_batches(
            [] if rows is None else [rows], schema=self._fields if rows is None else rows.schema
        )

    @staticmethod
    def _flat(table: pa.Table) -> pa.Table:
        while any(pa.types.is_struct(kind) for kind in table.schema.types):
            table = table.flatten()
        table.validate(full=True)  # such as texts that are no UTF-8
        return table

    def _pandas_index(self) -> list[str]:
        """Return the columns that were the index of a pandas table."""
        metadata = (self._fields.metadata or {}).get(b"pandas")
        try:
            columns = json.loads(metadata or b"{}").get("index_columns", [])
        except (ValueError, AttributeError):
            return []
        return [name for name in columns if isinstance(name, str) and name in self.names]


class JsonFile:
    """JSON Lines, or one JSON array: an object per row; those inside it are columns `object.field`.

    It is parsed by Python, since pyarrow takes texts that look like dates for dates.
    """

    kind = "json"
    decimal_comma = False

    def __init__(self, path: Path) -> None:
        self.path, self.said = path, list[str]()
        self.index_names = list[str]()
        records = [record for record in islice(self._records(), _HEAD_ROWS) if isinstance(record, dict)]
        if not records:
            raise InputError(f"{path} holds no JSON object in its first lines; expected one per line, one line per row")
        self._kinds = _kinds(records)
        self.names = list(self._kinds)
        self.head = _as_table(records, self._kinds, self.names, {}, range(len(records)))
        self.schema = self.head.schema

    def batches(self, names: Sequence[str]) -> Iterator[Batch]:
        """Yield the columns `names`, batch by batch; a line that is no JSON object is a problem of its row."""
        records, first = self._records(), 0
        while some := list(islice(records, _JSON_ROWS)):
            rows = [row for row, record in enumerate(some, first) if isinstance(record, dict)]
            problems = {row: str(record) for row, record in enumerate(some, first) if not isinstance(record, dict)}
            good = [record for record in some if isinstance(record, dict)]
            yield Batch(np.array(rows, np.int64), _as_table(good, self._kinds, names, problems, rows), problems)
            first += len(some)

    def _records(self) -> Iterator[Any]:
        """Yield the object of each row, or a sentence on what is wrong with it."""
        try:
            with self.path.open("rb") as file:
                first = file.read(1024).removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
                file.seek(0)
                if first == b"[":
                    if self.path.stat().st_size > _MAX_JSON_BYTES:
                        raise InputError(f"{self.path} is one JSON array of more than 256 MB; write JSON Lines instead")
                    yield from _array(self.path, file.read())
                    return
                for line in file:
                    text = line.removeprefix(b"\xef\xbb\xbf").strip()
                    if text:
                        yield _parsed(text)
        except OSError as error:
            raise InputError(f"cannot read {self.path}: {error.strerror}") from None


Table = TextFile | ParquetFile | JsonFile


def open_table(path: Path, *, n_vectors: int | None = None, is_part: bool = False) -> Table:
    """Open a table by its contents, not by its name; n_vectors, is_part: see TextFile.

    Raises InputError for a file of another kind.
    """
    first = first_bytes(path)
    if first.startswith(b"PAR1"):
        return ParquetFile(path)
    for magic, kind in _REFUSED.items():
        if first.startswith(magic):
            never = ", which is never read, since it may run any program" if kind == "a pickle" else ""
            raise InputError(f"{path} is {kind}{never}; {_INSTEAD}")
    text = first.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"{") or (text.startswith(b"[") and text[1:].lstrip().startswith(b"{")):
        return JsonFile(path)
    return TextFile(path, n_vectors=n_vectors, is_part=is_part)


def first_bytes(path: Path) -> bytes:
    """Return the beginning of a file; raise InputError if it cannot be read."""
    try:
        if path.is_dir():
            raise InputError(f"{path} is a folder; name one file of vectors")
        with path.open("rb") as file:
            return file.read(1024)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}; {_INSTEAD}") from None


def _width(column: Any) -> int:
    """Return about how many values a row of a column has."""
    if not is_list(column.type):
        return 1
    sizes = [len(row) for row in column.to_pylist() if row]
    return max([1, *sizes])


def _flat_items(record: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in record.items():
        if isinstance(value, dict) and prefix.count(".") < 3:
            yield from _flat_items(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _kinds(records: Sequence[Mapping[str, Any]]) -> dict[str, pa.DataType]:
    """Return the columns of records and their types: those of all values that are not null; texts where they differ."""
    values: dict[str, list[Any]] = {}
    for record in records:
        for name, value in _flat_items(record):
            values.setdefault(name, []).append(value)
    return {name: _kind([value for value in column if value is not None]) for name, column in values.items()}


def _kind(values: list[Any]) -> pa.DataType:
    kinds = {type(value) for value in values}
    if kinds == {list}:
        inner = [item for value in values for item in value if item is not None]
        kind = _kind(inner) if inner else pa.float64()
        return pa.list_(pa.float64() if is_number(kind) else kind)
    if kinds == {bool}:
        return pa.bool_()
    if kinds == {int} and all(abs(value) < 2**63 for value in values):
        return pa.int64()
    if kinds and kinds <= {int, float}:
        return pa.float64()
    return pa.string()


def _as_table(
    records: Sequence[Mapping[str, Any]],
    kinds: Mapping[str, pa.DataType],
    names: Sequence[str],
    problems: Problems,
    rows: Sequence[int],
) -> pa.Table:
    """Return some columns of records; a value of another kind than its column's is null, and a list a problem."""
    flat = [dict(_flat_items(record)) for record in records]
    columns = {}
    for name in names:
        values, kind = [record.get(name) for record in flat], kinds[name]
        try:
            columns[name] = pa.array(_texts(values) if kind == pa.string() else values, kind)
        except (pa.ArrowException, OverflowError, TypeError, ValueError):
            columns[name] = pa.array([_cell(v, kind, problems, r) for v, r in zip(values, rows, strict=True)], kind)
    return pa.table(columns)


def _cell(value: Any, kind: pa.DataType, problems: Problems, row: int) -> Any:
    try:
        pa.array([value], kind)
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        if is_list(kind):
            problems.setdefault(row, f"{json.dumps(value):.40} is not a list of numbers")
        return None
    return value


def _texts(values: list[Any]) -> list[str | None]:
    return [v if v is None or isinstance(v, str) else json.dumps(v, ensure_ascii=False) for v in values]


def _array(path: Path, data: bytes) -> list[Any]:
    records = _parsed(data)
    if not isinstance(records, list):
        raise InputError(f"{path} is not JSON: {records}")
    return [record if isinstance(record, dict) else "it is not a JSON object" for record in records]


def _parsed(text: bytes) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        return f"it is not JSON ({_line(error)})"
    return value if isinstance(value, dict | list) else "it is not a JSON object"


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:160]
