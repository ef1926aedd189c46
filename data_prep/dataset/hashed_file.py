"""Size and sha256 of files, computed while they are written or read."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

_SYNC_EVERY_BYTES = 1 << 25


class HashedFile:
    """A file that is hashed while it is written, and synced at the end of the `with` block."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._hash = hashlib.sha256()
        self._hasher = ThreadPoolExecutor(1)  # hashes while the main thread writes
        self._bytes = self._on_disk = 0

    def __enter__(self) -> Self:
        """Return the open file."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Force the bytes onto the disk, unless the block failed."""
        self._hasher.shutdown()
        with self._file:
            if kind is None:
                self._sync()

    def write(self, data: bytes | npt.NDArray[Any]) -> None:
        """Append bytes, or the bytes of an array in C order."""
        view = memoryview(np.ascontiguousarray(data).data if isinstance(data, np.ndarray) else data).cast("B")
        hashed = self._hasher.submit(self._hash.update, view)
        self._file.write(view)
        hashed.result()
        self._bytes += len(view)
        if self._bytes - self._on_disk >= _SYNC_EVERY_BYTES:
            self._sync_and_release()

    def _sync_and_release(self) -> None:
        """Force what was written onto the disk, and release its page cache.

        Otherwise a large file fills the page cache, and the writer waits for the disk at the end.
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
        """The file's entry in a manifest: `bytes` and `sha256`."""
        return {"bytes": self._bytes, "sha256": self._hash.hexdigest()}


def file_facts(path: Path) -> dict[str, int | str]:
    """Return the entry of a file on disk in a manifest: `bytes` and `sha256`."""
    with path.open("rb") as file:
        return {"bytes": path.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}
