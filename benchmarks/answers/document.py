"""docs/ANSWERS.md from its figures: the same figures give the same document, and no sentence is older than they are."""

from textwrap import fill
from typing import Any

from benchmarks.answers import (
    said_of_families,
    said_of_frames,
    said_of_parameters,
    said_of_quality,
    said_of_speed,
    said_of_theory,
)

Record = dict[str, Any]

_WIDTH = 120


def render(figures: Record) -> str:
    """Return the document. Every sentence that judges is chosen by the figures that it speaks of."""
    about = figures["about"]
    sections = [
        _head(about),
        said_of_parameters.section(figures["parameters"], about),
        said_of_speed.section(figures["speed"]),
        said_of_quality.section(figures["quality"], about),
        said_of_frames.section(figures["aggregation"], about),
        said_of_families.section(figures["families"], about),
        said_of_theory.section(figures["theory"]),
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
            f"**Data.** {about['title']}: {rows['train']:,} clips are the collection that is searched, "
            f"{rows['validation']:,} validation clips choose settings, {rows['test']:,} test clips judge them. "
            f"Source: {about['source']}. Prepared as the [README](../README.md) says{frames}, fingerprint "
            f"`{about['fingerprint'][:16]}`."
        ),
        (
            f"**Machine.** {machine['cpu']}, {machine['cores']} cores, Python {machine['python']}, {packages}; load "
            f"{machine['load']} before and {machine['load_after']} after, since it was shared with other work. One "
            "query at a time, one thread. LSH and exact search take turns on each query, so the *ratio* of two times "
            "is worth reading, and differences below some 20 % are not."
        ),
        (
            "**Intervals.** Behind a mean over queries stands where it would lie with other queries, 95 times in 100 "
            "(bootstrap over the queries, 2,000 resamples; differences are taken query by query). Recall, label "
            f"precision and the share looked at repeat to the digit (seed {about['seed']}); times do not."
        ),
    ]
