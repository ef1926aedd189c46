"""The machine that times are measured on: its processor, and the versions that speed depends on."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")  # Linux alone


def processor() -> str:
    """Return the processor's name; on Linux with its family and model, as virtual machines often shorten the name."""
    try:
        lines = _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    fields = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    name = fields.get("model name") or platform.processor() or platform.machine() or "unknown processor"
    if "cpu family" in fields:
        name += f" (family {fields['cpu family']}, model {fields.get('model', '?')})"
    return name + (", AVX-512 VPOPCNTDQ" if "avx512_vpopcntdq" in fields.get("flags", "") else "")


def summary() -> str:
    """Return in one line the processor, how many are available, and the versions of NumPy and numba."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    processors = f"{count} processor{'s' * (count != 1)}"
    return f"{processor()}, {processors}, numpy {version('numpy')}, numba {version('numba')}"
