"""Numbers and lists as text: percentages, times, sizes, counts, ranks. Without Streamlit.

Two significant digits unless told otherwise; digits before the decimal point are never dropped.
"""

import math
from collections.abc import Iterable

from lsh.analysis.timing import same_time

MAX_DECIMALS = 4
ABOUT_THE_SAME = "about the same"


def number(value: float, digits: int = 2, max_decimals: int = MAX_DECIMALS) -> str:
    """Write a number with `digits` significant digits: 12,345; 12; 3.1; 0.50; 0."""
    if value == 0 or not math.isfinite(value):
        return f"{value:.0f}"
    exponent = math.floor(math.log10(float(f"{abs(value):.{digits - 1}e}")))
    return f"{value:,.{min(max(digits - 1 - exponent, 0), max_decimals)}f}"


def percent(share: float, digits: int = 2) -> str:
    """Write a fraction as a percentage: 92 %, 3.1 %, 0.04 %, < 0.01 %."""
    return "< 0.01 %" if 0 < share < 0.0001 else f"{number(100 * share, digits, 2)} %"


def signed_points(change: float) -> str:
    """Write a change of a fraction in percentage points: +1.2 points, -0.04 points, 0 points."""
    return f"{'+' * (change >= 0.0001)}{number(100 * change, 2, 2)} points" if abs(change) >= 0.0001 else "0 points"


def points(difference: float) -> str:
    """Write the size of a difference of two fractions in percentage points: 1.2 points, 0.0 points."""
    return f"{100 * abs(difference):.1f} points"


def milliseconds(ms: float) -> str:
    """Write a time: 0.40 ms, 12 ms; from a second on in seconds: 1.5 s."""
    return f"{number(ms / 1000)} s" if ms >= 999.5 else f"{number(ms)} ms"


def minutes(seconds: float) -> str:
    """Write a long time roughly: 45 s, 12 min, over an hour."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min" if seconds < 5400 else "over an hour"


def megabytes(n_bytes: float) -> str:
    """Write a size in MB of 10^6 bytes: 18 MB, 0.50 MB."""
    return f"{number(n_bytes / 1e6)} MB"


def degrees(angle: float) -> str:
    """Write the size of an angle: 43°, 4.3°, 0.043°."""
    return f"{number(abs(angle))}°"


def plural(n: int, thing: str, things: str | None = None) -> str:
    """Write a number of things: 1 clip, 16,225 clips."""
    return f"{n:,} {thing if n == 1 else things or f'{thing}s'}"


def of_a_part(shown: int, total: int, things: str) -> str:
    """State which part is drawn: Drawn are 20,000 of the 1,234,567 candidates, evenly spaced. Of all, nothing."""
    return f"Drawn are {shown:,} of the {total:,} {things}, evenly spaced." if shown < total else ""


def ordinal(n: int) -> str:
    """Write a rank: 1st, 2nd, 3rd, 4th, 11th, 22nd."""
    last = 0 if n % 100 in {11, 12, 13} else n % 10
    return f"{n:,}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(last, 'th') }"


def nth_nearest(rank: int) -> str:
    """Name a neighbour by its rank from 1: nearest, 2nd nearest, 3rd nearest."""
    return "nearest" if rank == 1 else f"{ordinal(rank)} nearest"


def join_words(items: Iterable[object], word: str = "and") -> str:
    """Write a list as it is spoken: 2, 5 and 7."""
    *most, last = map(str, items)
    return f"{', '.join(most)} {word} {last}" if most else last


def capitalised(text: str) -> str:
    """Begin a text with a capital letter, the rest as it is."""
    return f"{text[:1].upper()}{text[1:]}"


def compare_times(mine: float, other: float, spread: float) -> str:
    """Compare a time with another: about the same, 3.1 times as fast, 12 times as slow.

    spread: the fraction by which measurements of the same time differ; smaller differences are noise.
    """
    if same_time(mine, other, spread):
        return ABOUT_THE_SAME
    return f"{number(other / mine)} times as fast" if mine < other else f"{number(mine / other)} times as slow"
