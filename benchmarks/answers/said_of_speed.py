"""Question 2 in words: whether LSH outperforms brute force in query time, and by how much."""

from typing import Any

from benchmarks.answers.tables import clips, ms, table, times

Record = dict[str, Any]
SIMILAR = 1.1
NAMES = {"lsh": "Hash tables", "sketches": "Sketches in learned buckets"}


def section(speed: Record) -> list[str]:
    """Return the section's paragraphs."""
    parts = [
        "## 2. Can LSH outperform brute force in query time, and by how much?",
        _short(speed),
        (
            f"Two honest baselines: exact search of one query at a time, as a person asks, and of {speed['block']} at "
            "once, where one matrix product serves them all. Times are milliseconds a query; the tables were tuned "
            f"anew at each size for recall {speed['wanted']:g} ({speed['metric']} distance), and the recall that each "
            "reached stands behind its time. Building an index is not counted."
        ),
        _table(speed["real"]),
        "\n".join(f"- {line}" for line in _crossings(speed)),
    ]
    if speed["modelled"]:
        parts += [
            (
                "**Larger than this collection.** Modelled vectors, calibrated on the real ones "
                "(`benchmarks/audioset_like.py`); how real clips lie at such sizes is not known, so read the trend."
            ),
            _table(speed["modelled"]),
        ]
    return parts


def _short(speed: Record) -> str:
    rows = speed["real"]
    if not rows:
        return f"Not here: no setting reached recall {speed['wanted']:g} at any size."
    last = rows[-1]
    said = [_ratio(name, last) for name in NAMES]
    text = f"Over {last['n']:,} clips at recall {speed['wanted']:g}: {said[0]}; {said[1]}."
    if speed["modelled"]:
        far = speed["modelled"][-1]
        more = " and ".join(
            f"{_gain(name, far)} times ({NAMES[name].lower()}, recall {far['laps'][name]['recall']:.2f})"
            for name in NAMES
        )
        text += f" Over {far['n']:,} modelled clips they are {more} as fast as exact search."
    return text


def _gain(name: str, row: Record) -> str:
    return times(row["laps"]["exact"]["ms"] / row["laps"][name]["ms"])


def _ratio(name: str, row: Record) -> str:
    gain = row["laps"]["exact"]["ms"] / row["laps"][name]["ms"]
    what = NAMES[name].lower()
    if gain > SIMILAR:
        return f"yes, {what} are {times(gain)} times as fast as exact search"
    return f"{what} are about as fast as exact search" if gain > 1 / SIMILAR else f"no, {what} are slower"


def _table(rows: list[Record]) -> str:
    head = ["clips", "L, K, probes", "exact", "exact, in blocks", "hash tables", "recall", "exact / tables"]
    head += ["sketches", "recall", "exact / sketches"]
    return table(head, (_row(row) for row in rows))


def _row(row: Record) -> list[str]:
    laps, setting = row["laps"], row["setting"]
    cells = [f"{row['n']:,}", f"{setting['n_tables']}, {setting['n_bits']}, {setting['n_probes']}"]
    cells += [ms(laps["exact"]["ms"]), ms(laps["batched"]["ms"])]
    for name in NAMES:
        cells += [ms(laps[name]["ms"]), f"{laps[name]['recall']:.2f}", _gain(name, row)]
    return cells


def _crossings(speed: Record) -> list[str]:
    smallest = speed["real"][0]["n"] if speed["real"] else 0
    lines = []
    for name, crossings in speed["crossover"].items():
        for other, words in (("exact", "exact search, one query at a time"), ("batched", "exact search in blocks")):
            at = crossings[other]
            if at is None:
                lines.append(f"{NAMES[name]} are not clearly ahead of {words}, at the size of this collection.")
            elif at <= smallest:
                lines.append(f"{NAMES[name]} are ahead of {words}, at every size measured.")
            else:
                lines.append(f"{NAMES[name]} are clearly ahead of {words}, from about {clips(at)} clips on.")
    return lines
