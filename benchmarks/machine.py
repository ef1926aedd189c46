"""The machine of a measurement: its description for reports, and the memory of this process."""

import os
import platform
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from lsh.analysis.machine import processor

PACKAGES: tuple[str, ...] = (
    *("numpy", "numba", "faiss-cpu", "hnswlib", "scann", "annoy", "pynndescent", "falconn", "puffinn"),
    *("rabitqlib", "pyglass-portable", "scalable-vs", "usearch", "voyager"),
)


def describe() -> dict[str, Any]:
    """Return the processor, number of cores, memory, versions of the measured packages, and load."""
    names = getattr(os, "sysconf_names", {})
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if "SC_PHYS_PAGES" in names else None
    return {
        "cpu": processor(),
        "cores": os.cpu_count(),
        "memory_gb": memory and round(memory / 1e9),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "load": load(),
    }


def load() -> float | None:
    """Return the mean number of processes that were ready to run in the last minute; None if the system has none."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def resident() -> int:
    """Return the bytes of memory that this process holds now."""
    return _memory("VmRSS")


def peak() -> int:
    """Return the maximum bytes of memory that this process has held."""
    return _memory("VmHWM")


def read_speed(path: Path) -> tuple[float, float]:
    """Return at how many GB/s one thread reads a file from the disk, where Linux can forget it, and sums it in memory.

    Of a large file the first GB is read.
    """
    n_bytes, block = min(path.stat().st_size, 10**9) // 8 * 8, 1 << 23
    with path.open("rb", buffering=0) as file:
        if hasattr(os, "posix_fadvise"):
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        start, done = time.perf_counter(), 0
        while done < n_bytes:
            done += len(file.read(min(block, n_bytes - done)))
        disk_s = time.perf_counter() - start
    held = np.fromfile(path, np.uint64, n_bytes // 8)
    times = []
    for _ in range(3):
        start = time.perf_counter()
        held.sum()
        times.append(time.perf_counter() - start)
    return 1e-9 * n_bytes / disk_s, 1e-9 * n_bytes / min(times)


def _memory(field: str) -> int:
    """Return a field of Linux's status of this process, in bytes; on other systems the maximum, for any field.

    `getrusage` is the second choice, since its maximum starts with the memory of the parent process.
    """
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    (kilobytes,) = (line.split()[1] for line in lines if line.startswith(f"{field}:"))
    return int(kilobytes) * 1024


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
