"""Header of an index file: JSON in a canonical form, the only one that is accepted.

    {"arrays": [{"dtype", "name", "offset", "sha256", "shape"}, ...], "kind": ..., "settings": {...}}

Keys are sorted, without white space, in ASCII, so that a header has exactly one encoding: an unknown, missing or
repeated key, 2.0 instead of 2, or NaN is rejected.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn, Self

import numpy as np
import numpy.typing as npt

from lsh.errors import IndexFileError

Setting = str | int | float | bool | None
Settings = Mapping[str, Setting]
Arrays = Mapping[str, npt.NDArray[Any]]
Layout = dict[str, tuple[str, tuple[int, ...]]]  # name -> (dtype, shape)

_DTYPES = ("<f2", "<f4", "<i4", "<i8", "<u4", "<u8", "|u1")
_MAX_INTEGER = 2**63 - 1
_MAX_QUOTED = 60  # characters of a value that a message quotes


class Entry(NamedTuple):
    """One array: offset in bytes from the start of the arrays, None for an array that is not in the file."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int | None
    sha256: str

    @property
    def nbytes(self) -> int:
        """Return the bytes of the array, as a Python integer, which cannot overflow."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize


@dataclass(frozen=True, slots=True)
class Header:
    """The kind of index, the settings that determine its arrays, and the arrays in the order of the file."""

    kind: str
    settings: Settings
    arrays: tuple[Entry, ...]

    def encode(self) -> bytes:
        """Return the bytes of this header."""
        arrays = [entry._asdict() for entry in self.arrays]
        return canonical({"kind": self.kind, "settings": self.settings, "arrays": arrays})

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Parse a header; raise IndexFileError for any that `encode` does not write."""
        try:
            tree = json.loads(data.decode("ascii"), parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            if isinstance(error, IndexFileError):
                raise
            raise damaged(f"its header is not JSON ({short(str(error))})") from error
        _expect_keys(tree, ("arrays", "kind", "settings"), "its header")
        if not isinstance(tree["kind"], str):
            raise damaged(f"its kind is {short(tree['kind'])}; expected a name")
        if not isinstance(tree["settings"], dict) or not isinstance(tree["arrays"], list):
            raise damaged("its settings are not an object or its arrays not a list")
        for name, value in tree["settings"].items():
            if not isinstance(value, Setting) or len(repr(value)) > _MAX_QUOTED or value in {math.inf, -math.inf}:
                raise damaged(f"its setting {short(name)} is {short(value)}; expected one short, finite value")
        header = cls(tree["kind"], tree["settings"], tuple(_entry(i, item) for i, item in enumerate(tree["arrays"])))
        if header.encode() != data:
            raise damaged("its header is not in the canonical form")
        return header

    def expect_settings(self, names: Iterable[str]) -> None:
        """Raise IndexFileError unless the settings are exactly these."""
        _expect_keys(self.settings, names, f"the settings of its {self.kind}")

    def entry(self, name: str) -> Entry:
        """Return the entry of one array; IndexFileError when there is none."""
        for entry in self.arrays:
            if entry.name == name:
                return entry
        raise damaged(f"its header lists no array {name!r}")

    def expect_arrays(self, layout: Mapping[str, tuple[str, tuple[int, ...]]]) -> None:
        """Raise IndexFileError unless the arrays are exactly these, in this order: name -> (dtype, shape)."""
        names, wanted = [entry.name for entry in self.arrays], list(layout)
        if names != wanted:
            raise damaged(f"its header lists the arrays {short(names)}; expected {wanted}")
        for entry in self.arrays:
            dtype, shape = layout[entry.name]
            if (entry.dtype, entry.shape) != (dtype, shape):
                raise damaged(
                    f"its header says that {entry.name} has dtype {entry.dtype} and shape {short(entry.shape)}; "
                    f"expected {dtype} and {short(shape)} from its settings"
                )


def damaged(what: str) -> IndexFileError:
    """Return the error for an invalid file; `load` adds the path."""
    return IndexFileError(f"{what}: the file is damaged; restore it from a copy, or fit the index and save it again")


def canonical(tree: object) -> bytes:
    """Return JSON in the canonical form."""
    return json.dumps(tree, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def short(value: object) -> str:
    """Return a value as a message quotes it, shortened."""
    text = repr(value)
    return text if len(text) <= _MAX_QUOTED else text[: _MAX_QUOTED - 3] + "..."


def _entry(number: int, item: object) -> Entry:
    where = f"array {number} of its header"
    fields = _expect_keys(item, Entry._fields, where)
    shape, offset = fields["shape"], fields["offset"]
    if not isinstance(fields["name"], str):
        raise damaged(f"{where} has the name {short(fields['name'])}; expected a string")
    if fields["dtype"] not in _DTYPES:
        raise damaged(f"{where} has dtype {short(fields['dtype'])}; expected one of {', '.join(_DTYPES)}")
    if not isinstance(shape, list) or not 1 <= len(shape) <= 3 or not all(_is_whole(side, 1) for side in shape):
        raise damaged(f"{where} has shape {short(shape)}; expected 1 to 3 whole numbers from 1 to {_MAX_INTEGER}")
    if offset is not None and not _is_whole(offset, 0):
        raise damaged(f"{where} has offset {short(offset)}; expected null or a whole number from 0 to {_MAX_INTEGER}")
    if not isinstance(fields["sha256"], str) or not re.fullmatch("[0-9a-f]{64}", fields["sha256"]):
        raise damaged(f"{where} has sha256 {short(fields['sha256'])}; expected 64 hexadecimal digits")
    return Entry(**{**fields, "shape": tuple(shape)})


def _is_whole(value: object, least: int) -> bool:
    return type(value) is int and least <= value <= _MAX_INTEGER


def _expect_keys(tree: object, names: Iterable[str], where: str) -> Mapping[str, Any]:
    wanted = sorted(names)
    if not isinstance(tree, Mapping):
        raise damaged(f"{where} is {short(tree)}; expected an object with {', '.join(wanted)}")
    if unknown := sorted(set(tree) - set(wanted)):
        raise damaged(f"{where} holds the unknown {short(unknown)}; expected {', '.join(wanted)}")
    if missing := sorted(set(wanted) - set(tree)):
        raise damaged(f"{where} lacks {', '.join(missing)}; expected {', '.join(wanted)}")
    return tree


def _no_constant(name: str) -> NoReturn:
    raise damaged(f"its header holds {name}; expected finite numbers")
