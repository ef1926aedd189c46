"""Figures as people read them, and tables in Markdown."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

Record = dict[str, Any]


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, words: int = 1) -> str:
    """Return a table in Markdown; the first `words` columns are words, the others numbers."""
    ruler = ["---" if i < words else "--:" for i in range(len(head))]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ruler, *rows))


def share(figure: Record, digits: int = 3) -> str:
    """Write a figure with its interval: `0.433 (0.412 to 0.453)`."""
    return f"{figure['value']:.{digits}f} ({figure['low']:.{digits}f} to {figure['high']:.{digits}f})"


def signed(figure: Record, digits: int = 3) -> str:
    """Write a difference with its interval, and its sign."""
    value, low, high = (round(figure[name], digits) + 0.0 for name in ("value", "low", "high"))  # never -0
    return f"{value:+.{digits}f} ({low:+.{digits}f} to {high:+.{digits}f})"


def percent(value: float) -> str:
    """Write a share as a percentage in the digits that mean something."""
    return f"{100 * value:.0f} %" if value >= 0.995 else f"{100 * value:.1f} %"


def ms(value: float) -> str:
    """Write milliseconds in the digits that mean something."""
    return f"{value:.0f}" if value >= 99.5 else f"{value:.1f}" if value >= 9.95 else f"{value:.2g}"


def times(ratio: float) -> str:
    """Write how many times as fast."""
    return f"{ratio:.0f}" if ratio >= 9.95 else f"{ratio:.1f}" if ratio >= 1.95 else f"{ratio:.2f}"


def clips(n: float) -> str:
    """Write a number of clips that was read off a curve: two digits of it mean something."""
    return f"{float(f'{n:.2g}'):,.0f}"


def angle(distance: float) -> str:
    """Write a cosine distance as the angle that it is."""
    return f"{math.degrees(math.acos(max(-1.0, min(1.0, 1 - distance)))):.0f}°"


def listed(names: Sequence[str]) -> str:
    """Join names as a sentence does."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
