"""The machine that times are measured on: its processor, and the versions that speed depends on."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")  # Linux alone


def cpu_fields() -> dict[str, str]:
    """Return what Linux says about the last processor, such as "model name" and "flags"; empty elsewhere."""
    try:
        lines = _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    return {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


def processor() -> str:
    """Return the processor's name."""
    return cpu_fields().get("model name") or platform.processor() or platform.machine() or "unknown processor"


def summary() -> str:
    """Return in one line the processor, how many are available, and the versions of NumPy and numba."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    processors = f"{count} processor{'s' * (count != 1)}"
    return f"{processor()}, {processors}, numpy {version('numpy')}, numba {version('numba')}"
