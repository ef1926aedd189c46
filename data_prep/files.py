"""Files whose size and sha256 are known: as they are written, and when they are read again."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

_PORTION = 1 << 25  # bytes that are written before the next ones go to the disk


class HashedFile:
    """A file being written; when its block ends it is on disk and `facts` holds its bytes and sha256."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._hash = hashlib.sha256()
        self._beside = ThreadPoolExecutor(1)  # bytes are hashed while they are written
        self._bytes = self._on_disk = 0

    def __enter__(self) -> Self:
        """Return the open file."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait until the bytes are on disk, unless the block failed and they do not matter."""
        self._beside.shutdown()
        with self._file:
            if kind is None:
                self._sync()

    def write(self, data: bytes | npt.NDArray[Any]) -> None:
        """Append bytes, or the bytes of an array in C order."""
        view = memoryview(np.ascontiguousarray(data).data if isinstance(data, np.ndarray) else data).cast("B")
        hashed = self._beside.submit(self._hash.update, view)
        self._file.write(view)
        hashed.result()
        self._bytes += len(view)
        if self._bytes - self._on_disk >= _PORTION:
            self._settle()

    def _settle(self) -> None:
        """Bring what was written to the disk, and give its memory back.

        A big file else fills the memory with pages that nobody reads soon, and lets its writer wait for the disk at the
        end, when nothing is left to be done meanwhile.
        """
        self._sync()
        if hasattr(os, "posix_fadvise"):
            start, size = self._on_disk, self._bytes - self._on_disk
            os.posix_fadvise(self._file.fileno(), start, size, os.POSIX_FADV_DONTNEED)
        self._on_disk = self._bytes

    def _sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())

    @property
    def facts(self) -> dict[str, int | str]:
        """The file's entry in a manifest."""
        return {"bytes": self._bytes, "sha256": self._hash.hexdigest()}


def file_facts(path: Path) -> dict[str, int | str]:
    """Return the size and the sha256 of a file on disk, as a manifest states them."""
    with path.open("rb") as file:
        return {"bytes": path.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}
