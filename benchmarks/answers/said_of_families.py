"""Random hash functions beside learned ones, in words."""

from typing import Any

from benchmarks.answers.tables import listed, percent, table

Record = dict[str, Any]

_NAMES = {
    "hyperplanes": "random hyperplanes",
    "pstable": "p-stable projections",
    "itq": "ITQ",
    "grh": "GRH",
    "kmeans": "k-means",
}
_ERRORS = 2  # standard errors that tell two means apart


def section(comparisons: list[Record], about: Record) -> list[str]:
    """Return the section's paragraphs."""
    first = comparisons[0]
    parts = [
        "## Do learned hash functions pay?",
        (
            "Random hyperplanes and p-stable projections know nothing of the data. **ITQ** turns planes so that the "
            "data lies far from them (Gong & Lazebnik 2011). **GRH** moves the bits of clips with a label in common "
            "towards each other and fits planes to them (Moran & Lavrenko 2015); its labels are those of the "
            "collection alone, and its weights were chosen on validation clips. **k-means** is no hash table: its "
            "buckets are the cells around centroids, without sketches here. Each family may look at the same share of "
            f"the collection: {first['n_tables']} tables, {first['n_probes']} probes a table, and for each budget the "
            "bits with the most recall within it. Since bits are whole, some look at less than they may: compare "
            "recall beside *looked at*. All rank what they meet by exact distance. "
            f"{first['queries']:,} test clips, ± standard error; *against exact* is label precision less exact "
            "search's, query by query. Without a row: no setting keeps the budget."
        ),
    ]
    for comparison in comparisons:
        parts += _of_one(comparison)
    command = f"python -m lsh families data/{about['dataset']} --metric {first['metric']} --queries {first['queries']}"
    return [*parts, f"```sh\n{command}\n```"]


def _of_one(comparison: Record) -> list[str]:
    rows = [
        [
            percent(row["budget"]),
            _NAMES[row["family"]],
            str(row["setting"].get("n_bits", "-")),
            percent(row["candidates"]["value"]),
            _mean(row["recall"]),
            _mean(row["label_precision"]),
            f"{row['gain']['value']:+.3f} ± {row['gain']['error']:.3f}",
        ]
        for row in sorted(comparison["rows"], key=lambda row: row["budget"])
    ]
    head = ["budget", "family", "bits", "looked at", "recall@10", "label precision@10", "against exact"]
    return [
        f"**{comparison['metric'].capitalize()} distance.** Exact: {_mean(comparison['exact_label_precision'])}.",
        table(head, rows, words=2),
        "\n".join(f"- {sentence}" for sentence in _lessons(comparison)),
    ]


def _lessons(comparison: Record) -> list[str]:
    """Say what the figures say, family by family."""
    by_family: dict[str, dict[float, Record]] = {}
    for row in comparison["rows"]:
        by_family.setdefault(row["family"], {})[row["budget"]] = row
    random = by_family.get("hyperplanes", {})
    sentences = []
    for family in ("itq", "grh", "kmeans"):
        shared = sorted(set(by_family.get(family, {})) & set(random))
        if shared:
            rows = [by_family[family][budget] for budget in shared]
            pairs = list(zip(rows, (random[budget] for budget in shared), strict=True))
            at_most = [mine["candidates"]["value"] <= theirs["candidates"]["value"] for mine, theirs in pairs]
            recall = _verdict([_difference(mine["recall"], theirs["recall"]) for mine, theirs in pairs])
            words = {1: "finds more than random hyperplanes", -1: "finds less than random hyperplanes"}
            found = ", ".join(f"{m['recall']['value']:.3f} and {t['recall']['value']:.3f}" for m, t in pairs)
            more = "" if all(at_most) else " (it looks at more in some, see the table)"
            precision = _precision([row["gain"] for row in rows])
            sentences.append(
                f"**{_NAMES[family]}** {words.get(recall, 'finds, within chance or by budget, as much')} at "
                f"{listed([percent(budget) for budget in shared])}: recall {found}{more}. {precision}"
            )
    return sentences


def _precision(gains: list[Record]) -> str:
    """Say how its label precision compares to exact search's, over all budgets."""
    lowest, highest = min(gain["value"] for gain in gains), max(gain["value"] for gain in gains)
    span = f"{lowest:+.3f} to {highest:+.3f}"
    signs = [_sign(gain["value"], gain["error"]) for gain in gains]
    if min(signs) >= 0 and max(signs) > 0:
        return f"Its neighbours share a label with the query at least as often as the truly nearest do ({span})."
    if max(signs) <= 0 and min(signs) < 0:
        return f"Its neighbours share a label with the query less often than the truly nearest do ({span})."
    return f"Its label precision is exact search's, within chance or now above and now below ({span})."


def _verdict(differences: list[int]) -> int:
    """Return 1 or -1 where every difference is beyond chance and of that sign, else 0."""
    return differences[0] if len(set(differences)) == 1 else 0


def _difference(a: Record, b: Record) -> int:
    return _sign(a["value"] - b["value"], (a["error"] ** 2 + b["error"] ** 2) ** 0.5)


def _sign(value: float, error: float) -> int:
    return 0 if abs(value) <= _ERRORS * error else 1 if value > 0 else -1


def _mean(mean: Record) -> str:
    return f"{mean['value']:.3f} ± {mean['error']:.3f}"
