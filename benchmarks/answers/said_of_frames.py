"""Question 4 in words: how the frames of a clip should become one vector."""

from typing import Any

from benchmarks.answers.confidence import apart
from benchmarks.answers.tables import ms, share, signed, table

Record = dict[str, Any]
TITLE = "## 4. How should the ten 1-second embeddings of a clip become one vector?"
BASELINE = "mean"
WORDS = {
    "mean": "**mean** of the frames (what the dataset keeps)",
    "mean, centred": "mean, centred",
    "max": "max of each dimension",
    "max, centred": "max, centred",
    "mean+std": "mean and standard deviation, side by side",
    "mean+std, centred": "mean and standard deviation, centred",
    "first": "first frame alone",
    "best frame": "all frames, best frame of each clip",
    "sum over frames": "all frames, sum over the query's frames",
    "ranks of frames": "all frames, ranks fused",
    "frames by LSH": "all frames through hash tables, sum",
    "frames by sketches": "all frames through sketches, sum",
}


def section(frames: Record | None, about: Record) -> list[str]:
    """Return the section's paragraphs."""
    if frames is None:
        return [
            TITLE,
            "Not measured: this dataset keeps no frames. Prepare it again with `python -m data_prep convert --frames`.",
        ]
    ways = {way["name"]: way for way in frames["ways"]}
    return [
        TITLE,
        _short(ways),
        (
            "Recall cannot answer this one: each way has neighbours of its own, and finds its own perfectly. Labels "
            f"can. Over {frames['queries']:,} test clips: **label precision@10**, as above. **mAP**: all "
            f"{frames['clips']:,} clips of the collection are ranked, one is relevant when it shares a label with the "
            "query, and the average precision of that ranking (Manning, Raghavan & Schütze 2008, equation 8.8) is "
            "meant over queries. **mAP by label**: relevant is a clip with *that* label, meant over the queries with "
            f"it and then over the {frames['labels']} labels, so that rare sounds count as much as speech and music "
            "(as AudioSet's own mAP does; Gemmeke et al. 2017). *Against the mean*: the difference in mAP, query by "
            "query."
        ),
        _table(frames["ways"]),
        (
            "*Centred*: the mean vector of the collection is taken away first. *Sum*: each frame of the query adds "
            "the cosine of the clip's best frame (CombSUM, Fox & Shaw 1994; late interaction, Khattab & Zaharia "
            "2020). *Ranks*: each adds 1 / (60 + the clip's rank) (Cormack, Clarke & Büttcher 2009). *Through hash "
            f"tables* and *through sketches*: each frame of the query fetches {frames['fetched']} of "
            f"{frames['frames']:,} frames, and what they find is fused; they rank only what they fetch, so they have "
            "no mAP. Distances are cosine. Times are of the ten nearest of one clip, exact but for the last two "
            "rows; MB are vectors and index in memory."
        ),
        "What these say:",
        "\n".join(f"- {line}" for line in _lessons(ways)),
        f'Reproduce: `{about["command"]}`; in Python: `lsh.fusion.pool(frames, offsets, "mean+std")`.',
    ]


def _short(ways: dict[str, Record]) -> str:
    mean = ways[BASELINE]
    best = max((way for way in ways.values() if way["kind"] == "pooled"), key=lambda way: way["precision"]["value"])
    if best is mean:
        return "**By their mean.** No other way to pool has a higher label precision, and none is smaller."
    if not apart(best["precision_gain"]):
        return f"**By their mean, or {_plain(best)}**: label precision cannot tell them apart, and none is smaller."
    return (
        f"**By {_plain(best)}**: label precision {best['precision']['value']:.3f} against the plain mean's "
        f"{mean['precision']['value']:.3f}, a difference of {signed(best['precision_gain'])}, for "
        f"{best['megabytes'] / mean['megabytes']:.0f} times the memory."
    )


def _plain(way: Record) -> str:
    return WORDS[way["name"]].replace("*", "")


def _table(ways: list[Record]) -> str:
    head = ["way", "label precision@10", "mAP", "against the mean", "mAP by label", "ms a query", "MB"]
    rows = [
        [
            WORDS[way["name"]],
            share(way["precision"]),
            share(way["map"]) if "map" in way else "-",
            signed(way["map_gain"]) if "map" in way and way["name"] != BASELINE else "-",
            share(way["macro"]) if "macro" in way else "-",
            ms(way["ms"]),
            f"{way['megabytes']:.0f}",
        ]
        for way in ways
    ]
    return table(head, rows)


def _lessons(ways: dict[str, Record]) -> list[str]:
    return [
        _judged(ways["mean, centred"], "Centring", "costs nothing and"),
        _judged(
            ways["mean+std"],
            "How much a clip changes (its standard deviation)",
            "beside the mean, in twice the memory,",
        ),
        _judged(ways["mean+std, centred"], "Both together"),
        _judged(ways["max"], "The maximum, taken as it is,"),
        _judged(ways["first"], "One second instead of ten"),
        _judged(ways["sum over frames"], "Keeping every frame", _cost(ways["sum over frames"], ways[BASELINE])),
        _indexed(ways),
    ]


def _judged(way: Record, what: str, aside: str = "") -> str:
    """Say what a way does to both measures, as far as chance allows to tell."""
    precision, average = (_verb(way[name]) for name in ("precision_gain", "map_gain"))
    start = f"**{what}** {aside}".rstrip()
    gains = f"{signed(way['precision_gain'])} and {signed(way['map_gain'])}"
    if not apart(way["precision_gain"]) and not apart(way["map_gain"]):
        return f"{start} changes neither label precision nor mAP by more than chance: {gains}."
    if precision == average:
        return f"{start} {precision} both label precision and mAP: {gains}."
    return f"{start} {precision} label precision and {average} mAP: {gains}."


def _verb(gain: Record) -> str:
    if not apart(gain):
        return "leaves (within chance)"
    return "raises" if gain["value"] > 0 else "lowers"


def _cost(way: Record, base: Record) -> str:
    return (
        f"takes {way['megabytes'] / base['megabytes']:.0f} times the memory and {way['ms'] / base['ms']:.0f} times "
        "the time; it"
    )


def _indexed(ways: dict[str, Record]) -> str:
    exact = ways["sum over frames"]
    said = [
        f"{name} {exact['ms'] / ways[key]['ms']:.0f} times as fast as looking at all of them, with label precision "
        f"{ways[key]['precision']['value']:.3f} instead of {exact['precision']['value']:.3f}"
        for key, name in (("frames by LSH", "hash tables"), ("frames by sketches", "sketches"))
    ]
    return f"**An index over frames** makes that affordable: {said[0]}; {said[1]}."
