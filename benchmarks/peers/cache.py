"""Cache of first passes: what each build of a method answered, and its index, in a folder for later calls.

Each build has a folder of its own, whose name holds a hash of all that its figures depend on: its settings, the bytes
of the vectors, the queries, the library, its plug-in and the code that measures it, the processor, and the versions of
NumPy and numba. It appears in one step, when the first pass of the build is complete. One whose index has changed since
counts as absent.
"""

import hashlib
import inspect
import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypedDict

from benchmarks import ground_truth
from benchmarks.methods._base import Method, Settings
from benchmarks.peers import worker
from benchmarks.search_problem import SearchProblem
from earshot_common.atomic import atomic_folder
from lsh.analysis.machine import summary

_RECORD = "first_pass.json"


class Passed(TypedDict):
    """A setting's first pass: seconds per block of queries, and the recall of each query."""

    search: Settings
    recalls: list[float]
    blocks: list[float]


class FirstPass(TypedDict):
    """What one build was: build_s, index_mb, resident_mb and peak_mb, and the first pass of each setting."""

    built: dict[str, float]
    passed: list[Passed]


@dataclass(frozen=True, slots=True)
class Cache:
    """A folder of builds for one problem. about: what the figures of every method depend on."""

    folder: Path
    about: dict[str, Any]

    @classmethod
    def of(cls, folder: Path, problem: SearchProblem, metric: str, k: int) -> "Cache":
        """Return the cache of a problem in a folder, which need not exist."""
        data = {"base": _digest([problem.base]), "queries": _digest([problem.queries])}
        code = _digest([Path(module.__file__ or "") for module in (worker, ground_truth)])
        return cls(folder, {"metric": metric, "k": k, "machine": summary(), "code": code, **data})

    def of_method(self, kind: type[Method], library: Path | None) -> "Cache":
        """Return the cache of one method. library: the folder of its library; None for the one that is installed."""
        own = {"library": _digest(_library_files(kind.needs or "numpy", library))}
        return Cache(self.folder, self.about | own | {"plug_in": _digest([Path(inspect.getfile(kind))])})

    def place(self, name: str, build: Settings, searches: Sequence[Settings]) -> Path:
        """Return the folder of a build of a method: there, if its first pass is kept."""
        about = json.dumps([self.about, name, build, searches])
        return self.folder / f"{name}-{hashlib.sha256(about.encode()).hexdigest()[:16]}"


def read(place: Path) -> FirstPass | None:
    """Return the first pass that is kept in a folder; None if there is none, or if the index beside it is damaged."""
    try:
        kept = json.loads((place / _RECORD).read_text(encoding="utf-8"))
        first_pass: FirstPass = kept["first_pass"]
        whole = kept["index"] == _digest(path for path in _files(place) if path.name != _RECORD)
    except (OSError, ValueError, KeyError):
        return None
    return first_pass if whole else None


def write(place: Path, first_pass: FirstPass, save_index: Callable[[Path], object]) -> None:
    """Keep a first pass in a folder, with the index that `save_index` writes there; raise WriteError if it cannot."""
    with atomic_folder(place, lambda: None) as folder:
        save_index(folder)
        record = {"first_pass": first_pass, "index": _digest(_files(folder))}
        (folder / _RECORD).write_text(json.dumps(record), encoding="utf-8")
        for path in _files(folder):
            with path.open("rb+") as file:
                os.fsync(file.fileno())


def _library_files(module: str, library: Path | None) -> list[Path]:
    """Return the files of the library that a worker would import; none if there is no such module."""
    spec = PathFinder.find_spec(module, [*([str(library)] if library else []), *sys.path]) or find_spec(module)
    if spec is None:
        return []
    if spec.submodule_search_locations is None:
        return [Path(str(spec.origin))]
    return [path for folder in spec.submodule_search_locations for path in _files(Path(folder))]


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and "__pycache__" not in path.parts]


def _digest(paths: Iterable[Path]) -> str:
    """Return a hash of the bytes of files, in their order."""
    whole = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            whole.update(hashlib.file_digest(file, "sha256").digest())
    return whole.hexdigest()
