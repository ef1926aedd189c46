"""Which machine a figure was measured on: without it the figure means nothing."""

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from lsh.analysis.machine import processor

PACKAGES = ("numpy", "numba", "faiss-cpu", "hnswlib", "scann", "annoy", "pynndescent", "falconn", "puffinn")


def describe() -> dict[str, Any]:
    """Return the processor, its cores, the memory, the versions of what was measured, and how busy it all is."""
    return {
        "cpu": processor(),
        "cores": os.cpu_count(),
        "memory_gb": _memory_gb(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "load": load(),
    }


def load() -> float | None:
    """Return how many processes wanted a core in the last minute, on average; None where the system does not say."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def resident() -> int:
    """Return the bytes of memory that this process holds now."""
    return _memory("VmRSS")


def peak() -> int:
    """Return the most bytes of memory that this process ever held."""
    return _memory("VmHWM")


def _memory(field: str) -> int:
    """Return a field of Linux's account of this process; elsewhere the most memory ever held stands for both.

    Not `getrusage` where it can be helped: there a process's peak begins with that of the process it was forked from.
    """
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    (kilobytes,) = (line.split()[1] for line in lines if line.startswith(f"{field}:"))
    return int(kilobytes) * 1024


def _memory_gb() -> int | None:
    names = getattr(os, "sysconf_names", {})
    if "SC_PHYS_PAGES" not in names:
        return None
    return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
