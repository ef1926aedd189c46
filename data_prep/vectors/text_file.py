"""Text tables: CSV and TSV of spreadsheets, pandas, BirdNET and the TensorBoard projector, batch by batch."""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from pyarrow import csv as pa_csv

from data_prep.arrays import Int64Array
from data_prep.errors import InputError
from data_prep.vectors.cells import looks_like_vector
from data_prep.vectors.encoding import encoding_of
from data_prep.vectors.values import Problems

_HEAD_BYTES = 1 << 21
_HEAD_ROWS = 200
_BLOCK_BYTES = 1 << 24
_DELIMITERS = ("\t", ";", ",", "|", " ")
_NUMBER = re.compile(r"[-+]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][-+]?\d+)?|[-+]?(?:nan|inf)", re.IGNORECASE)
_WITH_POINT = re.compile(r".*[.,eE-].*")
_MAX_CELL = 1 << 24


class Batch(NamedTuple):
    """Some rows of a table: their numbers in the file, int64[n], their columns, and problems of further rows."""

    rows: Int64Array
    columns: pa.Table
    problems: Problems  # by row number: these rows are not among `rows`


class TextFile:
    """A table in a text file: every cell is text as it stands there.

    n_vectors: number of vectors that the rows describe, where that is known: it decides whether a table of one column
    has a header. is_part: only the first rows will be read. Raises InputError for a file that is no such table.
    """

    kind = "text"

    def __init__(self, path: Path, *, n_vectors: int | None = None, is_part: bool = False) -> None:
        self.path, self.said = path, list[str]()
        self._block_bytes = _BLOCK_BYTES // 4 if is_part else _BLOCK_BYTES  # each column reserves as much memory
        self._encoding, self._has_odd_quotes = encoding_of(path, 2 * _BLOCK_BYTES if is_part else None)
        self._n_lines: int | None = None  # of a table of one column, without blank lines at its end
        if self._encoding == "cp1252":
            self.said.append(f"{path.name} is not UTF-8; it is read as Windows-1252")
        records = self._records(n_vectors)
        self.schema = pa.schema([(name, pa.string()) for name in self.names])
        rows = [(row + [""] * len(self.names))[: len(self.names)] for row in records]
        columns = [pa.array(list(column), pa.string()) for column in zip(*rows, strict=True)]
        self.head = pa.table(columns or [pa.array([], pa.string())] * len(self.names), schema=self.schema)
        self.decimal_comma = self._delimiter not in {",", " "} and self._has_decimal_comma(rows)
        if self.decimal_comma:
            self.said.append("numbers have a decimal comma")

    @property
    def has_header(self) -> bool:
        """Whether the first line names the columns."""
        return bool(self._n_header)

    def batches(self, names: Sequence[str]) -> Iterator[Batch]:
        """Yield the columns `names`, batch by batch; a line with too few or too many cells is a problem of its row."""
        skipped: Problems = {}

        def handle(row: Any) -> str:
            number = row.number - 1 - self._n_header
            skipped[number] = f"{row.actual_columns:,} cells, not {row.expected_columns:,}"
            if row.text.count('"') % 2:
                open_quotes.append(number)
            return "skip"

        next_row, open_quotes = 0, list[int]()
        try:
            with self._reader(names, handle) as reader:
                for batch in reader:
                    rows = self._numbered(next_row, batch.num_rows, skipped)
                    next_row = int(rows[-1]) + 1 if len(rows) else next_row
                    problems = {row: text for row, text in skipped.items() if row < next_row}
                    for row in problems:
                        del skipped[row]
                    if self._n_lines is not None:
                        rows = rows[rows < self._n_lines - self._n_header]
                    if self._has_odd_quotes and len(rows):
                        last = batch.slice(len(rows) - 1, 1).to_pylist()[0]
                        open_quotes = (
                            [int(rows[-1])] if any("\n" in cell for cell in last.values()) else open_quotes[-1:]
                        )
                    yield Batch(rows, pa.Table.from_batches([batch]).slice(0, len(rows)), problems)
        except (pa.ArrowException, OSError, UnicodeError, ValueError) as error:
            raise InputError(f"{self.path} cannot be read as a table{_advice(error)}") from None
        if self._has_odd_quotes and open_quotes and not self._is_literal:
            raise InputError(
                f"{self.path}: in row {open_quotes[-1]:,} a quote is opened and never closed, so that all lines after "
                'it would be one cell; close it, or write a quote inside a cell twice ("")'
            )
        yield Batch(np.empty(0, np.int64), pa.table({name: pa.array([], pa.string()) for name in names}), skipped)

    def _reader(self, names: Sequence[str], handle: Any) -> Any:
        has_blank_rows = len(self.names) == 1 and self._count_blank
        quote: Any = False if self._is_literal else '"'
        return pa_csv.open_csv(
            str(self.path),
            pa_csv.ReadOptions(
                use_threads=False,
                block_size=self._block_bytes,
                column_names=self.names,
                skip_rows=self._n_header,
                encoding=self._encoding,
            ),
            pa_csv.ParseOptions(
                delimiter=self._delimiter,
                quote_char=quote,
                newlines_in_values=not self._is_literal,
                ignore_empty_lines=not has_blank_rows,
                invalid_row_handler=handle,
            ),
            pa_csv.ConvertOptions(
                column_types=dict.fromkeys(self.names, pa.string()),
                include_columns=list(names),
                strings_can_be_null=False,
                check_utf8=True,
            ),
        )

    @staticmethod
    def _numbered(first: int, n: int, skipped: Problems) -> Int64Array:
        """Return the numbers of the next n rows that were not skipped."""
        if not skipped:
            return np.arange(first, first + n, dtype=np.int64)
        candidates = np.arange(first, first + n + len(skipped), dtype=np.int64)
        return candidates[~np.isin(candidates, list(skipped))][:n]

    def _records(self, n_vectors: int | None) -> list[list[str]]:
        """Find out delimiter, quoting and header; return the first records after the header."""
        text = self._head_text()
        if "\0" in text:
            raise InputError(f"{self.path} is not a text file; expected .npy, .npz, Parquet, CSV, TSV or JSON Lines")
        if not text.strip():
            raise InputError(f"{self.path} is empty; expected a table")
        self._is_literal = False
        self._delimiter, records = self._split(text)
        n_columns = Counter(map(len, records)).most_common(1)[0][0]
        self._n_header = int(self._has_header(records, n_columns, n_vectors))
        if self._n_header:
            self.names = _unique([""] * (n_columns - len(records[0])) + records[0])
            return records[1:]
        self.names = [f"column_{number}" for number in range(n_columns)]
        self.said.append(f"{self.path.name} has no header: its first line is a row")
        return records

    def _head_text(self) -> str:
        """Return the beginning of the file as text, cut after its last whole line."""
        try:
            with self.path.open("rb") as file:
                data = file.read(_HEAD_BYTES)
                is_whole = not file.read(1)
        except OSError as error:
            raise InputError(f"cannot read {self.path}: {error.strerror}") from None
        try:
            text = codecs.getincrementaldecoder(self._encoding)().decode(data, final=is_whole)
        except UnicodeError as error:
            raise InputError(f"{self.path} is not text: {error}; save it as UTF-8") from None
        text = text.removeprefix("\ufeff")
        return text if is_whole else text[: max(text.rfind("\n"), text.rfind("\r")) + 1] or text

    def _split(self, text: str) -> tuple[str, list[list[str]]]:
        for delimiter in _DELIMITERS:
            records = self._parsed(text, delimiter)
            sizes = Counter(map(len, records[:50]))
            n_columns, n_such = sizes.most_common(1)[0]
            is_named = len(records[0]) in {n_columns, n_columns - (n_columns > 2)}  # R names no column of row names
            if n_columns < 2 or n_such * 2 <= sum(sizes.values()) or not is_named:
                continue
            if delimiter == " " and not all(map(is_number_text, records[0])):
                continue
            if delimiter == "," and _is_list_per_line(records):
                continue
            return delimiter, records
        if _is_literally_one_column(text):
            self._is_literal = True
        return ("\x1f" if self._is_literal else ","), self._parsed(text, "\x1f" if self._is_literal else ",")

    def _parsed(self, text: str, delimiter: str) -> list[list[str]]:
        earlier = csv.field_size_limit(_MAX_CELL)
        quoting: Any = csv.QUOTE_NONE if self._is_literal else csv.QUOTE_MINIMAL
        records = []
        try:
            lines = io.StringIO(text, newline="")
            for record in csv.reader(lines, delimiter=delimiter, quoting=quoting):
                if record or delimiter == "\x1f":
                    records.append(record or [""])
                if len(records) > _HEAD_ROWS:
                    break
        except csv.Error as error:
            raise InputError(f"{self.path} cannot be read as a table ({error}); save it again") from None
        finally:
            csv.field_size_limit(earlier)
        return records or [[""]]

    def _has_header(self, records: list[list[str]], n_columns: int, n_vectors: int | None) -> bool:
        first = records[0]
        self._count_blank = n_columns == 1 and n_vectors is not None
        if n_columns == 1 and n_vectors is not None:
            self._n_lines = self._count_lines()
            if self._n_lines not in {n_vectors, n_vectors + 1}:
                raise InputError(
                    f"{self.path} has {self._n_lines:,} lines for {n_vectors:,} vectors; expected {n_vectors:,}, or "
                    "one more with a header"
                )
            return self._n_lines == n_vectors + 1
        cells = [cell.strip() for cell in first]
        if any(looks_like_vector(cell) for cell in cells if not is_number_text(cell)):
            return False
        filled = [cell for cell in cells if cell]
        whole = [int(cell) for cell in filled if cell.isascii() and cell.isdigit()]
        is_run = len(whole) > 1 and whole in (list(range(len(whole))), list(range(1, len(whole) + 1)))
        if filled and all(map(is_number_text, filled)):
            return is_run and len(whole) == len(filled)
        numbers = [cell for cell in filled if is_number_text(cell)]
        return is_run or len(numbers) * 2 <= len(filled)

    def _count_lines(self) -> int:
        """Return the number of lines of a table of one column, as they are read, without blank ones at its end."""
        self.names, self._n_header = ["column_0"], 0
        last = 0
        for batch in self.batches(self.names):
            filled = [row for row, text in zip(batch.rows, batch.columns["column_0"].to_pylist(), strict=True) if text]
            last = max([last, *(int(row) + 1 for row in filled[-1:])])
        return last

    @staticmethod
    def _has_decimal_comma(rows: list[list[str]]) -> bool:
        cells = [cell.strip() for row in rows for cell in row]
        numbers = [cell for cell in cells if is_number_text(cell)]
        with_comma = sum("," in cell for cell in numbers)
        return with_comma > 0 and not any("." in cell for cell in numbers)


def is_number_text(text: str) -> bool:
    """Return whether a text is a number, with a point or a comma."""
    return _NUMBER.fullmatch(text.strip()) is not None


def _is_list_per_line(records: list[list[str]]) -> bool:
    """Return whether commas stand inside the brackets of a single cell."""
    return all(record[0].lstrip().startswith("[") and record[-1].rstrip().endswith("]") for record in records[1:6])


def _is_literally_one_column(text: str) -> bool:
    """Return whether each line is one cell, in which quotes have no meaning: an odd number of them in some line."""
    return any(line.count('"') % 2 for line in text.splitlines()[:_HEAD_ROWS]) and '"\n' not in text


def _unique(names: list[str]) -> list[str]:
    """Return the names of columns, each once: a second `label` is `label.1`, one without a name `column_0`."""
    found: list[str] = []
    for place, given in enumerate(names):
        name = given.strip() or f"column_{place}"
        number, candidate = 0, name
        while candidate in found:
            number += 1
            candidate = f"{name}.{number}"
        found.append(candidate)
    return found


def _advice(error: BaseException) -> str:
    text = " ".join(str(error).split())[:160]
    if "straddling" in text:
        return ": a quote is opened and never closed, or a line is longer than 16 MB"
    return f" ({text})"
