"""Vectors in the cells of a table (Arrow lists, texts of lists, one number per column) as float32, with problems."""

import re
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data_prep.arrays import Float32Array, Int64Array
from data_prep.dataset.label_sets import run_indices
from data_prep.errors import InputError
from data_prep.vectors.values import Problems, as_features, check_dim

NOT_A_NUMBER = "{!r:.40} is not a number"

_INSIDE = re.compile(r"\[([^\[\]]*)\]")
_CALL = re.compile(r"\b(?:np|numpy|torch)\.\w+\(([^()]*)\)")  # np.float32(0.5), as NumPy 2 writes a list of its numbers
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+|nan|inf)(?:e[-+]?\d+)?"
_LIST = re.compile(rf"\s*{_NUMBER}(?:(?:\s*[,;]\s*|\s+){_NUMBER}){{2,}}\s*", re.IGNORECASE)
_SEPARATOR = re.compile(r"[\s,;\[]")
_CUT = "..."
_EXCEL_CELL = 32_767  # characters, at which Excel cuts a cell


def looks_like_vector(text: str) -> bool:
    """Return whether a text is a list of numbers: in brackets, or three or more separated by commas or spaces."""
    if _SEPARATOR.search(text) is None:  # a single number or word, as most cells are
        return False
    stripped = _CALL.sub(r"\1", text).strip()
    if stripped.startswith(("[", "array([", "tensor([")):
        inside = re.sub(r"[\s,;\[\]()]|\.\.\.|dtype=\w+|array|tensor|null|none", " ", stripped, flags=re.IGNORECASE)
        words = inside.split()
        return bool(words) and all(re.fullmatch(_NUMBER, word, re.IGNORECASE) for word in words)
    return _LIST.fullmatch(stripped) is not None


def is_list(kind: pa.DataType) -> bool:
    """Return whether an Arrow type is a list of some kind."""
    types = pa.types
    is_view = types.is_list_view(kind) or types.is_large_list_view(kind)
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind) or is_view)


def is_number(kind: pa.DataType) -> bool:
    """Return whether an Arrow type is that of real numbers."""
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)


def plain(column: Any) -> Any:
    """Return a column as one array, without dictionary encoding and without an extension type."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(array, pa.ChunkedArray):  # of no chunks, or more than one can hold
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    if pa.types.is_list_view(array.type) or pa.types.is_large_list_view(array.type):
        array = array.cast(pa.large_list(array.type.value_type))
    return array


class VectorCells:
    """Reader of one vector per row, all of the same dimension: that of most rows of the first batch.

    pool: whether a row with several frames stands for their mean; else such a file is refused.
    """

    def __init__(self, where: str, *, pool: bool, decimal_comma: bool = False) -> None:
        self._where, self._pool, self._decimal_comma = where, pool, decimal_comma
        self.dim: int | None = None
        self._first_row = 0
        self.n_frames: set[int] = set()  # numbers of frames that were pooled

    def read(self, columns: list[Any], first_row: int) -> tuple[Float32Array, Problems]:
        """Return the vectors of a batch, float32[n, dim], and the problems of some: their values mean nothing.

        columns: one of lists or texts, or one of numbers for each dimension. first_row: the number of the batch's first
        row in the file, for messages. Raises InputError for a file that does not hold one vector per row.
        """
        self._first_row = first_row
        arrays = [plain(column) for column in columns]
        if len(arrays) > 1 or is_number(arrays[0].type):
            return self._checked(*self._numbers(arrays))
        (array,) = arrays
        if not is_list(array.type):
            array, problems = self._lists_of_texts(array)
        else:
            problems = {}
        if is_list(array.type.value_type):
            array = self._single(array, problems)
        return self._checked(*self._of_lists(array, problems))

    def _numbers(self, arrays: list[Any]) -> tuple[npt.NDArray[Any], Problems]:
        """Return the matrix of some columns of numbers, or of texts of numbers."""
        self.dim = len(arrays)
        problems: Problems = {}
        values = np.empty((len(arrays[0]), self.dim), np.float64, order="F")
        for place, column in enumerate(arrays):
            numbers = column
            if not is_number(column.type):
                numbers, wrong = self._parsed(column)
                problems.update({row: NOT_A_NUMBER.format(text) for row, text in wrong.items()})
            values[:, place] = _to_numpy(numbers)
            if numbers.null_count:
                for row in np.flatnonzero(numbers.is_null().to_numpy(zero_copy_only=False)).tolist():
                    problems.setdefault(row, "a number is missing")
        return values, problems

    def _parsed(self, texts: Any) -> tuple[Any, Problems]:
        """Return texts as float64, null where one is empty or no number; and those that are no number."""
        trimmed: Any = pc.replace_substring(texts, ",", ".") if self._decimal_comma else texts
        for _ in range(2):
            try:
                return trimmed.cast(pa.float64()), {}
            except pa.ArrowInvalid:
                trimmed = pc.utf8_trim_whitespace(trimmed)
                trimmed = pc.if_else(
                    pc.equal(trimmed, pa.scalar("", trimmed.type)), pa.scalar(None, trimmed.type), trimmed
                )
        wrong: Problems = {}
        numbers: list[float | None] = []
        for row, text in enumerate(trimmed.to_pylist()):
            numbers.append(None)
            try:
                numbers[-1] = float(text) if text and text.lower() not in {"none", "null"} and "_" not in text else None
            except ValueError:
                wrong[row] = text
        return pa.array(numbers, pa.float64()), wrong

    def _lists_of_texts(self, column: Any) -> tuple[Any, Problems]:
        """Return a column of texts as lists of float64, or of lists of frames; null where there is a problem."""
        if pa.types.is_null(column.type):
            return pa.nulls(len(column), pa.list_(pa.float64())), {}
        texts = column.cast(pa.large_string())
        cut: Any = pc.match_substring(texts, _CUT)
        if pc.any(cut).as_py():
            row = self._first_row + int(pc.index(cut, value=True).as_py())
            raise InputError(
                f"{self._where}: the vector of row {row:,} holds {_CUT!r}: NumPy left out its middle when it "
                "was written as text, and the numbers are lost. Export again with "
                "np.set_printoptions(threshold=sys.maxsize), or better as Parquet or .npy"
            )
        nested: Any = pc.match_substring_regex(texts, r"\][\s,;]*\[")
        whole: Any = pc.equal(pc.match_substring(texts, "["), pc.match_substring_regex(texts, r"\]\W*$"))
        short: Any = pc.less(pc.utf8_length(texts), pa.scalar(_EXCEL_CELL, pa.int32()))
        if not pc.any(nested).as_py() and pc.all(pc.and_(whole, short)).as_py():
            fast = self._split(texts)
            if fast is not None:
                return fast, {}
        problems: Problems = {}
        rows = [self._row_of(text, problems, row) for row, text in enumerate(texts.to_pylist())]
        if any(row and isinstance(row[0], list) for row in rows):
            framed = [row if row is None or (row and isinstance(row[0], list)) else [row] for row in rows]
            return pa.array(framed, pa.list_(pa.list_(pa.float64()))), problems
        return pa.array(rows, pa.list_(pa.float64())), problems

    def _split(self, texts: Any) -> Any:
        """Return texts as lists of numbers by Arrow alone; None if one is not a plain list of numbers."""
        bare: Any = pc.replace_substring_regex(texts, r"[\[\]\r\n\t]", " ")
        bare = pc.utf8_trim_whitespace(bare)
        bare = pc.if_else(pc.equal(bare, pa.scalar("", bare.type)), pa.scalar(None, bare.type), bare)
        by_comma: Any = pc.match_substring(bare, ",")
        if pc.all(by_comma).as_py():
            split: Any = pc.split_pattern(bare, ",")
        elif not pc.any(by_comma).as_py():
            split = pc.split_pattern_regex(bare, " +")
        else:
            return None
        try:
            numbers = pc.utf8_trim_whitespace(split.values).cast(pa.float64())
        except pa.ArrowInvalid:
            return None
        lists: Any = type(split).from_arrays(split.offsets, numbers, mask=split.is_null() if split.null_count else None)
        return lists

    def _row_of(self, text: str | None, problems: Problems, row: int) -> Any:
        """Return the numbers of one text, or its frames; None with a problem where there are none."""
        if text is None or not text.strip():
            return None
        bare = _CALL.sub(r"\1", text)
        if bare.count("[") != bare.count("]") or len(text) == _EXCEL_CELL:
            problems[row] = f"its list of numbers was cut after {len(text):,} characters"
            return None
        parts = _INSIDE.findall(bare) or [bare]
        frames = []
        for part in parts:
            words = re.split(r"[,;]", part) if re.search(r"[,;]", part) else part.split()
            numbers, wrong = self._parsed(pa.array([word.strip() for word in words], pa.string()))
            if wrong:
                problems[row] = NOT_A_NUMBER.format(next(iter(wrong.values())))
                return None
            frames.append(numbers.to_pylist())
        return frames if len(frames) > 1 else frames[0]

    def _single(self, array: Any, problems: Problems) -> Any:
        """Return lists of lists as one vector each: the only frame, or with `pool` the mean of all frames."""
        counts = np.asarray(pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False))
        most = int(counts.max(initial=0))
        if most > 1 and not self._pool:
            first = int(np.argmax(counts > 1))
            frames = array[first].as_py()
            raise InputError(
                f"{self._where} does not hold one vector per row: row {self._first_row + first:,} has shape "
                f"({len(frames)}, {len(frames[0] or [])}), several frames. Pass --pool mean to take the mean of each "
                "row's frames, or save one vector per row"
            )
        if is_list(plain(array[:0].values).type.value_type):
            raise InputError(f"{self._where} has lists of lists of lists; expected one vector per row")
        self.n_frames.update(np.unique(counts[counts > 1]).tolist())
        rows: list[Any] = []
        for row, frames in enumerate(array.to_pylist()):
            rows.append(None)
            if frames:
                widths = {len(frame) if frame else 0 for frame in frames}
                if len(widths) > 1:
                    problems[row] = f"its frames differ in length: {', '.join(map(str, sorted(widths)[:5]))} numbers"
                elif any(number is None for frame in frames for number in frame or ()):
                    problems[row] = "a number is missing"
                elif widths != {0}:
                    rows[-1] = np.asarray(frames, np.float64).mean(axis=0)
        return pa.array(rows, pa.list_(pa.float64()))

    def _of_lists(self, array: Any, problems: Problems) -> tuple[npt.NDArray[Any], Problems]:
        """Return the matrix of a column of lists of numbers."""
        lengths: Int64Array = pc.fill_null(pc.list_value_length(array), -1).to_numpy(zero_copy_only=False)
        lengths = lengths.astype(np.int64)
        flat: Any = array.flatten()  # of the lists that are not null
        if not is_number(flat.type) and not pa.types.is_null(flat.type):
            raise InputError(f"{self._where} has lists of {flat.type}; expected lists of numbers")
        if self.dim is None:
            self.dim = self._most_common(lengths, problems)
        if (lengths == self.dim).all() and not flat.null_count:
            return _to_numpy(flat).reshape(-1, self.dim), problems
        values = np.zeros((len(lengths), self.dim), np.float64)
        held = np.maximum(lengths, 0)
        starts, right = np.cumsum(held) - held, lengths == self.dim
        missing = flat.is_null().to_numpy(zero_copy_only=False) if flat.null_count else np.zeros(len(flat), bool)
        numbers = _to_numpy(flat)
        values[right] = numbers[run_indices(starts[right], lengths[right])].reshape(-1, self.dim)
        for row in np.flatnonzero(~right).tolist():
            problems.setdefault(row, self._problem_of_length(int(lengths[row])))
        owners = np.repeat(np.arange(len(lengths)), held)
        for row in np.unique(owners[missing]).tolist():
            problems.setdefault(row, "a number is missing")
        return values, problems

    def _problem_of_length(self, length: int) -> str:
        if length < 0:
            return "the vector is missing"
        return f"{length:,} numbers, not {self.dim:,}" if length else "the vector is empty"

    def _most_common(self, lengths: Int64Array, problems: Problems) -> int:
        sizes, counts = np.unique(lengths[lengths > 0], return_counts=True)
        if not len(sizes):
            some = "; ".join(f"row {self._first_row + row:,}: {text}" for row, text in list(problems.items())[:3])
            raise InputError(f"{self._where} has no vector of numbers in its first rows{some and ': '}{some}")
        best = int(counts.argmax())
        if counts[best] * 2 < counts.sum():
            some = ", ".join(f"{size:,}" for size in sizes[:5].tolist())
            raise InputError(
                f"{self._where} is ragged: its vectors have {sizes[0]:,} to {sizes[-1]:,} numbers ({some} ...). "
                "Expected vectors of one length, one per row; if they are frames that were strung together, pool them "
                "before you save them"
            )
        return int(sizes[best])

    def _checked(self, values: npt.NDArray[Any], problems: Problems) -> tuple[Float32Array, Problems]:
        """Return values as float32, with the problems of those that no index can hold."""
        check_dim(self._where, values.shape[1])
        return as_features(values, problems)


def _to_numpy(numbers: Any) -> npt.NDArray[Any]:
    """Return an Arrow array of numbers as NumPy floats, NaN where a number is missing."""
    if pa.types.is_null(numbers.type) or pa.types.is_decimal(numbers.type):
        numbers = numbers.cast(pa.float64())
    values: npt.NDArray[Any] = numbers.to_numpy(zero_copy_only=False)
    return values if values.dtype.kind == "f" else values.astype(np.float64)
