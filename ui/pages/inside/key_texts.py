"""Inside: texts for the symbols of a key: bits under cosine, numbers under Euclidean, and how near a wall passes."""

from collections.abc import Sequence

from lsh.analysis.inspecting import TableKey
from ui.figures.marks import Ints
from ui.format import degrees, join_words, percent, plural
from ui.model.state import Settings


def bits(n: int, s: Settings) -> str:
    """Name n symbols of a key: bits under cosine, numbers under Euclidean."""
    return plural(n, symbol(s))


def symbol(s: Settings) -> str:
    """Name one symbol of a key: a bit says on which side of a plane, a number in which slot of a line."""
    return "bit" if s.metric == "cosine" else "number"


def written(symbols: Ints) -> str:
    """Write a key out: 01101 for bits; numbers stand apart."""
    values = [int(symbol) for symbol in symbols]
    return "".join(map(str, values)) if max(values, default=0) < 2 else " · ".join(map(str, values))


def numbered(s: Settings, places: Sequence[int]) -> str:
    """Name some symbols of a key by their places from 0: bit 5; numbers 1 and 7."""
    return f"{symbol(s)}{'s' * (len(places) > 1)} {join_words([j + 1 for j in places])}"


def to_wall(s: Settings, position: float) -> float:
    """Return how far a position is from the nearest wall: in degrees from the plane, or as a part of a slot."""
    return abs(position) if s.metric == "cosine" else min(position % 1, 1 - position % 1)


def distance_to_wall(s: Settings, own: TableKey, j: int) -> str:
    """State how far the query is from the wall that decided symbol j of its key."""
    position = float(own.positions[j])
    if s.metric == "cosine":
        return f"{degrees(position)} from its plane"
    return f"{percent(to_wall(s, position))} of a slot's width from the next slot"
