"""Reports of `python -m lsh` as text; `--json` prints them as they are."""

import textwrap
from typing import Any

from lsh.analysis.timing import same_time


def evaluation(report: dict[str, Any]) -> None:
    """Print the figures of one setting."""
    ms, exact_ms, spread = (report[name] for name in ("ms_per_query", "exact_ms_per_query", "time_spread"))
    ratio = "about the same" if same_time(ms, exact_ms, spread) else f"{exact_ms / ms:.2f} times as long"
    time = "time on the clock" if "scheduler" in report else "processor time"
    print(
        f"{report['metric']}, {_setting_in_words(report)}{_spread_in_words(report)}: "
        f"{report['queries']:,} {report['split']} queries, k = {report['k']}\n"
        f"  recall           {report['recall']:.3f} ± {report['recall_error']:.3f} (standard error)\n"
        f"  label precision  {report['label_precision']:.3f} (exact search: {report['exact_label_precision']:.3f})\n"
        f"  candidates       {report['candidates']:.2%} of the collection\n"
        f"  {time:15}  {ms:.3f} ms per query (exact search: {exact_ms:.3f} ms, {ratio}), "
        f"spread {spread:.0%}, over {report['timed_queries']:,} queries\n"
        f"  index            {report['index_bytes'] / 1e6:.1f} MB in addition to the features"
    )


def _setting_in_words(report: dict[str, Any]) -> str:
    if report["index"] == "exact":
        return "exact search"
    if report["index"] == "graph":
        return f"a graph, {report['n_kept']} nodes kept"
    probes = f", {report['n_probes']} probed" if report["n_probes"] > 1 else ""
    reranked = f", {report['n_reranked']} re-ranked" if report["n_reranked"] else ""
    if report["index"] == "sketches":
        return f"sketches in {report['n_buckets']} bucket(s){probes}{reranked}"
    return f"L = {report['n_tables']} tables, K = {report['n_bits']} bits{probes and probes + ' per table'}{reranked}"


def spread(index: Any, scheduler: str | None) -> dict[str, Any]:
    """Return what a report says of an index on a cluster; nothing of one in this process."""
    return {"scheduler": scheduler, "shards": index.n_shards} if scheduler else {}


def _spread_in_words(report: dict[str, Any]) -> str:
    if "scheduler" not in report:
        return ""
    shards = "1 shard" if report["shards"] == 1 else f"{report['shards']} shards"
    return f", {shards} of the cluster at {report['scheduler']}"


def tuning(report: dict[str, Any]) -> None:
    """Print the chosen setting, its figures on both splits, and how to repeat them."""
    print(report["why"])
    for split in ("validation", "test"):
        evaluation(report[split])
    print(f"\nTo repeat the measurement:\n{_indented(report['settings']['command'])}")
    print(f"In Python, with X and Q float32[n, d]:\n{_indented(report['settings']['python'])}")


def _indented(text: str) -> str:
    return textwrap.indent(text, "  ")


def neighbours(report: dict[str, Any]) -> None:
    """Print the clips nearest to a clip."""
    print(f"{report['query']['clip_id']}: {', '.join(report['query']['labels'])}")
    print(f"candidates: {report['candidates']:.2%} of the collection{_spread_in_words(report)}")
    for other in report["neighbours"]:
        labels = ", ".join(other["labels"])
        print(f"{other['rank']:4}  {other['distance']:.3f}  {other['clip_id']}  {labels}")


def families(report: dict[str, Any]) -> None:
    """Print a table of hash families."""
    print(
        f"{report['metric']}, {report['n_tables']} tables, {report['n_probes']} probed per table, k = {report['k']}: "
        f"{report['queries']:,} {report['split']} queries (± standard error)\n"
        f"  exact search: label precision {_mean(report['exact_label_precision'])}\n"
        f"  budget  family        bits  candidates  recall         label precision  difference to exact search"
    )
    for row in sorted(report["rows"], key=lambda row: row["budget"]):
        bits, gain = row["setting"].get("n_bits", "-"), row["gain"]
        print(
            f"  {row['budget']:6.1%}  {row['family']:12}  {bits:>4}  {row['candidates']['value']:10.2%}  "
            f"{_mean(row['recall'])}  {_mean(row['label_precision'])}    {gain['value']:+.3f} ± {gain['error']:.3f}"
        )


def built(report: dict[str, Any]) -> None:
    """Print the size of a saved index, and the times to build and to open it."""
    print(
        f"{report['path']}: {report['bytes'] / 1e6:.1f} MB, {report['clips']:,} clips; built and saved in "
        f"{report['build_s']:.2f} s ({report['processor_s']:.2f} s of processor time), opened in "
        f"{report['load_s'] * 1000:.0f} ms"
    )


def duplicates(report: dict[str, Any]) -> None:
    """Print the groups of duplicates with their clips."""
    for number, group in enumerate(report["groups"], 1):
        note = "" if group["complete"] else ", not every pair of them compared"
        print(f"group {number}: {len(group['clips']):,} clips{note}")
        for clip in group["clips"]:
            away = "connected" if clip["distance"] is None else f"{clip['distance']:.4f}"
            print(
                f"  {away:>9}  {clip['clip_id']}  {clip['start_s']:g}-{clip['end_s']:g} s  {', '.join(clip['labels'])}"
            )
    total = sum(len(group["clips"]) for group in report["groups"])
    print(
        f"{len(report['groups']):,} groups of {total:,} clips; {report['pairs']:,} pairs within "
        f"{report['radius']:.4g} ({report['metric']}), of {report['clips']:,} clips, in {report['seconds']:.1f} s; "
        f"each found with probability {report['promised']:g} ({report['n_tables']} tables)"
    )
    if report["checked"]:
        true, found = report["checked"]
        share = f"{found / true:.3f}" if true else "-"
        print(f"checked with exact search of some of the clips: {found:,} of {true:,} pairs found ({share})")


def verified(report: dict[str, Any]) -> None:
    """Print what is wrong with the saved indexes, and their number."""
    for problem in report["problems"]:
        print(f"{problem}")
    print(f"{len(report['files'])} index files, {len(report['problems'])} that cannot be used")


def _mean(mean: dict[str, float]) -> str:
    return f"{mean['value']:.3f} ± {mean['error']:.3f}"
