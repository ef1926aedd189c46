"""Compilation of kernels: the two decorators, and the folder where compiled code is cached.

numba caches compiled code by the file that defines a function. But kernels are inlined into kernels of other files:
after a change of the first file, numba would go on running the old code of the second. So the cache folder is named by
a digest of all kernel files, and of the processor, since a cache made on one machine may be copied to another. The
folder is in the first of these locations that has a complete one or is writable: `NUMBA_CACHE_DIR`, the package itself,
the user's cache, the temporary folder. Without any, kernels are compiled in each process.

When a process compiles its first kernel, a warning is logged by the logger "lsh", to explain a wait of seconds.
"""

import contextlib
import hashlib
import logging
import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar, TypeVar, cast

import numba
from llvmlite import binding
from numba import njit
from numba.core import caching, event

ANNOUNCEMENT = "compiling the search kernels, once (`python -m lsh.warm` does it beforehand)"
READY = "all.ready"  # an empty file in the cache folder that marks it as complete (lsh.warm)

_Function = TypeVar("_Function", bound=Callable[..., object])

_config: Any = numba.config  # untyped
_register: Any = event.register  # untyped
_unregister: Any = event.unregister
_KERNELS: list[Any] = []  # every kernel, as numba's dispatcher
_HERE = Path(__file__).parent
# Sums may be reordered, so that they vectorise, but NaN and infinity keep their meaning: plain `fastmath=True` would
# make isnan(nan) False.
_FAST = {"contract", "reassoc", "nsz", "arcp"}


def _digest() -> str:
    sources = [path.read_bytes() for path in sorted(_HERE.rglob("*.py"))]
    with contextlib.suppress(RuntimeError):  # LLVM cannot tell the features of every processor
        sources.append(binding.get_host_cpu_features().flatten().encode())
    target = f"{binding.get_host_cpu_name()} numba {numba.__version__}"
    return hashlib.sha256(b"".join([*sources, target.encode()])).hexdigest()[:16]


def _cache_folder() -> Path | None:
    """Return the folder for compiled code, or None where there is none to read and none can be made."""
    name = f"kernels-{_digest()}"
    for find_parent in _PLACES:
        with contextlib.suppress(OSError):
            parent = find_parent()
            if parent is None:
                continue
            folder = parent / name
            if (folder / READY).exists():
                return folder
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()  # raises OSError if it is not writable
            return folder
    return None


def _given() -> Path | None:
    return Path(_config.CACHE_DIR) if _config.CACHE_DIR else None


def _in_package() -> Path:
    return _HERE / "__pycache__"


def _of_user() -> Path | None:
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "earshot"
    except RuntimeError:  # this user has no home
        return None


def _temporary() -> Path | None:
    """Return a folder in the temporary one; None if another user could write code there that would be run."""
    if sys.platform == "win32":  # each user has their own
        return Path(tempfile.gettempdir()) / "earshot"
    folder = Path(tempfile.gettempdir()) / f"earshot-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    private = stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o077
    return folder if private else None


_PLACES = (_given, _in_package, _of_user, _temporary)
CACHE_FOLDER = _cache_folder()


class _Locator:
    """numba's locator of a function's cache: the folder of all kernels; files are named by module and line."""

    def __init__(self, line: int) -> None:
        self._line = line

    @classmethod
    def from_function(cls, function: Any, _: str) -> "_Locator":
        return cls(function.__code__.co_firstlineno)

    def ensure_cache_path(self) -> None:
        pass  # _cache_folder made it

    def get_cache_path(self) -> str:
        return str(CACHE_FOLDER)

    def get_source_stamp(self) -> str:
        return ""  # other sources have another folder

    def get_disambiguator(self) -> str:
        return str(self._line)


class _CacheFormat(caching.CompileResultCacheImpl):
    _locator_classes: ClassVar[list[type[object]]] = [_Locator]  # type: ignore[misc]


class _Cache(caching.FunctionCache):
    """numba's cache of a function, which ignores errors of the disk, such as a read-only folder or a full disk."""

    _impl_class = _CacheFormat

    def load_overload(self, *arguments: Any) -> Any:
        with contextlib.suppress(OSError):
            return super().load_overload(*arguments)  # type: ignore[no-untyped-call]

    def save_overload(self, *arguments: Any) -> None:
        with contextlib.suppress(OSError):
            super().save_overload(*arguments)  # type: ignore[no-untyped-call]


def kernel(function: _Function) -> _Function:
    """Compile with strict arithmetic: additions keep their order, so a result is the same alone and in a batch."""
    return cast("_Function", _cached(njit(nogil=True)(function)))


def fast_kernel(function: _Function) -> _Function:
    """Compile with sums that may be reordered, and so vectorised."""
    return cast("_Function", _cached(njit(nogil=True, fastmath=_FAST)(function)))


@contextlib.contextmanager
def reported_progress(report: Callable[[int, int], object]) -> Iterator[None]:
    """Call `report` with the numbers of kernels compiled and of all, after each compilation within the block."""
    listener = _Reporter(lambda: report(sum(bool(one.signatures) for one in _KERNELS), len(_KERNELS)))
    _register("numba:compile", listener)
    try:
        yield
    finally:
        _unregister("numba:compile", listener)


def _cached(dispatcher: Any) -> Any:
    _KERNELS.append(dispatcher)
    if CACHE_FOLDER is not None:
        # `njit(cache=True)` does the same with numba's own class.
        dispatcher._cache = _Cache(dispatcher.py_func)  # type: ignore[no-untyped-call]  # noqa: SLF001
    return dispatcher


class _Announcer(event.Listener):
    """Logs, once per process, that kernels are being compiled; numba calls it for each that is not in its cache."""

    def __init__(self) -> None:
        self.done = False

    def on_start(self, event: Any) -> None:
        """Log before the first of our kernels is compiled."""
        module = event.data["dispatcher"].py_func.__module__ or ""  # other packages compile functions without a module
        ours = module.startswith("lsh.")
        if ours and not self.done:
            self.done = True
            logging.getLogger("lsh").warning(ANNOUNCEMENT)

    def on_end(self, event: Any) -> None:
        """Log nothing."""


class _Reporter(event.Listener):
    """Calls a function after each compilation."""

    def __init__(self, report: Callable[[], object]) -> None:
        self._report = report

    def on_start(self, event: Any) -> None:
        """Do nothing."""

    def on_end(self, event: Any) -> None:  # noqa: ARG002
        """Call the function."""
        self._report()


_register("numba:compile", _Announcer())
