"""Question 3 in words: how the quality of the neighbours compares to brute force."""

from typing import Any

from benchmarks.answers.confidence import apart
from benchmarks.answers.tables import angle, percent, share, signed, table

Record = dict[str, Any]


def section(qualities: list[Record], about: Record) -> list[str]:
    """Return the section's paragraphs."""
    parts = [
        "## 3. How does the quality of the neighbours compare to brute force?",
        (
            f"Three measures, over {qualities[0]['queries']:,} test clips. **Recall@10**: the share of the ten truly "
            "nearest that were found; ties count. **Label precision@10**: the share of the ten returned that share a "
            "label with the query. **mAP@10**: whether those that do stand first (average precision of the ten: the "
            "precision at each rank that holds a relevant clip, summed, over the most that could be relevant; "
            "Manning, Raghavan & Schütze 2008, section 8.4). *Lost* is exact search's figure less LSH's, query by "
            "query."
        ),
    ]
    for quality in qualities:
        parts += _of_one(quality)
    return [*parts, *_close(qualities[0], about)]


def _of_one(quality: Record) -> list[str]:
    exact = quality["exact"]
    rows = [
        [
            f"{row['wanted']:g}",
            share(row["recall"]),
            f"{row['precision']['value']:.3f}",
            signed(row["precision_lost"]),
            f"{row['map']['value']:.3f}",
            signed(row["map_lost"]),
        ]
        for row in quality["settings"]
    ]
    rows.append(["exact", "1", share(exact["precision"]), "", share(exact["map"]), ""])
    head = ["recall wanted", "recall@10", "label precision@10", "lost", "mAP@10", "lost"]
    return [
        f"**{quality['metric'].capitalize()} distance.** {_audible(quality)}",
        table(head, rows, words=1),
    ]


def _audible(quality: Record) -> str:
    lost = max((row["wanted"] for row in quality["settings"] if apart(row["precision_lost"])), default=0.0)
    kept = [row["wanted"] for row in quality["settings"] if row["wanted"] > lost]
    chance = f"Neighbours drawn at random share a label with the query {percent(quality['chance'])} of the time."
    if not kept:
        return f"Even the highest recall here loses some label precision. {chance}"
    return (
        f"From recall {min(kept):g} on, no loss of label precision can be told from none: what LSH returns instead of "
        f"a missed neighbour is about as much of the query's kind. {chance}"
    )


def _close(quality: Record, about: Record) -> list[str]:
    close = quality["close"]
    setting = f"L = {close['n_tables']}, K = {close['n_bits']}, {close['n_probes']} probe(s)"
    low, high = min(close["seeds"]), max(close["seeds"])
    rows = [
        [f"`{w['clip_id']}`", ", ".join(w["labels"]), f"{w['recall']:g}", *_far(w, quality)] for w in close["worst"]
    ]
    unit = "angle" if quality["metric"] == "cosine" else "distance"
    return [
        (
            f"**The mean is not the whole story.** At {setting} ({quality['metric']}) mean recall is "
            f"{share(close['recall'])}; {percent(close['share_complete'])} of the queries get all ten neighbours, "
            f"{percent(close['share_below_half'])} fewer than half, and the worst gets {close['lowest']:g}. LSH is a "
            f"random draw: {len(close['seeds'])} seeds gave {low:.3f} to {high:.3f}. The queries of which it found "
            "least have neighbours that are far away; hear them on the page *Tune*:"
        ),
        table(["clip", "labels", "recall", f"{unit} to the nearest", "to the tenth"], rows, words=2),
        (
            f"Reproduce one row:\n\n```sh\npython -m lsh evaluate data/{about['dataset']} --metric "
            f"{quality['metric']} --tables {close['n_tables']} --bits {close['n_bits']} --probes {close['n_probes']} "
            f"--queries {quality['queries']}\n```"
        ),
    ]


def _far(worst: Record, quality: Record) -> list[str]:
    if quality["metric"] == "cosine":
        return [angle(worst["nearest"]), angle(worst["tenth"])]
    return [f"{worst['nearest']:.2f}", f"{worst['tenth']:.2f}"]
