"""Folder of index files: the indexes of one set of vectors, each mapped where its file fits, else built.

A file is named `<settings>-<fingerprint>.lsh`, after all that decides the index: its kind, metric and parameters, and
the first digits of the fingerprint of the vectors, which another file holds. The index is checked before it is used,
and a few of the vectors. A file that does not fit or cannot be used is renamed, so that the next start does not find it
again.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt

from lsh.analysis.search_config import SearchConfig, Stored
from lsh.arrays import StoredVectors
from lsh.errors import IndexFileError
from lsh.exact import ExactSearch
from lsh.graphs.index import GraphIndex
from lsh.sampling import evenly_spaced_rows
from lsh.sketch_index import SketchIndex
from lsh.storage import Check, errors_with, open_index, save
from lsh.storage.carrying import carried_over

if TYPE_CHECKING:
    from lsh.index import LSHIndex

SUFFIX, SET_ASIDE = ".lsh", ".unusable"  # the second is added to the name of a file that is set aside
OLDEST_VERSION = 2  # of a file that is used: indexes of version 1 search by other defaults
_DIGITS = 16  # of the fingerprint
_COMPARED_ROWS = 64
_TOLERANCE = 1e-6  # relative: norms are summed in another order on another processor
_NAME = re.compile(rf"(?P<settings>.+)-(?P<fingerprint>[0-9a-f]{{{_DIGITS}}}){re.escape(SUFFIX)}")


def path_in(folder: Path, config: SearchConfig, fingerprint: str) -> Path:
    """Return the path of the file for the index of a configuration, hash tables, sketches or a graph.

    fingerprint: hexadecimal digits that identify the vectors, 16 or more, such as the sha256 of their file.
    """
    return folder / f"{_settings(config.new_index())}-{fingerprint[:_DIGITS]}{SUFFIX}"


def build(path: Path, config: SearchConfig, X: npt.ArrayLike, warn: Callable[[str], object]) -> None:
    """Build the index of a configuration over X, float32[n, d], and save it at `path_in`.

    Files of the same index of other vectors are renamed; `warn` is called with the reason. Raises IndexFileError when
    it cannot be written.
    """
    _save(path, config.new_index().fit(X))
    for other in _of_other_vectors(path):
        _set_aside(other, _foreign(other, path), warn)


def carry_over(path: Path, earlier: Path, earlier_X: npt.ArrayLike, X: npt.ArrayLike) -> None:
    """Save the hash tables of X, float32[n, d], at `path_in`, made of those of an earlier version of the vectors.

    earlier: the file of the same index of `earlier_X`; only vectors that are not among these are hashed. Raises
    IndexFileError where it cannot be used or the new one not be written, ParameterError where too much has changed (see
    `carried_over`).
    """
    _save(path, carried_over(cast("LSHIndex", _load(earlier, earlier_X, Check.BYTES)), X))


def load_or_fit(
    path: Path, config: SearchConfig, X: npt.ArrayLike, warn: Callable[[str], object], *, every_byte: bool = True
) -> Stored:
    """Return the index of a configuration over X, float32[n, d]: mapped from its file at `path_in`, else built.

    every_byte: compare every byte of the file with its sha256. False leaves out the keys, the order of the ids and the
        sketches, most of a large file, which is then opened in a fifth of the time: damaged ones can hide a neighbour,
        but all neighbours that are found are clips with their distances. Call it again later with True.

    Where there is no file, the index is built in memory and not saved. A file that cannot be used, or is of other
    vectors, is renamed, and a new one is saved where the folder can be written; `warn` is called with what is wrong.
    """
    try:
        if path.exists():
            return _load(path, X, Check.BYTES if every_byte else Check.NORMS)
        moved = [_set_aside(other, _foreign(other, path), warn) for other in _of_other_vectors(path)]
    except IndexFileError as error:
        moved = [_set_aside(path, error, warn)]
    index = config.new_index().fit(X)
    if not any(moved):
        return index
    try:
        _save(path, index)
        return _load(path, index.exact.X, Check.NORMS)  # mapped: the arrays that were built can be freed
    except IndexFileError as error:
        warn(f"{error}; the index stays in memory")
        return index


def problems(folder: Path, X: StoredVectors, fingerprint: str) -> Iterator[str]:
    """Yield what is wrong with the index files in a folder, a sentence for each that the vectors X do not fit.

    Every byte of each file, and X, is compared with its sha256. Files that were set aside are passed over.
    """
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        name = _NAME.fullmatch(path.name)
        if name is None:
            yield f"{path} has a name that no index has: remove it"
        elif name["fingerprint"] != fingerprint[:_DIGITS]:
            yield str(_foreign(path, folder / f"{name['settings']}-{fingerprint[:_DIGITS]}{SUFFIX}"))
        else:
            try:
                _load(path, X, Check.ALL)
            except IndexFileError as error:
                yield str(error)


def _settings(index: Stored) -> str:
    """Return the part of a file's name that says which index it holds, fitted or not."""
    if isinstance(index, SketchIndex):
        return f"sketches-{index.metric}-{index.family}-{index.wanted_buckets or 'default'}-seed{index.seed}"
    if isinstance(index, GraphIndex):
        return f"graph-{index.metric}-seed{index.seed}"
    p = index.params
    extras = {
        f"width{p.bucket_width!r}": p.bucket_width is not None,
        "uncentred": not p.centre,
        "sketches": p.sketches,
    }
    parts = "tables", p.metric, str(p.family), f"{p.n_tables}x{p.n_bits}", f"seed{p.seed}"
    return "-".join([*parts, *(text for text, present in extras.items() if present)])


def _save(path: Path, index: Stored) -> None:
    """Save an index without its vectors."""
    try:
        path.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise IndexFileError(
            f"cannot write {path}: {error.strerror or error}; check that the folder of the dataset is writable"
        ) from error
    save(index, path, with_vectors=False)


def _load(path: Path, X: npt.ArrayLike, check: Check) -> Stored:
    """Return the index in a file, mapped; raise IndexFileError unless it is the one that the file's name says, of X.

    Of the vectors, which may have gigabytes and whose fingerprint is in the file's name, the norms of a few are
    compared with the stored ones.
    """
    index, name = open_index(path, X, check, oldest=OLDEST_VERSION), _NAME.fullmatch(path.name)
    with errors_with(path):
        held = _settings(index)
        if name is None or name["settings"] != held:
            raise IndexFileError(f"it holds the index {held}: build it again")
        if index.growth is not None:
            raise IndexFileError("it holds an index that has grown: build it again")
    exact = index.exact
    rows = evenly_spaced_rows(index.n, _COMPARED_ROWS)
    lengths = ExactSearch(exact.X[rows], exact.metric)
    for stored, computed in ((exact.half_squares, lengths.half_squares), (exact.inverse_norms, lengths.inverse_norms)):
        if not np.allclose(stored[rows], computed, rtol=_TOLERANCE, atol=0):
            raise IndexFileError(f"cannot load {path}: it was built on other vectors, of other lengths: build it again")
    return index


def _of_other_vectors(path: Path) -> list[Path]:
    """Return the files beside `path` of the same index, of vectors with other fingerprints."""
    wanted = _NAME.fullmatch(path.name)
    found = [(other, _NAME.fullmatch(other.name)) for other in path.parent.glob(f"*{SUFFIX}") if other != path]
    return sorted(other for other, name in found if name and wanted and name["settings"] == wanted["settings"])


def _foreign(path: Path, wanted: Path) -> IndexFileError:
    return IndexFileError(f"{path} belongs to other vectors; expected {wanted.name}: build it again")


def _set_aside(path: Path, error: IndexFileError, warn: Callable[[str], object]) -> bool:
    """Rename a file that cannot be used; return whether another one may be written in its place."""
    if isinstance(error.__cause__, OSError):  # the file may be good: it cannot be read now
        warn(f"{error}; the index is built in memory")
        return False
    try:
        path.replace(path.with_name(path.name + SET_ASIDE))
    except OSError as refused:
        warn(f"{error}; it cannot be renamed ({refused.strerror or refused}), so the index is built in memory")
        return False
    warn(f"{error}; it is set aside as {path.name}{SET_ASIDE}, and built again")
    return True
