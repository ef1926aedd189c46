"""Numbers as docs/ANSWERS.md writes them."""

import math
from typing import Any

Record = dict[str, Any]


def with_interval(figure: Record) -> str:
    """Write a figure with its interval: `0.433 (0.412 to 0.453)`."""
    return f"{figure['value']:.3f} ({figure['low']:.3f} to {figure['high']:.3f})"


def difference(figure: Record) -> str:
    """Write a difference with its interval, and its sign: `+0.015 (+0.007 to +0.023)`."""
    value, low, high = (round(figure[name], 3) + 0.0 for name in ("value", "low", "high"))  # never -0
    return f"{value:+.3f} ({low:+.3f} to {high:+.3f})"


def with_error(mean: Record) -> str:
    """Write a mean with its standard error: `0.433 ± 0.008`."""
    return f"{mean['value']:.3f} ± {mean['error']:.3f}"


def percent(value: float) -> str:
    """Write a share as a percentage in the digits that mean something."""
    return f"{100 * value:.0f} %" if value >= 0.995 else f"{100 * value:.1f} %"


def ms(value: float) -> str:
    """Write milliseconds in the digits that mean something."""
    return f"{value:.0f}" if value >= 99.5 else f"{value:.1f}" if value >= 9.95 else f"{value:.2g}"


def ratio(value: float) -> str:
    """Write a ratio of two times in the digits that mean something."""
    return f"{value:.0f}" if value >= 9.95 else f"{value:.1f}" if value >= 1.95 else f"{value:.2f}"


def angle(distance: float) -> str:
    """Write a cosine distance as the angle in degrees between the two vectors."""
    return f"{math.degrees(math.acos(max(-1.0, min(1.0, 1 - distance)))):.0f}°"
