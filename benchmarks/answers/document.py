"""Renders docs/ANSWERS.md from the figures in docs/answers.json; the same figures give the same document."""

from textwrap import fill

from benchmarks.answers import aggregation, families, parameters, predicted_recall, quality, speed
from benchmarks.answers.formatting import Record

_WIDTH = 120


def render(figures: Record) -> str:
    """Return the document in Markdown."""
    about = figures["about"]
    sections = [
        _head(about),
        parameters.section(figures["parameters"], about),
        speed.section(figures["speed"]),
        quality.section(figures["quality"], about),
        aggregation.section(figures["aggregation"], about),
        families.section(figures["families"], about),
        predicted_recall.section(figures["theory"]),
    ]
    return "\n\n".join(_wrapped(part) for section in sections for part in section) + "\n"


def _wrapped(part: str) -> str:
    """Break prose into lines that a person can read in the source; tables, code and headings stay as they are."""
    if part.startswith(("|", "#")) or "```" in part:
        return part
    lines = []
    for line in part.split("\n"):
        indent = "  " if line.startswith("- ") else ""
        lines.append(fill(line, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False))
    return "\n".join(lines)


def _head(about: Record) -> list[str]:
    rows, machine = about["rows"], about["machine"]
    packages = ", ".join(f"{name} {machine['packages'][name]}" for name in ("numpy", "numba"))
    frames = ", with `--frames`" if about["has_frames"] else ""
    return [
        "# Answers",
        (
            "Four questions, and what was measured. One command measures everything here and writes this page and "
            f"its figures, [answers.json](answers.json); it took {about['minutes']:.0f} minutes on "
            f"{about['measured_on']}:"
        ),
        f"```sh\nmake answers DATASET=data/{about['dataset']}    # or: {about['command']}\n```",
        (
            f"**Data.** {about['title']}: {rows['train']:,} clips are the collection, "
            f"{rows['validation']:,} validation clips choose settings, {rows['test']:,} test clips evaluate them. "
            f"Source: {about['source']}. Prepared as the [README](../README.md) says{frames}, fingerprint "
            f"`{about['fingerprint'][:16]}`."
        ),
        (
            f"**Machine.** {machine['cpu']}, {machine['cores']} cores, Python {machine['python']}, {packages}; load "
            f"{machine['load']} before and {machine['load_after']} after, since it was shared with other work. One "
            "query at a time, one thread. The searches of one comparison are timed interleaved, query by query, so "
            "the *ratio* of two times is worth reading, and differences below some 20 % are not."
        ),
        (
            "**Intervals.** In brackets after a mean over queries: its 95 % bootstrap confidence interval (2,000 "
            "resamples of the queries; differences are taken query by query). Recall, label precision and the share "
            f"of candidates are the same in every run (seed {about['seed']}); times are not."
        ),
    ]
