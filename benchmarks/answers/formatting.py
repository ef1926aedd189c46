"""Number formats of docs/ANSWERS.md."""

import math
from typing import Any

Record = dict[str, Any]


def rounded(figures: Any) -> Any:
    """Return figures, nested in dicts and lists, with five decimals."""
    if isinstance(figures, dict):
        return {name: rounded(value) for name, value in figures.items()}
    if isinstance(figures, list):
        return [rounded(value) for value in figures]
    return round(figures, 5) if isinstance(figures, float) else figures


def with_interval(figure: Record) -> str:
    """Format a figure with its interval: `0.433 (0.412 to 0.453)`."""
    return f"{figure['value']:.3f} ({figure['low']:.3f} to {figure['high']:.3f})"


def difference(figure: Record) -> str:
    """Format a difference with its interval and signs: `+0.015 (+0.007 to +0.023)`."""
    value, low, high = (round(figure[name], 3) + 0.0 for name in ("value", "low", "high"))  # never -0
    return f"{value:+.3f} ({low:+.3f} to {high:+.3f})"


def with_error(mean: Record) -> str:
    """Format a mean with its standard error: `0.433 ± 0.008`."""
    return f"{mean['value']:.3f} ± {mean['error']:.3f}"


def percent(value: float) -> str:
    """Format a share, 0 to 1, as a percentage with one decimal, from 99.5 % without."""
    return f"{100 * value:.0f} %" if value >= 0.995 else f"{100 * value:.1f} %"


def ms(value: float) -> str:
    """Format milliseconds with about two significant digits."""
    return f"{value:.0f}" if value >= 99.5 else f"{value:.1f}" if value >= 9.95 else f"{value:.2g}"


def ratio(value: float) -> str:
    """Format a ratio of two times with about two significant digits."""
    return f"{value:.0f}" if value >= 9.95 else f"{value:.1f}" if value >= 1.95 else f"{value:.2f}"


def angle(distance: float) -> str:
    """Format a cosine distance as the angle between the two vectors in degrees."""
    return f"{math.degrees(math.acos(max(-1.0, min(1.0, 1 - distance)))):.0f}°"
