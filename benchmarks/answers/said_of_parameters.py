"""Question 1 in words: which parameters are best."""

from typing import Any

from benchmarks.answers.tables import listed, percent, share, table, times

Record = dict[str, Any]
NAMES = {"cosine": "Cosine distance, random hyperplanes", "euclidean": "Euclidean distance, p-stable projections"}
TYPICAL = 0.9


def section(chosen: list[Record], about: Record) -> list[str]:
    """Return the section's paragraphs."""
    queries = chosen[0]["queries"]
    parts = [
        "## 1. Which LSH parameters are optimal for audio retrieval?",
        (
            "It depends on the recall you want: the share of the ten nearest clips that are found. For each, the "
            f"fastest setting of hash tables that reaches it, chosen with {queries['validation']:,} validation clips "
            f"and judged by {queries['test']:,} test clips that had no part in the choice. L: tables; K: bits a key; "
            "probes: buckets looked up in each table."
        ),
    ]
    for metric in chosen:
        parts += [f"**{NAMES[metric['metric']]}**{_width(metric)}", _tables(metric["tables"])]
    parts += ["What these say:", "\n".join(f"- {line}" for line in _lessons(chosen))]
    parts += [
        (
            "**The cheapest way of all.** Random tables assume nothing about the data. `lsh.plan` also tries "
            "sketches, learned buckets and exact search, and takes the fastest that reaches the recall, or the "
            "smallest of those that are about as fast:"
        ),
        _plans(chosen),
    ]
    return [*parts, _reproduce(chosen[0]["metric"], about["dataset"])]


def _width(metric: Record) -> str:
    return f" (bucket width w = {metric['bucket_width']:.1f})" if metric["bucket_width"] else ""


def _tables(rows: list[Record]) -> str:
    head = ["recall wanted", "L", "K", "probes", "recall on validation", "on test", "looked at"]
    head += ["label precision, LSH / exact", "exact time / LSH time", "MB"]
    return table(
        head,
        (
            [
                f"{row['wanted']:g}",
                *(str(row[name]) for name in ("n_tables", "n_bits", "n_probes")),
                f"{row['validation_recall']:.3f}",
                share(row["recall"]),
                percent(row["candidates"]),
                f"{row['precision']['value']:.3f} / {row['exact_precision']['value']:.3f}",
                times(row["exact_ms"] / row["ms"]),
                f"{row['index_mb']:.1f}",
            ]
            for row in rows
        ),
        words=0,
    )


def _plans(chosen: list[Record]) -> str:
    rows = [
        [
            metric["metric"],
            f"{row['wanted']:g}",
            row["way"],
            share(row["recall"]),
            times(row["exact_ms"] / row["ms"]) if row["kind"] != "exact" else "1",
            f"{row['index_mb']:.1f}",
        ]
        for metric in chosen
        for row in metric["plans"]
    ]
    head = ["distance", "recall wanted", "chosen", "recall on test", "exact time / its time", "MB"]
    return table(head, rows, words=3)


def _lessons(chosen: list[Record]) -> list[str]:
    own = chosen[0]["tables"]
    lines = [_keys(own), _promise([row for metric in chosen for row in metric["tables"]]), _probes(own), _pays(chosen)]
    return [line for line in [*lines, _distances(chosen)] if line]


def _keys(rows: list[Record]) -> str:
    bits, tables = ([row[name] for row in rows] for name in ("n_bits", "n_tables"))
    return (
        f"**K from {min(bits)} to {max(bits)}, L from {min(tables)} to {max(tables)}** ({_name(rows[0])} first). More "
        "bits make smaller buckets: less to look at, more to miss. More tables give a neighbour more chances."
    )


def _name(row: Record) -> str:
    return f"recall {row['wanted']:g}"


def _promise(rows: list[Record]) -> str:
    broken = [row for row in rows if row["recall"]["high"] < row["wanted"]]
    if not broken:
        return "**The promise holds.** For every setting the recall wanted lies within or below its interval on test."
    return (
        f"**The promise is not always kept.** {len(broken)} of {len(rows)} settings, chosen to just reach their "
        "recall on validation, fall short of it on test, the worst by "
        f"{max(row['wanted'] - row['recall']['value'] for row in broken):.3f}: ask for a little more than you need."
    )


def _probes(rows: list[Record]) -> str:
    probing = [row for row in rows if row["n_probes"] > 1]
    if not probing:
        return "**One probe a table was fastest** at every recall: more tables paid better than more buckets of each."
    wanted = listed([f"{row['wanted']:g}" for row in probing])
    return f"**More than one probe a table** was fastest for recall {wanted}: probes find more without more memory."


def _pays(chosen: list[Record]) -> str:
    said = []
    for metric in chosen:
        faster = [row["wanted"] for row in metric["tables"] if row["exact_ms"] > 1.1 * row["ms"]]
        until = f"up to recall {max(faster):g}" if faster else "at no recall"
        said.append(f"{until} for {metric['metric']}")
    return f"**Hash tables beat exact search here** {listed(said)}."


def _distances(chosen: list[Record]) -> str:
    at = {m["metric"]: row for m in chosen for row in m["tables"] if row["wanted"] == TYPICAL}
    if len(at) < 2:
        return ""
    first, second = sorted(at, key=lambda name: at[name]["candidates"])
    return (
        f"**{first.capitalize()} is the easier distance.** For recall {TYPICAL:g} it looks at "
        f"{percent(at[first]['candidates'])} of the clips, {second} at {percent(at[second]['candidates'])}."
    )


def _reproduce(metric: str, name: str) -> str:
    return (
        f"Reproduce one row:\n\n```sh\npython -m lsh tune data/{name} --index tables --metric {metric} --recall "
        f"{TYPICAL:g}\npython -m lsh tune data/{name} --metric {metric} --recall {TYPICAL:g}    # of all ways\n```"
    )
