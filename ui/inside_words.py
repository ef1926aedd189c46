"""What the Inside page says: every sentence is made of the query's own numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

from lsh.inspecting import NearMiss, Rescue, TableKey
from ui.figures import percent
from ui.figures.margins import NEARLY
from ui.figures.marks import Floats, Ints
from ui.state import Settings


def many(n: int, thing: str, things: str | None = None) -> str:
    """Write a number of things: 1 clip, 16,225 clips."""
    return f"{n:,} {thing if n == 1 else things or f'{thing}s'}"


def listed(items: Sequence[object]) -> str:
    """Write a list as it is spoken: 2, 5 and 7."""
    words = [str(item) for item in items]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def digits(value: float) -> str:
    """Write a number in the digits that mean something."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}" if value >= 1 else f"{value:.2g}"


def bits(n: int, s: Settings) -> str:
    """Name n symbols of a key: bits under cosine, numbers under Euclidean."""
    return many(n, symbol(s))


def symbol(s: Settings) -> str:
    """Name one symbol of a key: a bit says on which side of a plane, a number in which slot of a line."""
    return "bit" if s.metric == "cosine" else "number"


def degrees(angle: float) -> str:
    """Write how wide an angle is: 4.3°, 0.04°."""
    return f"{abs(angle):.1f}°" if abs(angle) >= 0.95 else f"{abs(angle):.2g}°"


def written(symbols: Ints) -> str:
    """Write a key out: 01101 for bits; numbers stand apart."""
    values = [int(symbol) for symbol in symbols]
    return "".join(map(str, values)) if max(values, default=0) < 2 else " · ".join(map(str, values))


def key(s: Settings, table: int, own: TableKey, behind: Ints, agreeing: int, n_true: int) -> str:
    """Say what the key of one table is, which symbol was nearly another, and how many neighbours share the whole key.

    behind: int[K], true neighbours on another side of each function; agreeing: of `n_true`, those with the same key.
    """
    what = (
        f"one bit for each of {many(s.n_bits, 'random plane')}: 1 on one side, 0 on the other"
        if s.metric == "cosine"
        else f"one number for each of {many(s.n_bits, 'random line')}: the slot of the line into which your sound falls"
    )
    start = f"In table {table + 1} the key of your sound is **{written(own.symbols)}**, {what}."
    weakest = int(own.firmness.argmin())
    how = _distance_to_wall(s, own, weakest)
    n_weak = int((own.firmness < NEARLY).sum())
    doubt = (
        f"{symbol(s).capitalize()} {weakest + 1} was nearly another: your sound is only {how}, and "
        f"{_none_or_some(int(behind[weakest]))} on another side."
        if n_weak
        else f"No {symbol(s)} is in doubt here; even the least firm one, {symbol(s)} {weakest + 1}, is {how}."
    )
    end = f"A bucket wants all {s.n_bits} to agree: **{agreeing} of the {n_true}** nearest do so in this table."
    return f"{start} {doubt} {end}"


def buckets(s: Settings, n: int, table: int, sizes: Ints, hits: Ints, looked_at: int, found: int, n_true: int) -> str:
    """Say what is in the bucket of one table, and what all of them hold together."""
    if s.n_tables == 1:
        together = f"One table is one chance: the other {n_true - found} of the {n_true} nearest are not looked at."
    else:
        together = (
            f"All {s.n_tables} buckets together hold {many(looked_at, 'different clip')}, {percent(looked_at / n)} of "
            f"the collection, and **{found} of the {n_true}** nearest: {_best_table(hits)}."
        )
    return (
        f"In table {table + 1} your sound shares its bucket with {many(int(sizes[table]), 'clip')} of {n:,}; "
        f"{int(hits[table])} of the {n_true} nearest {'is' if hits[table] == 1 else 'are'} among them. {together}"
    )


def probes(s: Settings, looked_at: Ints, met: Ints, n_true: int) -> str:
    """Say what the probes in force bring beside a single one, and what doubling them would."""
    here, last = min(s.n_probes, len(met)), len(met)
    one = f"With one probe a table LSH finds {int(met[0])} of {n_true} and looks at {many(int(looked_at[0]), 'clip')}."
    if here == 1:
        second = _found(met, looked_at, min(2, last))
        return f"{one} A second one would make that {second}; {last} of them, {_found(met, looked_at, last)}."
    all_of_them = f"{last} would give {_found(met, looked_at, last)}"
    return f"{one} With your {here} it is {_found(met, looked_at, here)}; {all_of_them}."


def cheapest_probe(s: Settings, table: int, own: TableKey, flipped: Sequence[int]) -> str:
    """Say which symbols the first probe of a table changes, and why those."""
    if not flipped:
        return f"Table {table + 1} has no second bucket to look into."
    names = _named(s, flipped)
    weakest = ", the least firm of all" if list(flipped) == [int(own.firmness.argmin())] else ""
    where = _distance_to_wall(s, own, flipped[0])
    return (
        f"The first bucket next door in table {table + 1} changes {names}{weakest}: your sound is only {where}, so a "
        "neighbour may well be on the other side. The further ones follow in order of how unlikely they are."
    )


def missed(s: Settings, found: Sequence[bool], near: Sequence[NearMiss]) -> str:
    """Say how many of the true neighbours were missed, and by how little."""
    lost = [near[i] for i, was in enumerate(found) if not was]
    n_true, n_lost = len(found), len(lost)
    if not n_lost:
        nothing = f"Nothing is missed: all {n_true} nearest share at least one whole key with your sound."
        return f"{nothing} Raise K, or lower L, in the sidebar, and see how they fall out."
    fewest = min(len(miss.differing) for miss in lost)
    by_one = sum(len(miss.differing) == fewest for miss in lost)
    who = "It" if n_lost == 1 else "Each" if by_one == n_lost else f"{by_one} of them"
    tables = "the one table" if s.n_tables == 1 else f"any of the {s.n_tables} tables"
    were = "was" if n_lost == 1 else "were"
    return (
        f"**{n_lost} of the {n_true} nearest {were} missed**: no key of {bits(s.n_bits, s)} agrees with yours in "
        f"{tables}. {who} differed in only **{bits(fewest, s)}** somewhere. One {symbol(s)} is enough to land in "
        "another bucket, however near the clip is."
    )


def miss(s: Settings, near: NearMiss) -> str:
    """Say by how much a true neighbour was missed, and where."""
    n = len(near.differing)
    names = "" if n > 3 else f": {_named(s, near.differing)}"
    return f"missed: its key differs from yours in {n} of {bits(s.n_bits, s)} in table {near.table + 1}{names}"


def met(s: Settings, tables: Sequence[int]) -> str:
    """Say in which tables a neighbour was met."""
    place = "shares your key" if s.n_probes == 1 else "was met"
    few = f": {listed(tables)}" if len(tables) <= 4 else ""
    return f"{place} in {len(tables)} of {many(s.n_tables, 'table')}{few}"


def decided(s: Settings, near: NearMiss, positions: Floats, rescue: Rescue) -> str:
    """Say which margin decided (positions: float[2, K], of the query and of the clip), and what would have helped."""
    j = min(near.differing, key=lambda bit: abs(_to_wall(s, float(positions[0, bit]))))
    yours, its = float(positions[0, j]), float(positions[1, j])
    if s.metric == "cosine":
        where = (
            f"The plane of bit {j + 1} passes between you: {degrees(yours)} from your sound, {degrees(its)} from it."
        )
    else:
        where = (
            f"On line {j + 1} a wall stands between you: your sound is {_to_wall(s, yours):.2f} of a slot from the "
            f"next slot, and the two are {abs(its - yours):.2f} of a slot apart."
        )
    ways = [
        f"{name} {value}"
        for name, value in (("K =", rescue.n_bits), ("L =", rescue.n_tables), ("probes =", rescue.n_probes))
        if value is not None
    ]
    helped = f"{' or '.join(ways)} alone would have found it." if ways else "No single slider would have found it."
    return f"{where} {helped}"


CURVE = """
**More bits, K, push the curve down and to the left**: fewer clips are looked at, near ones too are lost. **More tables,
L, lift it and push it to the right**: more are found, more are looked at. The art is to have the nearest under the high
part and the crowd under the low one.
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What theory expects and what came: true neighbours found, and the share of the collection looked at."""

    hoped: float
    found: int
    expected: float
    looked_at: float


def curve(s: Settings, last: tuple[float, float], middle: tuple[float, float], n_true: int, came: Outcome) -> str:
    """Say what the curve gives at the last neighbour and the middle clip, (distance, chance), and what came of it."""
    unit = "°" if s.metric == "cosine" else ""
    return (
        f"The last of your {n_true} nearest lies at {last[0]:.3g}{unit}: at your setting it is looked at with a chance "
        f"of **{percent(last[1])}**. Half of all clips lie beyond {middle[0]:.3g}{unit}, and have a chance of "
        f"**{percent(middle[1])}** or less. Added up over all clips, theory expects {came.hoped:.1f} of {n_true} found "
        f"and {percent(came.expected)} looked at, with one probe. This index, one random draw of many, found "
        f"{came.found} and looked at {percent(came.looked_at)}."
    )


def _none_or_some(n: int) -> str:
    return "none of the nearest lies" if n == 0 else many(n, "of the nearest lies", "of the nearest lie")


def _found(met: Ints, looked_at: Ints, probes: int) -> str:
    return f"{int(met[probes - 1])} found, {int(looked_at[probes - 1]):,} looked at"


def _best_table(hits: Ints) -> str:
    most, none = int(hits.max()), int((hits == 0).sum())
    empty = f", and {many(none, 'table has', 'tables have')} none of them" if none else ""
    return f"no table has more than {most}{empty}"


def _named(s: Settings, places: Sequence[int]) -> str:
    return f"{symbol(s)}{'s' * (len(places) > 1)} {listed([j + 1 for j in places])}"


def _to_wall(s: Settings, position: float) -> float:
    return abs(position) if s.metric == "cosine" else min(position % 1, 1 - position % 1)


def _distance_to_wall(s: Settings, own: TableKey, j: int) -> str:
    position = float(own.positions[j])
    if s.metric == "cosine":
        return f"{degrees(position)} from its plane"
    return f"{100 * _to_wall(s, position):.0f} % of a slot's width from the next slot"
