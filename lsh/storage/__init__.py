"""Index files: save an index into one file, and load it with the same answers, or raise an error that names the file.

After any crash a file is the old one or the new one (`earshot_common.atomic`). It holds exactly the arrays that its
header describes (`container`, `header`), and its values are checked before use (`kinds`, `checks`). Nothing in it is
executed.
"""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import replace
from enum import IntEnum
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
import numpy.typing as npt

from earshot_common.atomic import WriteError, atomic_file
from earshot_common.encoded_vectors import EncodedVectors
from lsh import validate
from lsh.arrays import StoredVectors
from lsh.errors import IndexFileError, LSHError
from lsh.exact import ExactSearch
from lsh.graphs.index import GraphIndex
from lsh.index import LSHIndex
from lsh.sketch_index import SketchIndex
from lsh.storage import checks, container, segments
from lsh.storage.header import Arrays, Header, Layout, canonical, damaged, short
from lsh.storage.kinds import KINDS, KINDS_BEFORE_3, KINDS_BEFORE_7, Kind

__all__ = ["load", "save"]

_VECTORS = "vectors"
_SCALE = "vector_scale"  # float32[2], scale and offset, only of vectors stored as uint8
_NORMS = ("inverse_norms", "half_squares")
_ROW_DTYPES = ("<f4", "<f2", "|u1")
_MAX_ROWS = 2**31 - 1  # ids are int32


class Check(IntEnum):
    """How much of an index file is checked when it is opened; each includes those before it."""

    IDS = 0  # header, arrays that do not grow with n, and that all ids are in range: no search reads outside its arrays
    NORMS = 1  # the norms, too, so that all distances are right: damage elsewhere can only hide a neighbour
    BYTES = 2  # every byte of the file
    ALL = 3  # all values, and the bytes of vectors that are not in the file


def save(
    index: LSHIndex | SketchIndex | GraphIndex, path: str | os.PathLike[str], *, with_vectors: bool = True
) -> None:
    """Write a fitted index to the file `path`, replacing any existing file.

    with_vectors: False leaves the vectors out, and `load` needs them as X: for data that has a file of its own.

    Of an index that has grown its segments are written as they are, with the ids and the next id. The same index gives
    the same bytes. After a crash, a full disk or a failed write the file is the old one or the new
    one, complete. Raises IndexFileError when it cannot be written, NotFittedError for an index without data.
    """
    name = next(kind.__name__ for kind in (LSHIndex, SketchIndex, GraphIndex) if isinstance(index, kind))
    kind, growth, version = KINDS[name], index.growth, container.FORMAT_VERSION
    if isinstance(index, GraphIndex):
        version = container.GRAPH_VERSION
    if growth is None:
        settings, arrays = kind.settings(index), _arrays(index, kind)
    else:
        if not with_vectors:
            growth.whole()  # raises where the vectors lie in several arrays
        each = [_arrays(segment.index, kind) for segment in growth.segments]
        settings, arrays = segments.settings_of(kind, growth), segments.arrays_of(growth, each, kind)
        version = container.GROWN_VERSION
    try:
        with atomic_file(Path(path)) as file:
            left_out = () if with_vectors else (_VECTORS,)
            container.write(file.fileno(), name, settings, arrays, left_out, version)
    except WriteError as error:
        raise IndexFileError(str(error)) from error


def load(
    path: str | os.PathLike[str], X: npt.ArrayLike | None = None, *, verify: bool = True, mapped: bool = True
) -> LSHIndex | SketchIndex | GraphIndex:
    """Return the index that was saved in the file `path`.

    X: the vectors, float32[n, d] or `EncodedVectors`, if the file was saved without them: the same ones, or
        IndexFileError is raised.
    verify: check every byte against its sha256, and that all values are valid. False still checks the header, the
        arrays that do not grow with n, and all ids: a damaged file may then give wrong answers, but a search never
        reads outside its arrays. Of X only the shape is compared.
    mapped: map the arrays into memory, so that a page is read from disk when it is used. The file may be replaced by
        another `save` while it is mapped, but must not be overwritten in place. False reads all of it now.

    Raises IndexFileError for a file that is missing, damaged, of a newer version, or not an index.
    """
    return open_index(Path(path), X, Check.ALL if verify else Check.IDS, mapped=mapped)


def open_index(
    path: Path, X: npt.ArrayLike | None, check: Check, *, mapped: bool = True, oldest: int = 1
) -> LSHIndex | SketchIndex | GraphIndex:
    """Return the index in a file; see `load`. oldest: the first format version that is accepted."""
    with errors_with(path), container.opened(path) as file:
        if file.version < oldest:
            raise IndexFileError(
                f"it has format version {file.version}, of an older lsh, whose indexes search by other defaults; "
                f"expected version {oldest}: build it again"
            )
        header, kind = _upgraded(file.header, file.version)
        arrays = container.arrays_of(file, mapped=mapped)
        _check(header, kind, arrays, check)
        if mapped:
            arrays = container.arrays_of(file, mapped=True)  # a new mapping: pages that were only checked are freed
        vectors = (
            _own_vectors(arrays)
            if _VECTORS in arrays
            else _caller_vectors(X, header, arrays, verify=check is Check.ALL)
        )
        if X is not None and _VECTORS in arrays:
            raise IndexFileError("it holds its own vectors, and X was given too: leave X out")
        metric = validate.choice(str(header.settings["metric"]), "metric", validate.METRICS)
        indexes = []
        for number in range(_n_segments(header)):
            own, settings = segments.arrays_at(arrays, number), segments.settings_at(kind, header.settings, number)
            X = _own_vectors(own) if number else vectors
            exact = ExactSearch.from_arrays(X, metric, *(own[norms] for norms in _NORMS))
            indexes.append(kind.restore(settings, own, exact))
        index = indexes[0]
        settings = kind.settings(index)
        if file.version in container.GROWN_VERSIONS:
            growth = segments.restore(header.settings, arrays, indexes)
            index, settings = growth.index(), segments.settings_of(kind, growth)
        if canonical(settings) != canonical(header.settings):  # such as 1.0 or true instead of 1
            raise damaged(f"its settings are {short(header.settings)}; expected {short(settings)}")
        return index


def _n_segments(header: Header) -> int:
    return int(header.settings.get("n_segments", 1) or 1)


def _arrays(index: Any, kind: Kind) -> Arrays:
    """Return the arrays of an index that has not grown."""
    exact = index.exact
    return {**_stored(exact.X), **{norms: getattr(exact, norms) for norms in _NORMS}, **kind.arrays(index)}


def _upgraded(header: Header, version: int) -> tuple[Header, Kind]:
    """Return the header as the present version writes it, and the kind of index, whose arrays it must describe."""
    kinds = KINDS_BEFORE_3 if version < 3 else KINDS_BEFORE_7 if version < container.GRAPH_VERSION else KINDS
    kind = kinds.get(header.kind)
    if kind is None:
        raise damaged(f"it holds an index of kind {short(header.kind)}; expected one of {', '.join(KINDS)}")
    grown = version in container.GROWN_VERSIONS
    names = segments.setting_names(kind, header.settings) if grown else kind.setting_names
    if version < kind.default_since:
        header.expect_settings(name for name in names if name not in kind.default_names)
        header = replace(header, settings={**header.settings, **kind.earlier_default(header.settings)})
    header.expect_settings(names)
    if grown:
        layouts = [_layout(header, kind, number) for number in range(_n_segments(header))]
        if len({(layout[_VECTORS][0], layout[_VECTORS][1][1]) for layout in layouts}) > 1:
            raise damaged("its segments have vectors of several dtypes or dimensions")
        header.expect_arrays(segments.layout(layouts, kind))
    else:
        header.expect_arrays(_layout(header, kind, 0))
    for entry in header.arrays:
        if entry.offset is None and entry.name != _VECTORS:
            raise damaged(f"its array {entry.name} is left out; only the vectors can be")
    return header, kind


def _layout(header: Header, kind: Kind, number: int) -> Layout:
    """Return the dtypes and shapes of the arrays of one segment, as those of an index that has not grown."""
    entry = header.entry(segments.prefix(number) + _VECTORS)
    dtype, shape = entry.dtype, entry.shape
    if len(shape) != 2 or shape[0] > _MAX_ROWS:
        raise damaged(f"its vectors have shape {short(shape)}; expected (n, d) with n at most {_MAX_ROWS}")
    norms = dict.fromkeys(_NORMS, ("<f4", shape[:1]))
    if dtype not in _ROW_DTYPES:
        raise damaged(f"its vectors have dtype {short(dtype)}; expected one of {', '.join(_ROW_DTYPES)}")
    scale: Layout = {_SCALE: ("<f4", (2,))} if dtype == "|u1" else {}
    settings = segments.settings_at(kind, header.settings, number)
    return {_VECTORS: (dtype, shape), **scale, **norms, **kind.layout(settings, *shape)}


def _check(header: Header, kind: Kind, arrays: Arrays, check: Check) -> None:
    """Raise for arrays that differ from those written or are invalid."""
    verify = check is Check.ALL
    skipped = {_VECTORS, *kind.per_row} if check < Check.BYTES else set()
    skipped |= set(_NORMS) if check < Check.NORMS else set()
    for entry in header.arrays:
        if entry.name in arrays and segments.base(entry.name) not in skipped:
            digest = container.sha256(arrays[entry.name])
            if digest != entry.sha256:
                raise damaged(f"its array {entry.name} has sha256 {digest}; expected {entry.sha256}")
    for number in range(_n_segments(header)):
        own = segments.arrays_at(arrays, number)
        kind.check(own, header.entry(segments.prefix(number) + _VECTORS).shape[0], verify=verify)
        if verify:
            checks.values_between(own, _NORMS, 0)
            if _VECTORS in own:
                validate.vectors(_own_vectors(own), "its array of vectors")


def _stored(X: StoredVectors) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays that hold vectors in a file."""
    if not isinstance(X, EncodedVectors):
        return {_VECTORS: X}
    scale = {_SCALE: np.array([X.scale, X.offset], np.float32)} if X.stored.dtype == np.uint8 else {}
    return {_VECTORS: X.stored, **scale}


def _own_vectors(arrays: Arrays) -> StoredVectors:
    """Return the vectors that a file holds."""
    stored = arrays[_VECTORS]
    if stored.dtype == np.float32:
        return stored
    try:
        return EncodedVectors(stored, *arrays.get(_SCALE, ()))
    except ValueError as error:
        raise damaged(str(error)) from error


def _caller_vectors(X: npt.ArrayLike | None, header: Header, arrays: Arrays, *, verify: bool) -> StoredVectors:
    """Return the caller's vectors after checking that they are those that were indexed."""
    entry = header.entry(_VECTORS)
    if X is None:
        raise IndexFileError(
            f"it was saved without its vectors: pass X, the {np.dtype(entry.dtype)}{list(entry.shape)} it was built on"
        )
    vectors = X if _is_as_indexed(X) and not verify else validate.vectors(X, "X")
    own = _stored(vectors)
    if vectors.shape != entry.shape:
        raise IndexFileError(f"X has shape {vectors.shape}; it was built on vectors of shape {entry.shape}: pass those")
    if own[_VECTORS].dtype != np.dtype(entry.dtype):
        raise IndexFileError(
            f"X is stored as {own[_VECTORS].dtype}; it was built on vectors stored as {np.dtype(entry.dtype)}: pass "
            "those, or fit the index again"
        )
    if _SCALE in own and own[_SCALE].tolist() != arrays[_SCALE].tolist():
        raise IndexFileError(
            f"X has scale and offset {own[_SCALE].tolist()}; it was built on vectors with {arrays[_SCALE].tolist()}: "
            "pass those, or fit the index again"
        )
    digest = container.sha256(own[_VECTORS]) if verify else entry.sha256
    if digest != entry.sha256:
        raise IndexFileError(
            f"X has sha256 {digest}; it was built on vectors with {entry.sha256}: pass those, or fit the index again"
        )
    return vectors


def _is_as_indexed(X: npt.ArrayLike) -> TypeGuard[StoredVectors]:
    """Return whether vectors are in a form that an index keeps without a copy."""
    is_plain = isinstance(X, np.ndarray) and X.ndim == 2 and X.dtype == np.float32 and X.flags.c_contiguous
    return is_plain or isinstance(X, EncodedVectors)


@contextlib.contextmanager
def errors_with(path: Path) -> Iterator[None]:
    """Put the file's name in front of the message of each error."""
    try:
        yield
    except OSError as error:
        raise IndexFileError(
            f"cannot read {path}: {error.strerror or error}; give the path of a saved index"
        ) from error
    except IndexFileError as error:
        raise IndexFileError(f"cannot load {path}: {error}") from error
    except LSHError as error:
        raise IndexFileError(f"cannot load {path}: {damaged(str(error))}") from error
